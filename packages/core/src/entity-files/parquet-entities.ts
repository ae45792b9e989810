/** Reads entity rows from a Parquet file, or from a folder of them. */
import { batchOf, valueAt, type Batch, type Vector } from "../columns/batch.ts";
import { TidemarkError } from "../errors.ts";
import { nodeFs } from "../node-modules.ts";
import type { ColumnSpec, Value, ValueType } from "../specs.ts";
import { formatDate, formatTime, parseTime } from "../time/parse-time.ts";
import { optionOf, timeOfNumber, timeOfText, type TimeReading } from "./read-time.ts";
import { ENTITIES_CODES, fileThere } from "./text-file.ts";
import { checkEntityColumns, TIME_COLUMN, timeColumn } from "./entity-columns.ts";
import type { EntityFile, EntityFileOptions } from "./entity-file-types.ts";
import { keyFromText, keyMissing } from "./key-values.ts";

/** The rows of a Parquet file, as `readParquet` of @tidemark/delta gives them. */
export interface ParquetContent {
  readonly columns: readonly ColumnSpec[];
  readonly rows: number;
  readonly unsupported: EntityFile["unsupportedColumns"];
  readonly flooredColumns: ReadonlySet<string>;
  batches(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<Batch>;
}

/** Opens a Parquet file. Core has no reader of its own. */
export type ReadParquet = (
  file: string,
  options: { readonly signal?: AbortSignal | undefined },
) => Promise<ParquetContent>;

/**
 * Opens the file, or a folder of files. Errors name file and row.
 *
 * @throws ENTITIES_NOT_FOUND when the file does not exist.
 * @throws KEY_INVALID when a key is missing or has another type.
 * @throws TIME_INVALID when event_timestamp is missing or cannot be read.
 */
export async function parquetEntities(
  file: string,
  options: EntityFileOptions,
  readParquet: ReadParquet,
): Promise<EntityFile> {
  const { stat } = nodeFs().promises;
  if ((await stat(file).catch(() => null))?.isDirectory() !== true)
    await fileThere(file, ENTITIES_CODES);
  const content = await readParquet(file, { signal: options.signal });
  checkEntityColumns(
    content.columns.map(({ name }) => name),
    content.columns.map(({ type }) => type),
    file,
    options.keys,
  );
  const time = content.columns.findIndex(({ name }) => name === TIME_COLUMN);
  const read = timesOf(content.columns[time]!, options, file);
  const readers = content.columns.map((column, c): ColumnReader | null =>
    c === time ? read : textKeys(column, options.keys, file),
  );
  const columns = content.columns.map((column, c) => readers[c]?.column ?? column);
  return {
    columns,
    rows: content.rows,
    unsupportedColumns: content.unsupported,
    flooredColumns: content.flooredColumns,
    async *batches(given) {
      let before = 0;
      for await (const batch of content.batches(given)) {
        const vectors = batch.vectors.map((vector, c) => {
          const reader = readers[c] ?? null;
          return reader === null ? vector : readColumn(vector, batch.length, before, reader);
        });
        yield { ...batch, columns, vectors };
        before += batch.length;
      }
    },
  };
}

type ReadValue = (value: NonNullable<Value>, location: () => string) => NonNullable<Value>;

/** Converts the values of a column that may not be null. */
interface ColumnReader {
  readonly file: string;
  /** The column as it is after the conversion. */
  readonly column: ColumnSpec;
  readonly read: ReadValue;
}

/** Keys of whole numbers that a file holds as text, as a CSV file does. */
function textKeys(
  { name, type }: ColumnSpec,
  keys: readonly ColumnSpec[],
  file: string,
): ColumnReader | null {
  const key = keys.find((one) => one.name === name);
  if (type !== "string" || (key?.type !== "int64" && key?.type !== "int32")) return null;
  const column = { ...key, nullable: false };
  return {
    file,
    column,
    read: (value, location) => keyFromText(column, value as string, location)!,
  };
}

/** How the column's values are read as µs. null: they are µs already. */
function timesOf(column: ColumnSpec, reading: TimeReading, file: string): ColumnReader | null {
  const { zone } = reading;
  const invalid = (what: string): TidemarkError =>
    new TidemarkError("TIME_INVALID", `${file}: ${TIME_COLUMN} ${what}`);
  const clocks: TimeClocks = {
    reading,
    zoneOf(what) {
      if (zone === null)
        throw invalid(
          `${what}; name their zone with ${optionOf(reading, "zone")}, as in ` +
            optionOf(reading, "zone", "UTC"),
        );
      return zone;
    },
  };
  const read = timeReaders[column.type]?.(column, clocks);
  if (read === undefined)
    throw invalid(
      `is ${column.type}; give a timestamp, text, or whole numbers with ` +
        optionOf(reading, "timeUnit"),
    );
  return read === null ? null : { file, column: timeColumn, read };
}

/** How the times of a file without zones or units are read. */
interface TimeClocks {
  readonly reading: TimeReading;
  /** The zone of times without one. `what` says which times these are. */
  readonly zoneOf: (what: string) => string;
}

/** Make the readers of times. null: the values are µs already. undefined: they are no times. */
const timeReaders: Readonly<
  Partial<
    Record<ValueType, (column: ColumnSpec, clocks: TimeClocks) => ReadValue | null | undefined>
  >
> = {
  timestamp({ zoneless }, { zoneOf }) {
    if (zoneless !== true) return null;
    const zone = zoneOf("has times without a zone (as pandas writes them)");
    return (value, location) =>
      localTime(formatTime(value as number | bigint).slice(0, -1), zone, location);
  },
  date(_, { zoneOf }) {
    const zone = zoneOf("has dates alone, without hour, minute and zone");
    return (value, location) => localTime(`${formatDate(value as number)}T00:00`, zone, location);
  },
  string:
    (_, { reading }) =>
    (value, location) =>
      timeOfText(value as string, reading, location),
  int32: wholeTimes,
  int64: wholeTimes,
  decimal: (column, clocks) => ((column.scale ?? 0) === 0 ? wholeTimes(column, clocks) : undefined),
  float64(column, clocks) {
    const read = wholeTimes(column, clocks);
    return (value, location) => {
      if (Number.isSafeInteger(value)) return read(value, location);
      throw new TidemarkError(
        "TIME_INVALID",
        `${location()} is no whole number below 2^53; give a timestamp, or whole numbers`,
      );
    };
  },
};

function wholeTimes(_: ColumnSpec, { reading }: TimeClocks): ReadValue {
  return (value, location) => timeOfNumber(BigInt(value as number | bigint), reading, location);
}

function localTime(text: string, zone: string, location: () => string): number {
  const moved = parseTime(text, zone);
  if (moved !== null) return moved;
  throw new TidemarkError(
    "TIME_INVALID",
    `${location()}: ${text} by the clocks of ${zone} is beyond the times that features can use`,
  );
}

function readColumn(
  vector: Vector,
  length: number,
  before: number,
  { file, column, read }: ColumnReader,
): Vector {
  const values = Array.from({ length }, (_, i): readonly Value[] => {
    const location = (): string => `${file}: row ${before + i + 1}: ${column.name}`;
    const value = valueAt(vector, i);
    if (value !== null) return [read(value, location)];
    throw column === timeColumn
      ? new TidemarkError("TIME_INVALID", `${location()} is null; give every row a time`)
      : keyMissing(location);
  });
  return batchOf([column], values).vectors[0]!;
}
