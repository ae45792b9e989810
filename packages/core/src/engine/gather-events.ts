/** Gathers events out of batches, sorted by entity and time. */
import { batchOf, type Vector } from "../columns/batch.ts";
import { gatherRows } from "../columns/gather-rows.ts";
import type { ColumnSpec } from "../specs.ts";
import type { Events } from "../spi.ts";
import type { TimedRows } from "../window/timed-rows.ts";
import { orderByTime } from "./time-order.ts";

/** Events sorted by entity and time. */
export interface GatheredEvents extends TimedRows {
  /** The rows of entity e are [starts[e], starts[e + 1]). */
  readonly starts: Int32Array;
  readonly from: Float64Array;
  readonly to: Float64Array;
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
  for await (const batch of events) {
    signal?.throwIfAborted();
    const rows = new Int32Array(batch.length);
    let wantedCount = 0;
    for (let i = 0; i < batch.length; i++) {
      const entity = batch.entity[i]!;
      if (entity < 0) continue;
      rows[wantedCount++] = i;
      counts[entity + 1]!++;
    }
    if (wantedCount === 0) continue;
    batches.push({ events: batch, rows: rows.slice(0, wantedCount) });
    total += wantedCount;
  }
  for (let e = 0; e < keys; e++) counts[e + 1]! += counts[e]!;
  const starts = counts.slice();

  // A stable counting sort by entity, then a sort by time within each entity.
  const part = new Int32Array(total);
  const index = new Int32Array(total);
  const times = new Float64Array(total);
  const next = starts.slice();
  batches.forEach(({ events: batch, rows }, p) => {
    for (const i of rows) {
      const place = next[batch.entity[i]!]!++;
      part[place] = p;
      index[place] = i;
      times[place] = batch.time[i]!;
    }
  });
  const order = orderByTime(starts, times);
  const picks =
    order === null
      ? { part, index }
      : {
          part: Int32Array.from(order, (place) => part[place]!),
          index: Int32Array.from(order, (place) => index[place]!),
        };
  const gatherTimes = (of: "from" | "to"): Float64Array => {
    const values = batches.map(({ events: batch }) => batch[of]);
    const picked = new Float64Array(total);
    for (let row = 0; row < total; row++)
      picked[row] = values[picks.part[row]!]![picks.index[row]!]!;
    return picked;
  };
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
    time: times,
    from: gatherTimes("from"),
    to: gatherTimes("to"),
    starts,
    columns:
      total === 0 ? batchOf(columns, []) : { length: total, columns, vectors: vectors as Vector[] },
  };
}
