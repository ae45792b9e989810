/** Reads a file of entity rows in batches: Parquet, CSV or JSON lines. */
import { TidemarkError, type EntityColumns } from "@tidemark/core";
import { batchOf, parseTime, type Batch, type ColumnSpec, type Value } from "@tidemark/core/spi";
import { didYouMean, fromUser } from "@tidemark/core/internal";
import { ExactNumber, exactJson } from "../input/exact-json.ts";
import { csvHeader, csvRecords } from "../input/csv.ts";
import { ENTITIES_CODES, fileLines, fileThere } from "../input/text-file.ts";
import { loadDelta } from "../modules/optional-packages.ts";
import { usage } from "../terminal/options.ts";
import { jsonlColumns, objectIn, type JsonColumn } from "./jsonl-columns.ts";
import { timesInZone } from "./zone-times.ts";

export interface EntityFile extends EntityColumns {
  /** The number of rows; null if only reading the file tells it. */
  readonly rows: number | null;
  /** Columns whose type cannot be passed through. */
  readonly unsupportedColumns: readonly string[];
}

const TIME_COLUMN = "event_timestamp";
const timeColumn: ColumnSpec = {
  name: TIME_COLUMN,
  database: TIME_COLUMN,
  type: "timestamp",
  nullable: false,
  zone: "UTC",
};

export interface EntityFileOptions {
  /** The entity keys that the features need. */
  readonly keys: readonly ColumnSpec[];
  /** The zone of times without a zone; null refuses such times. */
  readonly zone: string | null;
  readonly signal: AbortSignal;
}

/**
 * Opens the file and reads its columns. Errors name file and line.
 * @throws ENTITIES_NOT_FOUND when the file does not exist.
 * @throws ENTITIES_INVALID when the file has no such format.
 * @throws KEY_INVALID when a key is missing or has another type.
 * @throws TIME_INVALID when event_timestamp is missing or cannot be read.
 */
export async function entityFile(file: string, options: EntityFileOptions): Promise<EntityFile> {
  const kind = /\.(?:(parquet)|(csv|jsonl)(?:\.gz)?)$/i.exec(file);
  if (kind === null)
    throw usage(
      `--entities ${file}: give a file that ends in .parquet, .csv, .jsonl, .csv.gz or .jsonl.gz`,
    );
  if (kind[1] !== undefined) return parquetEntities(file, options);
  return kind[2]!.toLowerCase() === "csv"
    ? csvEntities(file, options)
    : jsonlEntities(file, options);
}

function checkEntityColumns(
  names: readonly string[],
  file: string,
  keys: readonly ColumnSpec[],
): void {
  for (const name of [...keys.map((key) => key.name), TIME_COLUMN]) {
    if (names.includes(name)) continue;
    throw new TidemarkError(
      name === TIME_COLUMN ? "TIME_INVALID" : "KEY_INVALID",
      `${file}: there is no column ${name}${didYouMean(name, names)} (it has ` +
        `${names.join(", ")}); entity rows have ` +
        `${[...keys.map((key) => key.name), TIME_COLUMN].join(", ")}`,
    );
  }
}

async function parquetEntities(
  file: string,
  { keys, zone, signal }: EntityFileOptions,
): Promise<EntityFile> {
  await fileThere(file, ENTITIES_CODES);
  const { readParquet } = await loadDelta(`the Parquet file ${file}`);
  const content = await readParquet(file, { signal });
  checkEntityColumns(
    content.columns.map(({ name }) => name),
    file,
    keys,
  );
  const time = content.columns.findIndex(({ name }) => name === TIME_COLUMN);
  const { type, zone: own } = content.columns[time]!;
  const zoneless = type === "timestamp" && own === undefined;
  if (zoneless && zone === null)
    throw new TidemarkError(
      "TIME_INVALID",
      `${file}: ${TIME_COLUMN} has times without a zone (as pandas writes them); name their zone ` +
        "with --zone, as in --zone UTC",
    );
  const columns = content.columns.map((column, c): ColumnSpec =>
    c === time && zoneless ? { ...column, zone: "UTC" } : column,
  );
  return {
    columns,
    rows: content.rows,
    unsupportedColumns: content.unsupportedColumns,
    async *batches(options) {
      for await (const batch of content.batches(options)) {
        yield {
          ...batch,
          columns,
          vectors: batch.vectors.map((vector, c) =>
            c === time && zoneless && vector.kind === "float64"
              ? timesInZone(vector, zone!)
              : vector,
          ),
        };
      }
    },
  };
}

async function csvEntities(file: string, options: EntityFileOptions): Promise<EntityFile> {
  const names = await csvHeader(file, ENTITIES_CODES, options.signal);
  checkEntityColumns(names, file, options.keys);
  const columns = names.map(
    (name) =>
      keyColumnNamed(name, options.keys) ?? {
        name,
        database: name,
        type: "string" as const,
        nullable: true,
      },
  );
  return {
    columns,
    rows: null,
    unsupportedColumns: [],
    async *batches({ signal = options.signal } = {}) {
      let head = true;
      yield* toBatches(
        columns,
        (async function* () {
          for await (const records of csvRecords(file, ENTITIES_CODES, signal)) {
            for (const { fields, line } of records) {
              if (head) {
                head = false;
                continue;
              }
              if (fields.length !== names.length)
                throw new TidemarkError(
                  "ENTITIES_INVALID",
                  `${file}:${line}: there ` +
                    `${fields.length === 1 ? "is 1 field" : `are ${fields.length} fields`}, and ` +
                    `the first line names ${names.length} columns; repair the line, or put ` +
                    "fields with commas in quotes",
                );
              yield columns.map((column, c) =>
                csvValue(column, fields[c]!, options, () => `${file}:${line}: ${column.name}`),
              );
            }
          }
        })(),
      );
    },
  };
}

async function jsonlEntities(file: string, options: EntityFileOptions): Promise<EntityFile> {
  // The file is read twice, because only all values of a column tell its type.
  const found = await jsonlColumns(file, options.signal);
  checkEntityColumns(
    found.columns.map(({ name }) => name),
    file,
    options.keys,
  );
  const columns = found.columns.map(
    ({ name, type }): ColumnSpec =>
      keyColumnNamed(name, options.keys) ?? { name, database: name, type, nullable: true },
  );
  const known = new Map(found.columns.map((column) => [column.name, column]));
  return {
    columns,
    rows: found.rows,
    unsupportedColumns: [],
    async *batches({ signal = options.signal } = {}) {
      yield* toBatches(
        columns,
        (async function* () {
          for await (const lines of fileLines(file, ENTITIES_CODES, signal)) {
            for (const { text, line } of lines) {
              const row = objectIn(text, file, line);
              if (Object.keys(row).some((name) => !known.has(name)))
                throw new TidemarkError(
                  "ENTITIES_INVALID",
                  `${file}:${line}: the file has changed while it was read; run again when it ` +
                    "is complete",
                );
              yield columns.map((column) =>
                jsonValue(
                  row[column.name] ?? null,
                  column,
                  known.get(column.name)!,
                  options,
                  () => `${file}:${line}: ${column.name}`,
                ),
              );
            }
          }
        })(),
      );
    },
  };
}

const BATCH_ROWS = 65_536;

async function* toBatches(
  columns: readonly ColumnSpec[],
  rows: AsyncIterable<readonly Value[]>,
): AsyncGenerator<Batch> {
  let waiting: (readonly Value[])[] = [];
  for await (const row of rows) {
    waiting.push(row);
    if (waiting.length < BATCH_ROWS) continue;
    yield batchOf(columns, waiting);
    waiting = [];
  }
  if (waiting.length > 0) yield batchOf(columns, waiting);
}

function keyColumnNamed(name: string, keys: readonly ColumnSpec[]): ColumnSpec | undefined {
  if (name === TIME_COLUMN) return timeColumn;
  const key = keys.find((one) => one.name === name);
  return key === undefined ? undefined : { ...key, nullable: false };
}

function csvValue(
  column: ColumnSpec,
  field: string | null,
  options: EntityFileOptions,
  location: () => string,
): Value {
  if (column.name === TIME_COLUMN) return timeValue(field, options, location);
  return column.nullable ? field : keyFromText(column, field, location);
}

/**
 * The value of a JSON member. Numbers may be texts, because JSON readers lose digits. No other
 * conversion happens.
 */
function jsonValue(
  given: unknown,
  column: ColumnSpec,
  { type: kind }: JsonColumn,
  options: EntityFileOptions,
  location: () => string,
): Value {
  if (column.name === TIME_COLUMN) return timeValue(given, options, location);
  if (!column.nullable) {
    const number =
      given instanceof ExactNumber
        ? (given.whole()?.toString() ?? given.digits)
        : typeof given === "number"
          ? String(given)
          : null;
    const forms: readonly ColumnSpec["type"][] =
      number !== null
        ? ["int64", "int32", "float64", "decimal"]
        : typeof given === "boolean"
          ? ["boolean"]
          : ["string", "int64", "decimal", "timestamp", "date", "bytes", "json"];
    if (given !== null && !forms.includes(column.type)) throw keyInvalid(column, given, location);
    return keyFromText(
      column,
      number ?? (typeof given === "boolean" ? String(given) : given),
      location,
    );
  }
  if (given === null) return null;
  switch (kind) {
    case "int64":
      return given instanceof ExactNumber ? given.whole()! : BigInt(given as number);
    case "float64":
      return Number(given instanceof ExactNumber ? given.digits : given) + 0;
    case "json":
      return exactJson(given);
    default:
      return given as string | boolean;
  }
}

function timeValue(given: unknown, { zone }: EntityFileOptions, location: () => string): number {
  const time = typeof given === "string" ? parseTime(given, zone) : null;
  if (time !== null) return time;
  const zoneless = typeof given === "string" && parseTime(given, "UTC") !== null;
  throw new TidemarkError(
    "TIME_INVALID",
    `${location()}: ${valueShown(given)} is ` +
      (zoneless
        ? "a time without a zone; write Z or +07:00 behind it, or name its zone with --zone"
        : 'no time; write it as "2026-01-31T09:30:00.125Z"'),
  );
}

/** Reads a key from its text form. */
function keyFromText(column: ColumnSpec, given: unknown, location: () => string): Value {
  if (given === null)
    throw new TidemarkError("KEY_INVALID", `${location()} is empty; give every row its keys`);
  if (typeof given !== "string") throw keyInvalid(column, given, location);
  const read = (form: RegExp, as: (text: string) => unknown): unknown => {
    if (!form.test(given)) throw keyInvalid(column, given, location);
    return as(given);
  };
  return fromUser(
    ((): unknown => {
      switch (column.type) {
        case "int64":
          return read(/^-?\d{1,20}$/, BigInt);
        case "int32":
          return read(/^-?\d{1,10}$/, Number);
        case "float64":
          return read(/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/, Number);
        case "boolean":
          return read(/^(?:true|false)$/, (text) => text === "true");
        case "bytes":
          return read(
            /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
            (text) => new Uint8Array(Buffer.from(text, "base64")),
          );
        default:
          return given;
      }
    })(),
    column,
    location(),
    "KEY_INVALID",
  );
}

function keyInvalid(column: ColumnSpec, given: unknown, location: () => string): TidemarkError {
  return new TidemarkError(
    "KEY_INVALID",
    `${location()}: ${valueShown(given)} is no ${column.type}, which its entity says`,
  );
}

function valueShown(given: unknown): string {
  return given instanceof ExactNumber ? given.digits : (JSON.stringify(given) ?? typeof given);
}
