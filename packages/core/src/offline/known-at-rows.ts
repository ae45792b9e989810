/**
 * Gives each entity row a knowledge of its own: the changes that were committed before a time which
 * is not the time of the row. Every row becomes an entity of its own, with the events that its
 * knowledge has.
 */
import type { Batch } from "../columns/batch.ts";
import { pickRows } from "../columns/gather-rows.ts";
import type { EntityRows, Events } from "../spi.ts";
import type { EntityNumbers } from "./entity-numbers.ts";

/** Entity rows whose entities are apart, and what an engine asks of them. */
export interface KnownAtRows {
  readonly rows: EntityRows;
  /** The events of each row: those that its knowledge has. They are known at every time. */
  events(all: AsyncIterable<Events>): AsyncIterable<Events>;
  /** The keys of the rows, row k those of row k. */
  keys(): Batch;
}

/** The most events that are given at once. */
const BATCH_EVENTS = 50_000;

/**
 * Takes the rows of equal entities apart. A version of a row counts for entity row i while known
 * from < knownAt[i] ≤ known to (law 6).
 */
export function knownAtRows(
  { entity, keyCount, keys }: Pick<EntityNumbers, "entity" | "keyCount" | "keys">,
  times: Float64Array,
  knownAt: Float64Array,
): KnownAtRows {
  const { length } = entity;
  const rowsOf: number[][] = Array.from({ length: keyCount }, () => []);
  entity.forEach((number, row) => rowsOf[number]!.push(row));

  function taken(events: Events, picked: readonly number[], owners: readonly number[]): Events {
    const indexes = Int32Array.from(picked);
    const { columns, vectors } = events.columns;
    return {
      length: indexes.length,
      entity: Int32Array.from(owners),
      time: Float64Array.from(indexes, (i) => events.time[i]!),
      from: new Float64Array(indexes.length).fill(-Infinity),
      to: new Float64Array(indexes.length).fill(Infinity),
      columns: {
        length: indexes.length,
        columns,
        vectors: vectors.map((vector) => pickRows(vector, indexes)),
      },
    };
  }

  return {
    rows: {
      length,
      keyCount: length,
      entity: Int32Array.from({ length }, (_, row) => row),
      time: times,
    },
    async *events(all) {
      for await (const events of all) {
        let [picked, owners]: [number[], number[]] = [[], []];
        for (let i = 0; i < events.length; i++) {
          const number = events.entity[i]!;
          if (number < 0) continue;
          for (const row of rowsOf[number]!) {
            if (!(events.from[i]! < knownAt[row]! && knownAt[row]! <= events.to[i]!)) continue;
            picked.push(i);
            owners.push(row);
          }
          if (picked.length < BATCH_EVENTS) continue;
          yield taken(events, picked, owners);
          [picked, owners] = [[], []];
        }
        if (picked.length > 0) yield taken(events, picked, owners);
      }
    },
    keys() {
      const { columns, vectors } = keys();
      return { length, columns, vectors: vectors.map((vector) => pickRows(vector, entity)) };
    },
  };
}
