/** Orders the entity rows of a request by entity and time. */
import type { EntityRows } from "../spi.ts";
import { orderByTime } from "./time-order.ts";

/** Entity rows by entity, and those of one entity by time. */
export interface OrderedRows {
  /** The places of entity e are [starts[e], starts[e + 1]). */
  readonly starts: Int32Array;
  readonly times: Float64Array;
  /** For each place: the index of its entity row. */
  readonly rows: Int32Array;
}

/** Orders entity rows. */
export function orderRows({ length, keyCount, entity, time }: EntityRows): OrderedRows {
  const starts = new Int32Array(keyCount + 1);
  for (let i = 0; i < length; i++) starts[entity[i]! + 1]!++;
  for (let e = 0; e < keyCount; e++) starts[e + 1]! += starts[e]!;
  const next = starts.slice();
  const rows = new Int32Array(length);
  const times = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const place = next[entity[i]!]!++;
    rows[place] = i;
    times[place] = time[i]!;
  }
  const order = orderByTime(starts, times);
  return { starts, times, rows: order === null ? rows : order.map((place) => rows[place]!) };
}
