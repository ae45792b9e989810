/**
 * Reads `POST /push` and `POST /write-to-online-store`. The member `df` holds columns, which become
 * rows of a push source.
 */
import { TidemarkError, micros } from "@tidemark/core";
import {
  parseTime,
  type ColumnSpec,
  type SourceSpec,
  type ValueType,
  type ViewSpec,
} from "@tidemark/core/spi";
import { didYouMean } from "@tidemark/core/internal";
import type { Serving } from "../http/serving.ts";
import { quoted } from "../features/names.ts";
import { BodyReader, lengthOf } from "./malformed.ts";
import { bytesFrom, decimalFrom } from "./values.ts";

/** Rows of a push source. */
export interface PushedRows {
  readonly source: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/**
 * The accepted values of `to`. Every push goes into the history and the online store, whatever the
 * value is.
 */
const PUSH_TARGETS: readonly (string | undefined)[] = [
  "online",
  "offline",
  "online_and_offline",
  undefined,
];

/**
 * Reads the body of `POST /push`.
 *
 * @throws REQUEST_INVALID when a member of the body is wrong.
 * @throws SOURCE_UNKNOWN when no source has the name.
 * @throws TOO_MANY_ROWS when `df` has more rows than the server's limit.
 * @throws PUSH_INVALID when the source has no such column.
 */
export function rowsForSource(body: unknown, { resolver, limits }: Serving): PushedRows {
  const reader = new BodyReader(body);
  const name = reader.neededText("push_source_name");
  const df = reader.lists("df");
  if (!PUSH_TARGETS.includes(reader.text("to")))
    reader.refuse("to", "Input should be 'online', 'offline' or 'online_and_offline'");
  const length = checkedLength(reader, df, limits.rows);
  const source = resolver.source(name);
  return {
    source: source.name,
    rows: rowsFromColumns(df, length, columnNamesOf(source), `push to source "${source.name}"`),
  };
}

/**
 * Reads the body of `POST /write-to-online-store`.
 *
 * @throws REQUEST_INVALID when a member of the body is wrong.
 * @throws VIEW_UNKNOWN when no view has the name.
 * @throws TOO_MANY_ROWS when `df` has more rows than the server's limit.
 * @throws PUSH_INVALID when the view has no such column.
 */
export function rowsForView(body: unknown, { resolver, limits }: Serving): PushedRows {
  const reader = new BodyReader(body);
  const name = reader.neededText("feature_view_name");
  const df = reader.lists("df");
  const length = checkedLength(reader, df, limits.rows);
  const view = resolver.view(name);
  return {
    source: view.source.name,
    rows: rowsFromColumns(
      df,
      length,
      columnNamesOfView(view),
      `write to feature view "${view.name}"`,
    ),
  };
}

function checkedLength(
  reader: BodyReader,
  df: ReadonlyMap<string, readonly unknown[]>,
  most: number,
): number {
  const length = lengthOf(reader, "df", df);
  reader.flag("allow_registry_cache", true);
  reader.flag("transform_on_write", true);
  reader.done();
  if (length > most)
    throw new TidemarkError(
      "TOO_MANY_ROWS",
      `df has ${length} rows, and a push may have ${most}; ` +
        "send several pushes, or raise limits.rows of the server",
    );
  return length;
}

/** The source's column by each accepted name of `df`; null if the name is accepted and ignored. */
type ColumnNames = ReadonlyMap<string, ColumnSpec | null>;

/**
 * Lists the accepted names of a source: its columns in TypeScript and in the database, and Feast's
 * `event_timestamp` and `created`.
 */
function columnNamesOf({
  columns,
  eventTime,
  createdAt,
}: SourceSpec): Map<string, ColumnSpec | null> {
  const named = new Map<string, ColumnSpec | null>();
  const column = (name: string | null): ColumnSpec | null =>
    columns.find((one) => one.name === name) ?? null;
  named.set("event_timestamp", column(eventTime.kind === "column" ? eventTime.column : null));
  named.set("created", column(createdAt));
  for (const one of columns) named.set(one.database, one);
  for (const one of columns) named.set(one.name, one);
  return named;
}

/**
 * Lists the accepted names of a view: also its entity keys and its `latest` features. A client that
 * writes to a view need not know the columns of the source.
 */
function columnNamesOfView({ entity, source, keyColumns, features }: ViewSpec): ColumnNames {
  const named = columnNamesOf(source);
  const column = (name: string): ColumnSpec => source.columns.find((one) => one.name === name)!;
  for (const {
    name,
    aggregate,
    arguments: [of],
  } of features)
    if (aggregate === "latest" && of?.op === "column") named.set(name, column(of.name));
  entity.keys.forEach((key, i) => named.set(key.name, column(keyColumns[i]!)));
  return named;
}

function rowsFromColumns(
  df: ReadonlyMap<string, readonly unknown[]>,
  length: number,
  names: ColumnNames,
  who: string,
): readonly Readonly<Record<string, unknown>>[] {
  const rows = Array.from({ length }, (): Record<string, unknown> => ({}));
  const filled = new Map<string, string>();
  for (const [name, values] of df) {
    const column = names.get(name);
    if (column === undefined) {
      const hint = didYouMean(name, names.keys());
      const known = [...names].flatMap(([name, one]) => (one === null ? [] : [name]));
      throw new TidemarkError(
        "PUSH_INVALID",
        `${who}: there is no column ${quoted(name)}` +
          (hint === "" ? `; give ${known.join(", ")}` : hint),
      );
    }
    if (column === null) continue;
    const other = filled.get(column.name);
    if (other !== undefined)
      throw new TidemarkError(
        "PUSH_INVALID",
        `${who}: ${quoted(other)} and ${quoted(name)} are both the column ${column.name}; ` +
          "give one of them",
      );
    filled.set(column.name, name);
    for (let i = 0; i < length; i++) rows[i]![column.name] = valueFrom(values[i], column);
  }
  return rows;
}

/**
 * Converts JSON to the value that `store.push` takes. A value that does not fit stays unchanged,
 * and the store refuses the value. NaN is what pandas writes for a missing value of any type; a
 * column of numbers counts it (law 9: NaN and ±Infinity are missing and counted).
 */
function valueFrom(given: unknown, column: ColumnSpec): unknown {
  if (Number.isNaN(given) && column.type !== "float64") return null;
  const read = pushedReaders[column.type];
  return read === undefined ? given : read(given, column);
}

const pushedReaders: Readonly<
  Partial<Record<ValueType, (given: unknown, column: ColumnSpec) => unknown>>
> = {
  int64: (given) =>
    typeof given === "string" && /^[+-]?\d{1,20}$/.test(given) ? BigInt(given) : given,
  float64: (given) => (typeof given === "bigint" ? Number(given) : given),
  decimal: decimalFrom,
  bytes: bytesFrom,
  timestamp: timeFrom,
  json: (given) => (typeof given === "string" ? parseIfJson(given) : given),
};

/**
 * Converts a time. Feast's clients write a time as text in UTC without a zone, or as seconds since
 * 1970.
 */
function timeFrom(given: unknown, { zone = "UTC" }: ColumnSpec): unknown {
  if (typeof given === "string") {
    const read = parseTime(given, zone);
    return read === null ? given : micros(read);
  }
  return typeof given === "number" && Number.isSafeInteger(given * 1e6)
    ? micros(given * 1e6)
    : given;
}

/** Parses a json value, which Feast's clients send as text. Other text stays unchanged. */
function parseIfJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
