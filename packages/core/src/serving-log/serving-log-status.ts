/** What the serving log of a process has done so far. */
export interface ServingLogStatus {
  /** The share of the requests that are logged. */
  readonly sample: number;
  /** The rows that were answered. */
  readonly answered: number;
  /** The rows of requests that were chosen. They are written, lost or in the queue. */
  readonly sampled: number;
  readonly written: number;
  readonly lost: {
    /** Rows that came while the queue was full. */
    readonly queueFull: number;
    /** Rows that the offline store did not take. */
    readonly writeFailed: number;
  };
  readonly queuedRows: number;
  /** The size of the queued texts, about. */
  readonly queuedBytes: number;
  /** When rows were committed last. null: none were. */
  readonly lastWrite: string | null;
  /** Why the last commit failed. null: it did not. */
  readonly lastError: string | null;
}
