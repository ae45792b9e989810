/** Gathers events out of batches, sorted by entity and time. */
import { batchOf } from "../columns/batch.ts";
import { copyNumbers, copySegments, type RowSegments } from "../columns/copy-segments.ts";
import { pickRows } from "../columns/gather-rows.ts";
import type { ColumnSpec } from "../specs.ts";
import type { Events } from "../spi.ts";
import type { TimedRows } from "../window/timed-rows.ts";
import { eventBatch, pickedTimes, type EventBatch } from "./event-batch.ts";
import { orderByTime } from "./time-order.ts";

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
  const batches: EventBatch[] = [];
  for await (const given of events) {
    signal?.throwIfAborted();
    const batch = eventBatch(given);
    if (batch !== null) batches.push(batch);
  }
  return gatheredEvents(columns, batches, 0, keys);
}

/**
 * Sorts the events of the entities [first, first + keys) by entity and time. Entity `first` is
 * number 0 of the result. The batches have no other entities.
 */
export function gatheredEvents(
  columns: readonly ColumnSpec[],
  batches: readonly EventBatch[],
  first: number,
  keys: number,
): GatheredEvents {
  const { segments, starts } = segmentsOf(batches, first, keys);
  const { length } = segments;
  const gathered = (of: (batch: EventBatch) => Float64Array): Float64Array =>
    copyNumbers(batches.map(of), segments, new Float64Array(length));
  const time = gathered((batch) => batch.time);
  const known = (of: "from" | "to", always: number): Float64Array | null =>
    batches.every((batch) => batch[of] === null)
      ? null
      : gathered((batch) => batch[of] ?? new Float64Array(batch.length).fill(always));
  let [from, to] = [known("from", -Infinity), known("to", Infinity)];
  if (length === 0) return { time, from, to, starts, columns: batchOf(columns, []) };
  let vectors = columns.map((_, c) =>
    copySegments(
      batches.map((batch) => batch.vectors[c]!),
      segments,
    ),
  );
  const order = orderByTime(starts, time);
  if (order !== null) {
    from = from && pickedTimes(from, order);
    to = to && pickedTimes(to, order);
    vectors = vectors.map((vector) => pickRows(vector, order));
  }
  return { time, from, to, starts, columns: { length, columns, vectors } };
}

/** The rows of each entity in each batch, and where they go. */
function segmentsOf(
  batches: readonly EventBatch[],
  first: number,
  keys: number,
): { readonly segments: RowSegments; readonly starts: Int32Array } {
  const starts = new Int32Array(keys + 1);
  let count = 0;
  for (const { length, entity } of batches)
    for (let i = 0; i < length; i++) {
      if (i === 0 || entity[i] !== entity[i - 1]) count++;
      starts[entity[i]! - first + 1]!++;
    }
  for (let e = 0; e < keys; e++) starts[e + 1]! += starts[e]!;
  const next = starts.slice();
  const segments = {
    count,
    vector: new Int32Array(count),
    from: new Int32Array(count),
    to: new Int32Array(count),
    at: new Int32Array(count),
    length: starts[keys]!,
  };
  let s = 0;
  batches.forEach(({ length, entity }, b) => {
    for (let i = 0; i < length; s++) {
      const number = entity[i]!;
      segments.vector[s] = b;
      segments.from[s] = i;
      do i++;
      while (i < length && entity[i] === number);
      segments.to[s] = i;
      segments.at[s] = next[number - first]!;
      next[number - first]! += i - segments.from[s]!;
    }
  });
  return { segments, starts };
}
