/** Gathers events out of batches, sorted by entity and time. */
import { batchOf, concatVectors, type Vector } from "../columns/batch.ts";
import { pickRows } from "../columns/gather-rows.ts";
import type { ColumnSpec } from "../specs.ts";
import type { Events } from "../spi.ts";
import { lengthOf } from "../types/vector.ts";
import type { TimedRows } from "../window/timed-rows.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
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
  const batches: WantedEvents[] = [];
  let total = 0;
  for await (const batch of events) {
    signal?.throwIfAborted();
    const rows = wantedRows(batch);
    if (rows.length === 0) continue;
    batches.push({ events: batch, rows });
    total += rows.length;
  }
  const yieldToEventLoop = eventLoopYielder();
  const entity = new Int32Array(total);
  const times = new Float64Array(total);
  joined(batches, entity, (batch) => batch.entity);
  joined(batches, times, (batch) => batch.time);
  const starts = startsOf(entity, keys);
  await yieldToEventLoop();

  // A stable counting sort by entity. If the rows do not come by time, a sort within each entity
  // follows.
  const merged = mergedByTime(times);
  let order: Int32Array = new Int32Array(total);
  const next = starts.slice();
  for (let i = 0; i < total; i++) {
    const row = merged === null ? i : merged[i]!;
    order[next[entity[row]!]!++] = row;
  }
  const time = picked(times, order);
  await yieldToEventLoop();
  const byTime = orderByTime(starts, time);
  if (byTime !== null) order = picked(order, byTime);
  await yieldToEventLoop();

  const known = batches.every(isAlwaysKnown)
    ? { from: null, to: null }
    : {
        from: picked(
          joined(batches, new Float64Array(total), ({ from }) => from),
          order,
        ),
        to: picked(
          joined(batches, new Float64Array(total), ({ to }) => to),
          order,
        ),
      };
  if (total === 0) return { time, ...known, starts, columns: batchOf(columns, []) };
  const vectors: Vector[] = [];
  for (const c of columns.keys()) {
    vectors.push(pickRows(joinedVectors(batches, c), order));
    await yieldToEventLoop();
  }
  return { time, ...known, starts, columns: { length: total, columns, vectors } };
}

/** Events, and the indexes of those that an entity row asks for. */
interface WantedEvents {
  readonly events: Events;
  readonly rows: Int32Array;
}

function wantedRows({ length, entity }: Events): Int32Array {
  const rows = new Int32Array(length);
  let wanted = 0;
  for (let i = 0; i < length; i++) if (entity[i]! >= 0) rows[wanted++] = i;
  return wanted === length ? rows : rows.slice(0, wanted);
}

/** Whether each wanted row is known at every time. */
function isAlwaysKnown({ events: { from, to }, rows }: WantedEvents): boolean {
  for (let r = 0; r < rows.length; r++)
    if (from[rows[r]!] !== -Infinity || to[rows[r]!] !== Infinity) return false;
  return true;
}

/** Puts the numbers of the wanted rows of all batches one after the other. */
function joined<T extends Int32Array | Float64Array>(
  batches: readonly WantedEvents[],
  into: T,
  of: (events: Events) => T,
): T {
  let at = 0;
  for (const { events, rows } of batches) {
    const values = of(events);
    for (let r = 0; r < rows.length; r++) into[at++] = values[rows[r]!]!;
  }
  return into;
}

/** The vectors of column `c` for the wanted rows of all batches, one after the other. */
function joinedVectors(batches: readonly WantedEvents[], c: number): Vector {
  return concatVectors(
    batches.map(({ events, rows }) => {
      const vector = events.columns.vectors[c]!;
      return rows.length === lengthOf(vector) ? vector : pickRows(vector, rows);
    }),
  );
}

/** The rows of entity e are [starts[e], starts[e + 1]) once they are sorted. */
function startsOf(entity: Int32Array, keys: number): Int32Array {
  const starts = new Int32Array(keys + 1);
  for (let i = 0; i < entity.length; i++) starts[entity[i]! + 1]!++;
  for (let e = 0; e < keys; e++) starts[e + 1]! += starts[e]!;
  return starts;
}

/** The values at these places. */
function picked<T extends Int32Array | Float64Array>(values: T, places: Int32Array): T {
  const result = values.slice() as T;
  for (let i = 0; i < places.length; i++) result[i] = values[places[i]!]!;
  return result;
}
