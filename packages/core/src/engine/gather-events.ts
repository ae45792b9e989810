/** Gathers events out of batches, sorted by entity and time. */
import { batchOf } from "../columns/batch.ts";
import { copyNumbers, copySegments, type RowSegments } from "../columns/copy-segments.ts";
import { pickRows } from "../columns/gather-rows.ts";
import type { ColumnSpec } from "../specs.ts";
import type { Events } from "../spi.ts";
import type { TimedRows } from "../window/timed-rows.ts";
import { eventBatch, type EventBatch } from "./event-batch.ts";
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
  const isAlwaysKnown = batches.every(({ from }) => from === null);
  const [never, ever] = [repeated(batches, -Infinity), repeated(batches, Infinity)];
  let from = isAlwaysKnown ? null : gathered((batch) => batch.from ?? never);
  let to = isAlwaysKnown ? null : gathered((batch) => batch.to ?? ever);
  if (length === 0) return { time, from, to, starts, columns: batchOf(columns, []) };
  let vectors = columns.map((_, c) =>
    copySegments(
      batches.map((batch) => batch.vectors[c]!),
      segments,
    ),
  );
  const order = orderByTime(starts, time);
  if (order !== null) {
    from = from && picked(from, order);
    to = to && picked(to, order);
    vectors = vectors.map((vector) => pickRows(vector, order));
  }
  return { time, from, to, starts, columns: { length, columns, vectors } };
}

/** As many times as the longest batch has rows, all the same. */
function repeated(batches: readonly EventBatch[], time: number): Float64Array {
  if (batches.every(({ from }) => from === null) || batches.every(({ from }) => from !== null))
    return new Float64Array(0);
  const length = batches.reduce((most, batch) => Math.max(most, batch.length), 0);
  return new Float64Array(length).fill(time);
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

/** The values at these places. */
function picked(values: Float64Array, places: Int32Array): Float64Array {
  const result = new Float64Array(places.length);
  for (let i = 0; i < places.length; i++) result[i] = values[places[i]!]!;
  return result;
}
