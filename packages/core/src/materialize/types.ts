/** What a caller of `store.materialize` hands in and is told. */
import type { AnySelection } from "../define/selection.ts";

export interface MaterializeOptions {
  /** Views, or their names; all without it. */
  readonly views?: readonly (AnySelection | string)[] | undefined;
  /**
   * Days, as "2025-06-14". The rows of a day are stamped with its end, so that the day itself is in
   * their windows (law 1).
   */
  readonly dates?: readonly string[] | undefined;
  /**
   * The first day; with `incremental` only where nothing is materialized yet, or for days before
   * those that are.
   */
  readonly from?: string | undefined;
  /** The day after the last; with `incremental` today without it. */
  readonly to?: string | undefined;
  /**
   * Whose days they are, an IANA name; "UTC" without it. A table keeps the zone that it was begun
   * with.
   */
  readonly zone?: string | undefined;
  /**
   * Brings every day that is materialized up to the history, whatever arrived late, was corrected,
   * deleted or backfilled, and adds the days since.
   */
  readonly incremental?: boolean | undefined;
  /**
   * false: only the table is written. Where the store has an online store, the rows of the newest
   * day go there too without it.
   */
  readonly online?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: MaterializeProgress) => void) | undefined;
}

export interface MaterializeProgress {
  readonly view: string;
  /** The day that was finished. */
  readonly date: string;
  readonly rows: number;
  /** Days of all views done, of those to do in the views that were looked at so far. */
  readonly done: number;
  readonly total: number;
}

export interface MaterializeResult {
  readonly views: readonly MaterializedView[];
}

export interface MaterializedView {
  readonly view: string;
  /** The table's name in the offline store. */
  readonly table: string;
  /** Days that were computed, in their order. */
  readonly dates: readonly {
    readonly date: string;
    readonly rows: number;
    readonly state: "new" | "again";
  }[];
  /** Days that the table holds and that were left as they are. */
  readonly unchanged: number;
  /** The day whose rows the online store now serves; null: this call put none there. */
  readonly online: string | null;
}
