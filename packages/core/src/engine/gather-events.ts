/** Gathers events out of batches, sorted by entity and time. */
import { batchOf, type Vector } from "../columns/batch.ts";
import { gatherRows } from "../columns/gather-rows.ts";
import type { ColumnSpec } from "../specs.ts";
import type { Events } from "../spi.ts";
import type { TimedRows } from "../window/timed-rows.ts";
import { orderByTime } from "./time-order.ts";
import { mergedByTime } from "./time-runs.ts";

/** Events sorted by entity and time. */
export interface GatheredEvents extends TimedRows {
  /** The rows of entity e are [starts[e], starts[e + 1]). */
  readonly starts: Int32Array;
}

/**
 * Sorts the events of the requested entities by entity and time. A negative entity number is not
 * requested.
 */
export async function gatherEvents(
  columns: readonly ColumnSpec[],
  events: AsyncIterable<Events> | Iterable<Events>,
  keys: number,
  signal?: AbortSignal,
): Promise<GatheredEvents> {
  const batches: { readonly events: Events; readonly rows: Int32Array }[] = [];
  const counts = new Int32Array(keys + 1);
  let total = 0;
  let alwaysKnown = true;
  for await (const batch of events) {
    signal?.throwIfAborted();
    const rows = new Int32Array(batch.length);
    let wantedCount = 0;
    for (let i = 0; i < batch.length; i++) {
      const entity = batch.entity[i]!;
      if (entity < 0) continue;
      rows[wantedCount++] = i;
      counts[entity + 1]!++;
      alwaysKnown &&= batch.from[i] === -Infinity && batch.to[i] === Infinity;
    }
    if (wantedCount === 0) continue;
    batches.push({ events: batch, rows: rows.slice(0, wantedCount) });
    total += wantedCount;
  }
  for (let e = 0; e < keys; e++) counts[e + 1]! += counts[e]!;
  const starts = counts.slice();

  // A stable counting sort by entity. If the rows do not come by time, a sort within each entity
  // follows.
  const part = new Int32Array(total);
  const index = new Int32Array(total);
  const time = new Float64Array(total);
  const from = new Float64Array(alwaysKnown ? 0 : total);
  const to = new Float64Array(alwaysKnown ? 0 : total);
  const next = starts.slice();
  const put = (p: number, i: number): void => {
    const { entity, time: times, from: froms, to: tos } = batches[p]!.events;
    const place = next[entity[i]!]!++;
    part[place] = p;
    index[place] = i;
    time[place] = times[i]!;
    if (alwaysKnown) return;
    from[place] = froms[i]!;
    to[place] = tos[i]!;
  };
  const merged = mergedByTime(
    batches.map(({ events: { time: times }, rows }) => ({ times, rows })),
    total,
  );
  if (merged !== null)
    for (let row = 0; row < total; row++) put(merged.part[row]!, merged.index[row]!);
  else
    batches.forEach(({ rows }, p) => {
      for (let r = 0; r < rows.length; r++) put(p, rows[r]!);
    });
  const order = orderByTime(starts, time);
  const picks =
    order === null ? { part, index } : { part: picked(part, order), index: picked(index, order) };
  const vectors = columns.map((_, c) =>
    total === 0
      ? null
      : gatherRows(
          batches.map(({ events: batch }) => batch.columns.vectors[c]!),
          picks.part,
          picks.index,
        ),
  );
  return {
    time,
    from: alwaysKnown ? null : order === null ? from : picked(from, order),
    to: alwaysKnown ? null : order === null ? to : picked(to, order),
    starts,
    columns:
      total === 0 ? batchOf(columns, []) : { length: total, columns, vectors: vectors as Vector[] },
  };
}

/** The values at these places. */
function picked<T extends Int32Array | Float64Array>(values: T, places: Int32Array): T {
  const result = values.slice() as T;
  for (let i = 0; i < places.length; i++) result[i] = values[places[i]!]!;
  return result;
}
