/** Entity rows in the forms a caller may have them in, as blocks of bounded size. */
import { batchOf, concatBatches, valueAt, type Batch } from "../columns/batch.ts";
import { fromUser } from "../define/user-values.ts";
import { timeOf } from "../define/time-input.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, ValueType, Value } from "../specs.ts";
import {
  columnIndex,
  columnKeyReader,
  isEntityColumns,
  keyReader,
  type KeyValues,
} from "./entity-keys.ts";
import type { EntityColumns } from "./request-types.ts";

/** The time column of entity rows. */
const EVENT_TIMESTAMP = "event_timestamp";
/** The number of rows in a block. The history is read once per block. */
const BLOCK_ROWS = 500_000;

/** Some entity rows, which are answered together. */
export interface EntityRowBlock {
  readonly length: number;
  readonly keys: readonly KeyValues[];
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
 * Reads entity rows in any of their forms.
 *
 * @throws KEY_INVALID with the number of the row, when a key is missing or of another type.
 * @throws TIME_INVALID with the number of the row, when its event_timestamp is no time.
 */
export async function entityRowsOf(
  input: EntityRowsInput,
  needed: readonly ColumnSpec[],
): Promise<EntityRowSource> {
  if (isEntityColumns(input)) return fromColumns(input, needed);
  const rows = Array.isArray(input) ? input : (input as AsyncIterable<unknown>);
  const iterator = blocksOfRows(rows, needed)[Symbol.asyncIterator]();
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
  needed: readonly ColumnSpec[],
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
    if (rows.length === BLOCK_ROWS) yield block();
  }
  if (rows.length > 0) yield block();
}

function rowBlock(
  rows: readonly object[],
  keys: EntityRowBlock["keys"],
  times: Float64Array,
  needed: readonly ColumnSpec[],
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
  return { length: rows.length, keys, times, rows, batch };
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
  needed: readonly ColumnSpec[],
): Promise<EntityRowSource> {
  const names = [...needed.map((column) => column.name), EVENT_TIMESTAMP];
  const time = columnIndex(entityColumns.columns, EVENT_TIMESTAMP, names);
  const timeType = entityColumns.columns[time]!.type;
  if (timeType !== "timestamp" && timeType !== "int64")
    throw new TidemarkError(
      "TIME_INVALID",
      `entity columns: ${EVENT_TIMESTAMP} is ${timeType}; give a timestamp, or int64 microseconds`,
    );
  const readKey = columnKeyReader(entityColumns.columns, needed, names);
  return {
    columns: entityColumns.columns,
    async *blocks(signal) {
      let batches: Batch[] = [];
      let length = 0;
      let before = 0;
      const block = (): EntityRowBlock => {
        const batch = concatBatches(entityColumns.columns, batches);
        const times = new Float64Array(batch.length);
        const keys = Array.from({ length: batch.length }, (_, i) => {
          const t = valueAt(batch.vectors[time]!, i);
          if (t === null || !Number.isSafeInteger(Number(t)))
            throw new TidemarkError(
              "TIME_INVALID",
              `entity row ${before + i}: ${EVENT_TIMESTAMP} is ` +
                `${t === null ? "null" : "beyond ±2^53 microseconds"}; give every row a time`,
            );
          times[i] = Number(t);
          return readKey((index) => valueAt(batch.vectors[index]!, i), before + i);
        });
        before += batch.length;
        [batches, length] = [[], 0];
        return { length: batch.length, keys, times, rows: null, batch: () => batch };
      };
      for await (const batch of entityColumns.batches({ signal })) {
        signal?.throwIfAborted();
        batches.push(batch);
        length += batch.length;
        if (length >= BLOCK_ROWS) yield block();
      }
      if (length > 0) yield block();
    },
  };
}
