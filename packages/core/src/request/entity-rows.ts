/** Entity rows in the forms a caller may have them in, as blocks of bounded size. */
import { batchOf, concatBatches, type Batch } from "../columns/batch.ts";
import { fromUser } from "../define/user-values.ts";
import { timeOf } from "../define/time-input.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, NeededColumn, ValueType, Value } from "../specs.ts";
import {
  columnIndex,
  columnKeyReader,
  isEntityColumns,
  keyColumns,
  keyReader,
  type KeyValues,
} from "./entity-keys.ts";
import { eventTimeReader } from "./entity-times.ts";
import { DEFAULT_MEMORY_LIMIT } from "../memory-limit.ts";
import type { EntityColumns } from "./request-types.ts";

/** The time column of entity rows. */
const EVENT_TIMESTAMP = "event_timestamp";
/** The number of rows in a block of objects. The history is read once per block. */
const BLOCK_ROWS = 500_000;
/** The part of the memory limit that the rows and answers of a block may take. */
const BLOCK_SHARE = 1 / 4;
/** The memory of the key and the time of a row, and of one answer. */
const ROW_BYTES = 24;
const ANSWER_BYTES = 17;

/** Some entity rows, which are answered together. */
export interface EntityRowBlock {
  readonly length: number;
  /** The entity keys and the request data, as the columns that are needed. */
  readonly keys: Batch;
  /** The rows' event_timestamp, µs. */
  readonly times: Float64Array;
  /** The caller's objects. Null if the rows came as columns. */
  readonly rows: readonly object[] | null;
  /** The rows as columns. */
  batch(): Batch;
}

/** The forms in which a caller may have entity rows. */
export type EntityRowsInput = readonly unknown[] | AsyncIterable<unknown> | EntityColumns;

/** Entity rows as blocks of bounded size. */
export interface EntityRowSource {
  /** The columns of the blocks. Rows that are objects have the columns of the first block. */
  readonly columns: readonly ColumnSpec[];
  blocks(signal?: AbortSignal): AsyncIterable<EntityRowBlock>;
}

/**
 * Reads entity rows in any of their forms. `features`: the number of answers to each of them.
 * `memoryLimit`: the bytes that a training set may take.
 *
 * @throws KEY_INVALID with the number of the row, when a key is missing or of another type.
 * @throws TIME_INVALID with the number of the row, when its event_timestamp is no time.
 */
export async function entityRowsOf(
  input: EntityRowsInput,
  needed: readonly NeededColumn[],
  features: number,
  memoryLimit: number = DEFAULT_MEMORY_LIMIT,
): Promise<EntityRowSource> {
  const bytes = memoryLimit * BLOCK_SHARE;
  const blockRows = Math.max(1, Math.floor(bytes / (ROW_BYTES + ANSWER_BYTES * features)));
  if (isEntityColumns(input)) return fromColumns(input, needed, blockRows);
  const rows = Array.isArray(input) ? input : (input as AsyncIterable<unknown>);
  const iterator = blocksOfRows(rows, needed, Math.min(BLOCK_ROWS, blockRows))[
    Symbol.asyncIterator
  ]();
  const first = await iterator.next();
  return {
    columns: first.done === true ? [...needed, timeColumn] : first.value.batch().columns,
    async *blocks(signal) {
      for (let next = first; next.done !== true; next = await iterator.next()) {
        signal?.throwIfAborted();
        yield next.value;
      }
    },
  };
}

const timeColumn: ColumnSpec = {
  name: EVENT_TIMESTAMP,
  database: EVENT_TIMESTAMP,
  type: "timestamp",
  nullable: false,
};

async function* blocksOfRows(
  input: readonly unknown[] | AsyncIterable<unknown>,
  needed: readonly NeededColumn[],
  blockRows: number,
): AsyncIterable<EntityRowBlock> {
  const read = keyReader(needed, { extra: true });
  let rows: object[] = [];
  let keys: KeyValues[] = [];
  let times: number[] = [];
  let count = 0;
  const block = (): EntityRowBlock => {
    const made = rowBlock(rows, keys, Float64Array.from(times), needed);
    [rows, keys, times] = [[], [], []];
    return made;
  };
  for await (const row of input) {
    keys.push(read(row, count));
    times.push(
      timeOf(
        (row as Readonly<Record<string, unknown>>)[EVENT_TIMESTAMP],
        `entity row ${count}: ${EVENT_TIMESTAMP}`,
      ),
    );
    rows.push(row as object);
    count++;
    if (rows.length === blockRows) yield block();
  }
  if (rows.length > 0) yield block();
}

function rowBlock(
  rows: readonly object[],
  keys: readonly KeyValues[],
  times: Float64Array,
  needed: readonly NeededColumn[],
): EntityRowBlock {
  const batch = (): Batch => {
    const names = new Set(rows.flatMap((row) => Object.keys(row)));
    const columns = [...names].map(
      (name) =>
        needed.find((column) => column.name === name) ??
        (name === EVENT_TIMESTAMP ? timeColumn : inferred(name, rows)),
    );
    return batchOf(
      columns,
      rows.map((row, i) =>
        columns.map((column): Value => {
          if (column === timeColumn) return times[i]!;
          const value = keys[i]![column.name];
          if (value !== undefined) return value;
          const given = (row as Readonly<Record<string, unknown>>)[column.name] ?? null;
          return given === null ? null : fromUser(given, column, `entity row ${i}: ${column.name}`);
        }),
      ),
    );
  };
  return { length: rows.length, keys: keyColumns(needed, keys), times, rows, batch };
}

const KINDS: Readonly<Record<string, ValueType>> = {
  string: "string",
  number: "float64",
  bigint: "int64",
  boolean: "boolean",
};

/** The column of a passed-through value. Its type is that of the first value. */
function inferred(name: string, rows: readonly object[]): ColumnSpec {
  const value = rows
    .map((row) => (row as Readonly<Record<string, unknown>>)[name])
    .find((one) => one != null);
  const type =
    value instanceof Date
      ? "timestamp"
      : value instanceof Uint8Array
        ? "bytes"
        : value === undefined
          ? "string"
          : (KINDS[typeof value] ?? "json");
  return { name, database: name, type, nullable: true };
}

async function fromColumns(
  entityColumns: EntityColumns,
  needed: readonly NeededColumn[],
  blockRows: number,
): Promise<EntityRowSource> {
  const names = [...needed.map((column) => column.name), EVENT_TIMESTAMP];
  const given = entityColumns.columns.map((column) => column.name);
  const twice = given.find((name, i) => given.indexOf(name) < i);
  if (twice !== undefined)
    throw new TidemarkError(
      "COLUMN_NAME",
      `entity columns: two columns are called ${JSON.stringify(twice)}; rename one`,
    );
  const time = columnIndex(entityColumns.columns, EVENT_TIMESTAMP, names);
  const eventTimes = await eventTimeReader(entityColumns, time);
  const readKeys = columnKeyReader(entityColumns.columns, needed, names);
  return {
    columns: eventTimes.columns,
    async *blocks(signal) {
      let batches: Batch[] = [];
      let length = 0;
      let before = 0;
      const block = (): EntityRowBlock => {
        const batch = concatBatches(entityColumns.columns, batches);
        const times = eventTimes.read(batch, before);
        const keys = readKeys(batch, before);
        before += batch.length;
        [batches, length] = [[], 0];
        const shown = eventTimes.batch(batch, times);
        return { length: batch.length, keys, times, rows: null, batch: () => shown };
      };
      for await (const batch of entityColumns.batches({ signal })) {
        signal?.throwIfAborted();
        batches.push(batch);
        length += batch.length;
        if (length >= blockRows) yield block();
      }
      if (length > 0) yield block();
    },
  };
}
