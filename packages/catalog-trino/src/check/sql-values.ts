/** How Trino's SQL writes the values of each type, and how its answers hold them without a loss. */
import type { ScalarType, TypeSpec, Value } from "@tidemark/core/spi";
import { NotInSql } from "./not-in-sql.ts";

type Present = NonNullable<Value>;

/** The forms of a type in SQL. The `sql` of a method is an expression of the type. */
export interface SqlValues {
  literal(value: Present, spec: TypeSpec): string;
  /** An expression whose JSON keeps every bit. */
  wire(sql: string): string;
  /** Reads what `wire` gave. */
  read(json: unknown, spec: TypeSpec): Present;
  /** An expression that is the same for equal values. Omitted: they are the same. */
  normal?(sql: string): string;
}

/** The text as a literal of SQL. */
function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The name as an identifier of SQL. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const itself = (sql: string): string => sql;
const wholeNumber = (json: unknown): Present => Number(json);

const texts: SqlValues = {
  literal: (value) => quotedText(value as string),
  wire: itself,
  read: (json) => json as string,
};

const float = new Float64Array(1);
const bits = new BigInt64Array(float.buffer);

/** The bits of a double, as an int64. */
export function bitsOf(value: number): bigint {
  float[0] = value;
  return bits[0]!;
}

/** The double of these bits. No answer is −0 (law 3). */
function doubleOf(of: bigint): number {
  bits[0] = of;
  const value = float[0]!;
  return value === 0 ? 0 : value;
}

const sqlValues: Readonly<Record<ScalarType, SqlValues>> = {
  string: texts,
  json: texts,
  boolean: {
    literal: (value) => (value === true ? "TRUE" : "FALSE"),
    wire: itself,
    read: (json) => json === true,
  },
  int32: { literal: (value) => `INTEGER '${value as number}'`, wire: itself, read: wholeNumber },
  int64: {
    literal: (value) => `BIGINT '${value as bigint}'`,
    wire: itself,
    read: (json) => BigInt(json as number | bigint),
  },
  float64: {
    literal: (value) => `DOUBLE '${value as number}'`,
    wire: sqlBits,
    read: (json) => doubleOf(BigInt(json as number | bigint)),
    normal: (sql) => `if(${sql} = 0e0, 0e0, ${sql})`,
  },
  decimal: {
    literal: (value, spec) =>
      `CAST(${quotedText(decimalText(value as bigint, spec.scale ?? 0))} AS ${sqlTypeOf(spec)})`,
    wire: (sql) => `CAST(${sql} AS varchar)`,
    read: (json, { scale = 0 }) => unscaled(json as string, scale),
  },
  timestamp: { literal: (value) => `BIGINT '${value as number}'`, wire: itself, read: wholeNumber },
  date: {
    literal: (value) => `date_add('day', ${value as number}, DATE '1970-01-01')`,
    wire: (sql) => `date_diff('day', DATE '1970-01-01', ${sql})`,
    read: wholeNumber,
  },
  bytes: {
    literal: (value) => `X'${Buffer.from(value as Uint8Array).toString("hex")}'`,
    wire: (sql) => `to_hex(${sql})`,
    read: (json) => Uint8Array.from(Buffer.from(json as string, "hex")),
  },
};

/** The bits of a double, as SQL gives them: a bigint. */
export function sqlBits(sql: string): string {
  return `from_big_endian_64(to_ieee754_64(${sql}))`;
}

/**
 * The forms of a type in SQL.
 *
 * @throws NotInSql when values of the type have parts.
 */
export function sqlValuesOf({ type }: Pick<TypeSpec, "type">): SqlValues {
  if (type === "list" || type === "map" || type === "struct")
    throw new NotInSql(`values of type ${type} are not compared`);
  return sqlValues[type];
}

/** An expression that is the same for equal values of the type. */
export function normalSql(sql: string, spec: Pick<TypeSpec, "type">): string {
  return sqlValuesOf(spec).normal?.(sql) ?? sql;
}

/** The type of a column of the history, as Trino names it. */
export function sqlTypeOf({ type, precision = 38, scale = 0 }: TypeSpec): string {
  switch (type) {
    case "string":
    case "json":
      return "varchar";
    case "int32":
      return "integer";
    case "int64":
    case "timestamp":
      return "bigint";
    case "float64":
      return "double";
    case "decimal":
      return `decimal(${precision}, ${scale})`;
    case "boolean":
    case "date":
      return type;
    case "bytes":
      return "varbinary";
    default:
      throw new NotInSql(`values of type ${type} are not compared`);
  }
}

function decimalText(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  const point = digits.length - scale;
  const fraction = scale === 0 ? "" : `.${digits.slice(point)}`;
  return `${value < 0n ? "-" : ""}${digits.slice(0, point)}${fraction}`;
}

/** The unscaled digits of a decimal's text at this scale. Digits beyond it are zeros. */
export function unscaled(text: string, scale: number): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(scale, "0").slice(0, scale));
}
