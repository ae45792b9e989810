/**
 * Splits entity rows into entity partitions, so that the events of a partition fit in memory. Each
 * entity partition scans the history once.
 */
import { gatherRows, pickRows } from "../columns/gather-rows.ts";
import { keyNumbers, knownKeys, type NumberOfKey } from "../columns/key-numbers.ts";
import type { Knowledge } from "../request/request-types.ts";
import type { ViewSpec } from "../specs.ts";
import type { Batch, EngineColumn, EntityRows } from "../spi.ts";

/** The part of the memory limit that the events of one entity partition may take. */
const EVENTS_SHARE = 3 / 4;
/** The memory of one event as measured: its entity, time and places, and each column. */
const EVENT_BYTES = 40;
const COLUMN_BYTES = 12;
/** The memory of its known from and known to. */
const KNOWN_BYTES = 32;

/** The number of entity partitions for so many events of so many columns. */
export function partitionCount(
  events: number,
  columns: number,
  knowledge: Knowledge,
  memoryLimit: number,
): number {
  const known = knowledge === "as-known" ? KNOWN_BYTES : 0;
  const bytes = events * (EVENT_BYTES + known + COLUMN_BYTES * columns);
  return Math.max(1, Math.ceil(bytes / (memoryLimit * EVENTS_SHARE)));
}

export interface EntityPartition {
  readonly rows: EntityRows;
  /** The number of a key's entity in this partition; −1: the entity is in another partition. */
  readonly entityOf: NumberOfKey;
  /** The keys of the partition, row k those of number k. */
  readonly keys: () => Batch;
  /** The indexes of the partition's rows among all rows. */
  readonly indexes: Int32Array;
  readonly earliest: number;
  readonly latest: number;
}

/**
 * Splits the rows into `wanted` entity partitions, or one for each entity if there are fewer. All
 * rows of one entity are in one partition.
 */
export function entityPartitions(
  view: ViewSpec,
  keys: Batch,
  times: Float64Array,
  wanted: number,
): readonly EntityPartition[] {
  const codes = new Map<string, number>();
  const columns = view.entity.keys;
  const vectors = columns.map(
    ({ name }) => keys.vectors[keys.columns.findIndex((column) => column.name === name)]!,
  );
  const numberOf = keyNumbers(columns, vectors, (text) => {
    let code = codes.get(text);
    if (code === undefined) codes.set(text, (code = codes.size));
    return code;
  });
  const inPartition = knownKeys(codes);
  const entity = new Int32Array(keys.length);
  for (let row = 0; row < entity.length; row++) entity[row] = numberOf(row);
  const count = Math.max(1, Math.min(wanted, codes.size));
  return Array.from({ length: count }, (_, partition) => {
    const indexes = rowsOfPartition(entity, partition, count);
    const keyCount = Math.ceil((codes.size - partition) / count);
    const numbers = new Int32Array(indexes.length);
    const asked = new Float64Array(indexes.length);
    let [earliest, latest] = [Infinity, -Infinity];
    for (let i = 0; i < indexes.length; i++) {
      const time = times[indexes[i]!]!;
      numbers[i] = Math.floor(entity[indexes[i]!]! / count);
      asked[i] = time;
      earliest = Math.min(earliest, time);
      latest = Math.max(latest, time);
    }
    return {
      rows: { length: indexes.length, keyCount, entity: numbers, time: asked },
      keys() {
        const rows = new Int32Array(keyCount);
        numbers.forEach((number, i) => (rows[number] = indexes[i]!));
        const own = vectors.map((vector) => pickRows(vector, rows));
        return { length: keyCount, columns, vectors: own };
      },
      entityOf: inPartition((code) => (code % count === partition ? Math.floor(code / count) : -1)),
      indexes,
      earliest,
      latest,
    };
  });
}

function rowsOfPartition(entity: Int32Array, partition: number, count: number): Int32Array {
  const rows = new Int32Array(entity.length);
  let length = 0;
  for (let row = 0; row < entity.length; row++)
    if (entity[row]! % count === partition) rows[length++] = row;
  return rows.slice(0, length);
}

/**
 * Joins the answers of all partitions, each row at its own index (law 8: answer i belongs to
 * request i).
 */
export function joinPartitions(
  partitions: readonly {
    readonly indexes: Int32Array;
    readonly answers: readonly EngineColumn[];
  }[],
  length: number,
): readonly EngineColumn[] {
  if (partitions.length === 1) return partitions[0]!.answers;
  const partOf = new Int32Array(length);
  const indexOf = new Int32Array(length);
  partitions.forEach(({ indexes }, part) =>
    indexes.forEach((row, i) => {
      partOf[row] = part;
      indexOf[row] = i;
    }),
  );
  return partitions[0]!.answers.map((_, c) => {
    const columns = partitions.map(({ answers }) => answers[c]!);
    const statuses = new Uint8Array(length);
    const times = new Float64Array(length);
    for (let row = 0; row < length; row++) {
      const column = columns[partOf[row]!]!;
      statuses[row] = column.statuses[indexOf[row]!]!;
      times[row] = column.times[indexOf[row]!]!;
    }
    const values = gatherRows(
      columns.map((column) => column.values),
      partOf,
      indexOf,
    );
    return { values, statuses, times };
  });
}
