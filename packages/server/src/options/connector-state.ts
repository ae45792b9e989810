/** What the option `connectors` of a server answers. */

/** The state of a connector that brings changes, such as one of Debezium in Kafka Connect. */
export interface ConnectorState {
  readonly name: string;
  /** `RUNNING`, `FAILED`, `PAUSED`, …, in Kafka Connect's words. null: it could not be asked. */
  readonly state: string | null;
  /** The worker that has the connector. null: it could not be asked. */
  readonly worker: string | null;
  /** Why the connector failed, one line. null: it has not failed. */
  readonly reason: string | null;
  /** The tasks. A connector may run while its task has failed. */
  readonly tasks: readonly ConnectorTaskState[];
  /** Why the connector could not be asked. null: it was asked. */
  readonly error: string | null;
}

/** The state of one task of a connector. */
export interface ConnectorTaskState {
  readonly id: number;
  readonly state: string;
  readonly worker: string;
  /** Why the task failed, one line. null: it has not failed. */
  readonly reason: string | null;
}
