/** The push interface of a store. */
import type { AuditCaller } from "../audit/audit-types.ts";
import type { CheckPushed, Pushable, PushKeyOf, PushRowOf } from "../define/push-source.ts";

/** Settings of `store.push`. */
export interface PushOptions<X = string> {
  /** Primary keys of rows to delete. The deletes come after the rows of the push. */
  readonly deletes?: readonly PushKeyOf<X>[] | undefined;
  /**
   * Identifies this push, so that it can be repeated when its answer was lost. A second push with
   * the same id changes nothing and returns the result of the first. The online store remembers the
   * id for the `online.logRetention` of `openStore`.
   */
  readonly id?: string | undefined;
  /** Who pushes, for the audit table. Default: `audit` of `openStore`. */
  readonly caller?: AuditCaller | undefined;
  /** Aborts the wait. An aborted push may still have been taken. */
  readonly signal?: AbortSignal | undefined;
}

/** What a push stored. */
export interface PushResult {
  readonly rows: number;
  readonly deletes: number;
  /**
   * The position of the push's last row among all pushes to the source; null: the push was empty.
   */
  readonly position: number | null;
  /**
   * The commit time of the rows (law 6: history does not forget), as an ISO string with six
   * decimals of a second. Null: the push was empty.
   */
  readonly committed: string | null;
}

/** Settings of `store.catchUp`. */
export interface CatchUpOptions {
  readonly signal?: AbortSignal | undefined;
}

/** The pushes to the sources of a store. */
export interface Pushes {
  /**
   * Pushes rows to a push source. Each row replaces the row of its primary key. All rows are taken,
   * or none. When the promise resolves, the rows are durable and the online store answers with
   * them. The history holds the rows as known from `committed` on.
   *
   * @throws PUSH_INVALID when a key, an event time or a value of a row is missing or wrong. Nothing
   * is taken.
   * @throws PUSH_NOT_ALLOWED when a log feeds the source.
   * @throws PUSH_NOT_ONLINE_YET when the rows are in the history and not yet in the online store.
   * They will be served.
   *
   * @example
   * await store.push(logins, [
   *   { id: "a1", user_id: "user_000066", device: "phone", time: new Date() },
   * ]);
   */
  push<const X extends Pushable>(
    source: CheckPushed<X>,
    rows: readonly PushRowOf<X>[],
    options?: PushOptions<X>,
  ): Promise<PushResult>;
  /**
   * Brings the online store up to the pushes in the history. The online store lacks pushes of a
   * process that died in between or has no online store. `push` and `run` catch up, and reads check
   * every few seconds. Call `catchUp` where a server starts. Without both stores there is nothing
   * to do.
   */
  catchUp(options?: CatchUpOptions): Promise<{ readonly changes: number }>;
}
