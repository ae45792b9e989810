/** Gives events the columns of dimensions, out of the history. */
import type { HistoryContext } from "./history-context.ts";
import { lookupIn, type DimensionVersions, type Lookup } from "../asof/lookup.ts";
import type { Overflows } from "../columns/overflows.ts";
import { gatherEvents } from "../engine/gather-events.ts";
import type { LookupNode, RowNode } from "../plan/nodes.ts";
import { dimensionColumns, lookupsOf } from "../plan/plan-kinds.ts";
import { primaryKeyColumns } from "../rows/row-change.ts";
import type { Events } from "../spi.ts";
import { versionEvents, type HistoryState } from "./version-events.ts";

/** The history of a dimension. */
export interface DimensionHistory {
  readonly context: HistoryContext;
  /** null: there is no history yet. */
  readonly state: HistoryState | null;
}

/** The history that a view is computed from. */
export interface ViewHistory {
  readonly context: HistoryContext;
  readonly state: HistoryState;
  /** The dimensions that the view looks up. */
  readonly dimensions: readonly DimensionHistory[];
}

/** Returns the events with the looked-up columns behind their own. */
export type EventLookup = (events: Events) => Events;

/**
 * Reads the dimensions that rows look up, each whole: their versions are in memory until the answer
 * is computed. `times`: the event times of the rows, both ends included. null: the rows look
 * nothing up.
 */
export async function historyLookups(
  rows: RowNode,
  dimensions: readonly DimensionHistory[],
  times: { readonly min: number; readonly max: number },
  overflows: Overflows,
  signal?: AbortSignal,
): Promise<EventLookup | null> {
  const nodes = lookupsOf(rows);
  if (nodes.length === 0) return null;
  const lookups: Lookup[] = [];
  for (const node of nodes) {
    const dimension = dimensions.find(({ context }) => context.source.name === node.dimension)!;
    const versions = await readVersions(node, dimension, times, signal);
    const primaryKey = primaryKeyColumns(dimension.context.source);
    lookups.push(lookupIn(node, primaryKey, versions, overflows));
  }
  return (events) => ({
    ...events,
    columns: lookups.reduce((rows, lookUp) => lookUp(rows, events.time), events.columns),
  });
}

/** The events as they come, with what they look up. */
export async function* withLookups(
  events: AsyncIterable<Events>,
  lookUp: EventLookup | null,
): AsyncIterable<Events> {
  for await (const batch of events) yield lookUp === null ? batch : lookUp(batch);
}

async function readVersions(
  node: LookupNode,
  { context, state }: DimensionHistory,
  times: { readonly min: number; readonly max: number },
  signal: AbortSignal | undefined,
): Promise<DimensionVersions> {
  const { source } = context;
  const names = new Set(dimensionColumns(node));
  const columns = source.columns.filter(({ name }) => names.has(name));
  const numbers = new Map<string, number>();
  const batches: Events[] = [];
  const query = {
    columns,
    keyColumns: source.primaryKey,
    entityOf(text: string) {
      let number = numbers.get(text);
      if (number === undefined) numbers.set(text, (number = numbers.size));
      return number;
    },
    knowledge: "as-known" as const,
    times: { min: -Infinity, max: Infinity },
    signal,
  };
  if (state !== null)
    for await (const batch of versionEvents(context, state, query)) {
      const { entity, from, to } = batch;
      for (let i = 0; i < batch.length; i++)
        if (from[i]! >= times.max || to[i]! < times.min) entity[i] = -1;
      batches.push(batch);
    }
  const gathered = await gatherEvents(columns, batches, numbers.size, signal);
  const { starts, from, to, columns: gatheredColumns } = gathered;
  const { length } = gatheredColumns;
  return {
    numberOf: (text) => numbers.get(text) ?? -1,
    starts,
    from: from ?? new Float64Array(length).fill(-Infinity),
    to: to ?? new Float64Array(length).fill(Infinity),
    columns: gatheredColumns,
  };
}
