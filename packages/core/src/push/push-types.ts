/** Pushing, as the user of a store sees it. */
import type { CheckPushed, Pushable, PushKeyOf, PushRowOf } from "../define/push-source.ts";

export interface PushOptions<X = string> {
  /** Primary keys of rows that are gone; they come after the rows of the push. */
  readonly deletes?: readonly PushKeyOf<X>[] | undefined;
  /**
   * Tells this push from every other, so that it may be repeated where its answer was lost: a
   * second push with an id changes nothing and gets the first one's result. It is remembered for as
   * long as `logRetention` of `openStore` says, in the online store.
   */
  readonly id?: string | undefined;
  /** Where it aborts, the push may still have been taken. */
  readonly signal?: AbortSignal | undefined;
}

export interface PushResult {
  readonly rows: number;
  readonly deletes: number;
  /**
   * The place of its last row among all that was pushed to the source; null: the push was empty.
   */
  readonly position: number | null;
  /**
   * When its rows became known (law 6), as an ISO string with six decimals of a second; null: the
   * push was empty.
   */
  readonly committed: string | null;
}

export interface CatchUpOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface Pushes {
  /**
   * Brings rows of a pushed source: each replaces the row of its primary key, all of them or none.
   * When it resolves they are durable, the history holds them as known from `committed` on, and the
   * online store answers with them. A row whose key or event time is missing, or with a value that
   * is none of its column, is `PUSH_INVALID`, and nothing is taken; a source that a log feeds is
   * `PUSH_NOT_ALLOWED`. After `PUSH_NOT_ONLINE_YET` the rows are in the history and will be served.
   *
   * @example
   * await store.push(logins, [{ id: "a1", user_id: "user_000066", device: "phone", time: new Date() }]);
   */
  push<const X extends Pushable>(
    source: CheckPushed<X>,
    rows: readonly PushRowOf<X>[],
    options?: PushOptions<X>,
  ): Promise<PushResult>;
  /**
   * Brings the online store up to what was pushed into the history: by a process that died in
   * between, or that has no online store. `push` and `run` do it, and reads look for it every few
   * seconds; call it where a server starts. Without both stores there is nothing to do.
   */
  catchUp(options?: CatchUpOptions): Promise<{ readonly changes: number }>;
}
