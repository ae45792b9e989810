/**
 * Reads the rows of a table as PostgreSQL holds them, every column exact, as values of the
 * definitions. The decoder shares no code with this file.
 */
import type { ColumnSpec, SourceSpec, Value } from "@tidemark/core/spi";
import type { Client } from "pg";

export interface TableRow {
  readonly values: readonly Value[];
  /** Identifies the row in its table. */
  readonly key: string;
}

const LIMIT = 2n ** 53n;

export async function tableRows(
  database: Client,
  source: SourceSpec,
): Promise<readonly TableRow[]> {
  const [schema, table] = source.table.split(".") as [string, string];
  const types = await database.query<{ name: string; type: string; precision: number | null }>(
    "SELECT column_name AS name, data_type AS type, datetime_precision AS precision FROM " +
      "information_schema.columns WHERE table_schema = $1 AND table_name = $2",
    [schema, table],
  );
  const typeOf = new Map(
    types.rows.map(({ name, type, precision }) => [name, { type, precision }]),
  );
  const asked = source.columns.map((column) => {
    const found = typeOf.get(column.database);
    if (found === undefined) throw new Error(`${source.table} has no column ${column.database}`);
    return expression(`"${column.database}"`, found.type, found.precision ?? 6);
  });
  const { rows } = await database.query<(string | null)[]>({
    text:
      `SELECT ${asked.map((one, i) => `${one} AS c${i}`).join(", ")} ` +
      `FROM "${schema}"."${table}"`,
    rowMode: "array",
  });
  return rows.map((row) => {
    const values = row.map((text, c) => (text === null ? null : valueOf(text, source.columns[c]!)));
    return { values, key: keyOf(source, values) };
  });
}

/** Returns SQL that turns a time into a whole number in PostgreSQL's exact arithmetic. */
function expression(column: string, type: string, precision: number): string {
  const micros = (of: string): string =>
    `(extract(epoch from ${of}) * 1000000)::numeric(60, 0)::text`;
  switch (type) {
    case "timestamp without time zone":
    case "timestamp with time zone":
      return `CASE WHEN isfinite(${column}) THEN ${micros(column)} END`;
    case "date":
      return `CASE WHEN isfinite(${column}) THEN (${column} - date '1970-01-01')::text END`;
    case "time without time zone":
      return precision <= 3
        ? `(extract(epoch from ${column}) * 1000)::numeric(60, 0)::text`
        : micros(column);
    case "interval":
      return micros(column);
    case "bytea":
      return `encode(${column}, 'hex')`;
    case "ARRAY":
      return `array_to_json(${column})::text`;
    case "money":
      return `${column}::numeric::text`;
    // Debezium's name of the type
    case "numeric":
      return `upper(${column}::text)`;
    default:
      return `${column}::text`;
  }
}

function valueOf(text: string, column: ColumnSpec): Value {
  switch (column.type) {
    case "string":
    case "json":
      return text;
    case "boolean":
      return text === "true";
    case "int32":
    case "date":
      return Number(text);
    case "int64":
      return BigInt(text);
    case "float64":
      return Number.isFinite(Number(text)) ? Number(text) + 0 : null;
    case "decimal":
      return decimalOf(text, column.scale!);
    case "bytes":
      return new Uint8Array(Buffer.from(text, "hex"));
    case "timestamp": {
      const micros = /^-?\d+$/.test(text) ? BigInt(text) : microsOf(text);
      return micros === null || micros >= LIMIT || micros <= -LIMIT ? null : Number(micros);
    }
    default:
      throw new TypeError(`no table has a ${column.type}`);
  }
}

function decimalOf(text: string, scale: number): bigint | null {
  const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined || fraction.length > scale) return null;
  return BigInt(`${sign}${whole}${fraction.padEnd(scale, "0")}`);
}

/** Reads a time that a table holds as text, taken as UTC; null if the text is no time. */
function microsOf(text: string): bigint | null {
  const [, year, month, day, hour, minute, second, fraction = ""] =
    /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  if (year === undefined) return null;
  const ms = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  const same = new Date(ms).toISOString().slice(0, 19).replace("T", " ") === text.slice(0, 19);
  return same ? BigInt(ms) * 1000n + BigInt(fraction.padEnd(6, "0")) : null;
}

export function keyOf(source: SourceSpec, values: readonly Value[]): string {
  return source.primaryKey
    .map((name) => textOf(values[source.columns.findIndex((column) => column.name === name)]!))
    .join(" | ");
}

/** Returns a text that is equal exactly for equal values of one column. */
export function textOf(value: Value, column?: ColumnSpec): string {
  if (value === null) return "null";
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (column?.type === "json") return JSON.stringify(JSON.parse(value as string));
  return Object.is(value, -0) ? "-0" : String(value);
}
