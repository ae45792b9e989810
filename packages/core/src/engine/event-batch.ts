/** Events of requested entities, sorted by entity, as the engine holds them. */
import { pickRows } from "../columns/gather-rows.ts";
import { sequence } from "../columns/sequence.ts";
import type { Events } from "../spi.ts";
import { layoutOf } from "../types/layouts/layouts.ts";
import { lengthOf, type Vector } from "../types/vector.ts";

/** Events whose entity numbers ascend. Rows of one entity may have any order. */
export interface EventBatch {
  readonly length: number;
  readonly entity: Int32Array;
  /** Event time, µs. */
  readonly time: Float64Array;
  /** Known from and known to, µs. null: every row is known at every time. */
  readonly from: Float64Array | null;
  readonly to: Float64Array | null;
  readonly vectors: readonly Vector[];
}

/** Leaves out the rows of no entity, and sorts the others by entity. null: no row is left. */
export function eventBatch(events: Events): EventBatch | null {
  const wanted = wantedRows(events);
  if (wanted !== null && wanted.length === 0) return null;
  const order = orderByEntity(events, wanted);
  const batch = { ...events, vectors: events.columns.vectors };
  // the arrays may be longer than the batch
  const own = order === null ? slicedBatch(batch, 0, events.length) : pickedBatch(batch, order);
  return isAlwaysKnown(own) ? { ...own, from: null, to: null } : own;
}

/** The rows of the entities [first, end). null: the batch has none. */
export function rowsOfEntities(batch: EventBatch, first: number, end: number): EventBatch | null {
  const { entity } = batch;
  const start = firstRowFrom(entity, first);
  const stop = firstRowFrom(entity, end);
  return start === stop ? null : slicedBatch(batch, start, stop);
}

/** Rows [start, end), in the same memory. */
function slicedBatch(batch: EventBatch, start: number, end: number): EventBatch {
  return {
    length: end - start,
    entity: batch.entity.subarray(start, end),
    time: batch.time.subarray(start, end),
    from: batch.from?.subarray(start, end) ?? null,
    to: batch.to?.subarray(start, end) ?? null,
    vectors: batch.vectors.map((vector) =>
      lengthOf(vector) === end - start ? vector : layoutOf(vector).slice(vector, start, end),
    ),
  };
}

/** Rows at these indexes. */
export function pickedBatch(batch: EventBatch, rows: Int32Array): EventBatch {
  return {
    length: rows.length,
    entity: rows.map((row) => batch.entity[row]!),
    time: pickedTimes(batch.time, rows),
    from: batch.from && pickedTimes(batch.from, rows),
    to: batch.to && pickedTimes(batch.to, rows),
    vectors: batch.vectors.map((vector) => pickRows(vector, rows)),
  };
}

/** Times at these indexes. */
export function pickedTimes(times: Float64Array, rows: Int32Array): Float64Array {
  const picked = new Float64Array(rows.length);
  for (let r = 0; r < rows.length; r++) picked[r] = times[rows[r]!]!;
  return picked;
}

/** The rows of an entity that was requested. null: all rows. */
function wantedRows({ length, entity }: Events): Int32Array | null {
  let wanted = 0;
  for (let i = 0; i < length; i++) if (entity[i]! >= 0) wanted++;
  if (wanted === length && length > 0) return null;
  const rows = new Int32Array(wanted);
  let r = 0;
  for (let i = 0; r < wanted; i++) if (entity[i]! >= 0) rows[r++] = i;
  return rows;
}

/** The rows in the order of their entities. null: all rows, in the order that they have. */
function orderByEntity({ length, entity }: Events, wanted: Int32Array | null): Int32Array | null {
  const count = wanted?.length ?? length;
  let [least, greatest] = [Infinity, -Infinity];
  let ascends = true;
  for (let r = 0; r < count; r++) {
    const number = entity[wanted === null ? r : wanted[r]!]!;
    if (number < greatest) ascends = false;
    if (number < least) least = number;
    if (number > greatest) greatest = number;
  }
  return ascends ? wanted : sortedByEntity(wanted ?? sequence(length), entity, least, greatest);
}

/** A counting sort needs a counter for each number, so few rows of many entities are compared. */
const COUNTERS_PER_ROW = 8;

function sortedByEntity(
  rows: Int32Array,
  entity: Int32Array,
  least: number,
  greatest: number,
): Int32Array {
  const { length } = rows;
  if (greatest - least + 1 > length * COUNTERS_PER_ROW) {
    // the number and the place in one double, which is exact: both are below 2^26 or so
    const keys = Float64Array.from(rows, (row, r) => (entity[row]! - least) * length + r).sort();
    return Int32Array.from(keys, (key) => rows[key % length]!);
  }
  const next = new Int32Array(greatest - least + 2);
  for (let r = 0; r < length; r++) next[entity[rows[r]!]! - least + 1]!++;
  for (let e = 1; e < next.length; e++) next[e]! += next[e - 1]!;
  const order = new Int32Array(length);
  for (let r = 0; r < length; r++) order[next[entity[rows[r]!]! - least]!++] = rows[r]!;
  return order;
}

function isAlwaysKnown({ length, from, to }: EventBatch): boolean {
  for (let i = 0; i < length; i++) if (from![i] !== -Infinity || to![i] !== Infinity) return false;
  return true;
}

/** The first row whose entity number is at least `number`. */
function firstRowFrom(entity: Int32Array, number: number): number {
  let [low, high] = [0, entity.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entity[middle]! < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
