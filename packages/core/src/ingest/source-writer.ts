/** Defines where changes go: one source writer for each source in each store. */
import type { Change, Position } from "../spi.ts";
import type { LogLevel } from "./log-level.ts";

export interface SourceWriter {
  /** The position that the source writer has reached, by partition. */
  readonly positions: Map<string, Position>;
  /** Those of the positions that the store does not hold: nothing of the log is before them. */
  readonly assumed: ReadonlySet<Position>;
  /**
   * Takes the changes after its positions, and moves the positions. True if everything taken so far
   * is durable. After a retryable error the same changes may be given again, once `reload` was
   * called.
   */
  write(changes: readonly Change[], positions: readonly Position[]): Promise<boolean>;
  /**
   * ms until the taken changes must be made durable even if no more come; Infinity if none wait.
   */
  commitDueIn(): number;
  /** Makes due changes durable. True if everything taken is durable. */
  commitWhenDue(): Promise<boolean>;
  /** Makes everything taken durable. */
  flush(): Promise<void>;
  /**
   * Reloads the store's positions: another run, or an interrupted write of this one, may have moved
   * them.
   */
  reload(): Promise<void>;
  /**
   * Notes in the store which partitions were level with the log. Once all of them were, the source
   * may be read. Returns whether it may. `level` is called only if the store does not know it.
   */
  markReady?(level: () => Promise<LogLevel>): Promise<boolean>;
  /** Called when the source has ended. */
  finish(): Promise<void>;
  /** Ends work in the background. Called when the run ends, with or without `finish`. */
  abandon?(): Promise<void>;
}

export type StoreRole = "online" | "history";

/**
 * The source writers of one store. They belong together: an obstacle to one of them is an obstacle
 * to all.
 */
export interface StoreWriters {
  readonly role: StoreRole;
  readonly name: string;
  /**
   * Opens the source writer of each source, by source name. Opening asks the store for positions,
   * so it can fail as the store can.
   */
  open(signal: AbortSignal): Promise<ReadonlyMap<string, SourceWriter>>;
  /** The store's own maintenance, in bounded steps between batches. */
  readonly maintenance?: { step(): Promise<void>; finish(): Promise<void> } | undefined;
}
