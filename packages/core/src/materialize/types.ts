/** The options and results of `store.materialize`. */
import type { AuditCaller } from "../audit/audit-types.ts";
import type { AnySelection } from "../define/selection.ts";
import type { DaysEngine } from "../spi.ts";

/** The options of `store.materialize`: which views and days, and where their rows go. */
export interface MaterializeOptions {
  /** Views, or their names. All views without it. */
  readonly views?: readonly (AnySelection | string)[] | undefined;
  /**
   * Days, such as "2025-06-14". A row is stamped with the end of its day, so its windows hold that
   * day (law 1: events before t).
   */
  readonly dates?: readonly string[] | undefined;
  /**
   * The first day.
   * With `incremental` it matters only if nothing is materialized yet, or for days before the
   * materialized ones.
   */
  readonly from?: string | undefined;
  /** The day after the last. With `incremental`, today without it. */
  readonly to?: string | undefined;
  /** Time zone of the days, an IANA name; "UTC" without it. A table keeps its first zone. */
  readonly zone?: string | undefined;
  /**
   * Brings every materialized day up to the history, and adds the days since.
   * Late, corrected, deleted and backfilled rows are all taken into account.
   */
  readonly incremental?: boolean | undefined;
  /**
   * false: write the table only. Without it, the rows of the newest day also go to the online
   * store.
   */
  readonly online?: boolean | undefined;
  /**
   * The bytes that the events and rows in memory may take, about; at least 64 MiB. Where more is
   * needed, the entities are taken in groups, and the history is read once for each. The events of
   * one entity are always in memory at once. Default: 1 GiB.
   */
  readonly memoryLimit?: number | undefined;
  /**
   * Computes the rows from the history itself, such as `sparkDays()` of `@tidemark/engine-spark`.
   * This process lists the entities and writes the rows. Without it, this process computes them.
   */
  readonly engine?: DaysEngine | undefined;
  /** Who materializes, for the audit table. Default: `audit` of `openStore`. */
  readonly caller?: AuditCaller | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: MaterializeProgress) => void) | undefined;
}

/** The progress of `store.materialize` after one day of one view. */
export interface MaterializeProgress {
  readonly view: string;
  /** The day that was finished. */
  readonly date: string;
  readonly rows: number;
  /** Finished days of all views, and days to compute in the views examined so far. */
  readonly done: number;
  readonly total: number;
}

/** The result of `store.materialize`. */
export interface MaterializeResult {
  readonly views: readonly MaterializedView[];
}

/** The days of one view that a call has computed. */
export interface MaterializedView {
  readonly view: string;
  /** Name of the table in the offline store. */
  readonly table: string;
  /** The computed days, in order. */
  readonly dates: readonly {
    readonly date: string;
    readonly rows: number;
    readonly state: "new" | "recomputed";
  }[];
  /** The number of days in the table that were not computed again. */
  readonly unchanged: number;
  /** The day whose rows the online store now serves. null: this call wrote none there. */
  readonly online: string | null;
}
