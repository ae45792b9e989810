/** Reads the rows of a source as they were known at a time. */
import { historyContext } from "../offline/history-context.ts";
import type { Batch } from "../columns/batch.ts";
import { bindFilters } from "../expr/bind.ts";
import type { Overflows } from "../columns/overflows.ts";
import { historyLookups, withLookups } from "../offline/history-lookups.ts";
import { historyState, versionEvents } from "../offline/version-events.ts";
import { rowNode } from "../plan/compile.ts";
import { inputOf, lookupsOf, rowCondition } from "../plan/plan-kinds.ts";
import type { ViewSpec } from "../specs.ts";
import type { OfflineStore } from "../spi.ts";
import { isKnown } from "../window/window-law.ts";

/** Which rows are read, and what of them. */
export interface RowsAtQuery {
  /** The source, or the derived source. */
  readonly from: Pick<ViewSpec, "source" | "lookups" | "rows">;
  /** Names of the columns to read. */
  readonly columns: readonly string[];
  /** The time of the check, µs. */
  readonly t: number;
  /** How far before `t` the oldest row lies, µs. */
  readonly reach: number;
  /** Whether rows count that an expectation of the source quarantines. Default: they do not. */
  readonly withViolations?: boolean | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Rows of one batch that were there at `t`. */
export interface RowsAt {
  readonly batch: Batch;
  readonly rows: readonly number[];
  /** The event time of each row of the batch, µs. */
  readonly time: Float64Array;
}

/**
 * Yields the rows whose event time is before `t` and that were known at `t`: committed before it,
 * and neither replaced nor deleted before it (law 6). Rows in quarantine are left out.
 */
export async function* rowsAt(offline: OfflineStore, query: RowsAtQuery): AsyncIterable<RowsAt> {
  const { from: source, t, reach, withViolations, signal } = query;
  const context = historyContext(offline, source.source);
  const state = await historyState(context, signal);
  if (state === null) return;
  const node = rowNode(source, query.columns);
  const times = { min: t - reach, max: t };
  const overflows: Overflows = { count: 0 };
  const dimensions = [];
  for (const { dimension } of lookupsOf(node)) {
    const spec = source.lookups!.find((one) => one.dimension.name === dimension)!.dimension;
    const of = historyContext(offline, spec);
    dimensions.push({ context: of, state: await historyState(of, signal) });
  }
  const lookUp = await historyLookups(node, dimensions, times, overflows, signal);
  const events = versionEvents(context, state, {
    columns: inputOf(node).columns,
    keyColumns: [],
    // every row that is there is of the one entity 0
    entityOf: () => 0,
    knowledge: "as-known",
    times,
    withViolations,
    signal,
  });
  const condition = rowCondition(node);
  for await (const batch of withLookups(events, lookUp)) {
    const { length, entity, time, from, to, columns } = batch;
    const passes = bindFilters(condition, null, columns, overflows);
    const rows: number[] = [];
    for (let i = 0; i < length; i++)
      if (
        entity[i]! >= 0 &&
        isKnown(from[i]!, to[i]!, t) &&
        time[i]! < t &&
        (passes === null || passes(i))
      )
        rows.push(i);
    if (rows.length > 0) yield { batch: columns, rows, time };
  }
}
