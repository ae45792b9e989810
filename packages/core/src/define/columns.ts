/**
 * Column types, such as `string("name in the database")`.
 * A column's name in TypeScript is the member that holds it.
 */
import { isTimeZone } from "../time/zone.ts";
import { describedWith } from "./metadata.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, TypeSpec, ValueType } from "../specs.ts";
import type { ColumnType } from "./column-types.ts";
import { described, makeDefinition } from "./definition.ts";

/** Options of a decimal column. */
export interface DecimalOptions {
  /** Digits in all, 1 to 38. */
  readonly precision: number;
  /** Digits of the fraction, 0 to `precision`. */
  readonly scale: number;
  /**
   * How messages without a schema write the number as text: the connector's
   * `decimal.handling.mode`, "base64" for `precise` and "digits" for `string`. Without it, the
   * column's earlier texts decide, and the first guess is told.
   */
  readonly encoding?: "digits" | "base64" | undefined;
}
/** Options of a timestamp column. */
export interface TimestampOptions<M extends "micros" | undefined = "micros" | undefined> {
  /** Time zone of a text without a zone: an IANA name such as `Europe/Zurich`, or `UTC`. */
  readonly zone?: string | undefined;
  /**
   * `micros`: values are bigints, µs since the epoch. Without it they are Dates, floored to the
   * millisecond.
   */
  readonly mode?: M;
}
/** Option of a bytes column. */
export interface BytesOptions {
  /**
   * How messages write the bytes as text, where no schema says it: the connector's
   * `binary.handling.mode`. Without it, base64 is read, and a text that may be hex is refused.
   */
  readonly encoding: "hex" | "base64" | "base64url";
}
/** Option of an int64 column whose values are numbers. */
export interface NumberMode {
  /** Values are numbers. A value beyond 2^53 is an error (`INT64_TOO_LARGE`). */
  readonly mode: "number";
}

// The parameter `none` refuses options, in types and at run time: these columns have none.

/**
 * A column of text.
 *
 * @throws DEFINITION_INVALID when the name in the database is no text.
 *
 * @example
 * const columns = { vendor: string("Vendor").nullable() };
 */
export function string(database?: string, ...none: readonly []): ColumnType<"string", string> {
  return column("string", [], database, ...none);
}

/**
 * A column of text that has one of these values; a union of them in TypeScript. It is a `string`
 * column for everything else, and no value is refused: another one that a row has is answered as it
 * is. A `quality` with `inList` counts such rows.
 *
 * @throws DEFINITION_INVALID when the values are no list of at least one text, one is there twice,
 * or the name in the database is no text.
 *
 * @example
 * const columns = { status: oneOf(["approved", "declined"], "Status") };
 */
export function oneOf<const L extends readonly [string, ...string[]]>(
  values: L,
  database?: string,
  ...none: readonly []
): ColumnType<"string", L[number]> {
  const texts: readonly unknown[] = Array.isArray(values) ? values : [];
  if (texts.length === 0 || texts.some((text) => typeof text !== "string"))
    throw invalid(
      "oneOf",
      `the values must be a list of at least one text, got ${described(values)}`,
    );
  const twice = texts.find((text, i) => texts.indexOf(text) < i);
  if (twice !== undefined) throw invalid("oneOf", `"${String(twice)}" is listed twice`);
  return column("string", [], database, ...none);
}

/**
 * A column of true and false.
 *
 * @throws DEFINITION_INVALID when the name in the database is no text.
 *
 * @example
 * const columns = { online: boolean("Online") };
 */
export function boolean(database?: string, ...none: readonly []): ColumnType<"boolean", boolean> {
  return column("boolean", [], database, ...none);
}

/**
 * A column of 32-bit integers; numbers in TypeScript.
 *
 * @throws DEFINITION_INVALID when the name in the database is no text.
 *
 * @example
 * const columns = { items: int32("Items") };
 */
export function int32(database?: string, ...none: readonly []): ColumnType<"int32", number> {
  return column("int32", [], database, ...none);
}

/**
 * A column of 64-bit integers; bigints in TypeScript unless it has `{ mode: "number" }`.
 *
 * @throws DEFINITION_INVALID when the name in the database is no text, or an option is wrong.
 *
 * @example
 * const columns = { id: int64("id"), points: int64("Points", { mode: "number" }) };
 */
export function int64(database?: string): ColumnType<"int64", bigint>;
export function int64(database: string, options: NumberMode): ColumnType<"int64", number>;
export function int64(options: NumberMode): ColumnType<"int64", number>;
export function int64(
  database?: string | NumberMode,
  options?: NumberMode,
): ColumnType<"int64", bigint | number> {
  return column("int64", ["mode"], database, options);
}

/**
 * A column of doubles (law 9: NaN and infinities of the source are missing).
 *
 * @throws DEFINITION_INVALID when the name in the database is no text.
 *
 * @example
 * const columns = { amount: float64("Amount").nullable() };
 */
export function float64(database?: string, ...none: readonly []): ColumnType<"float64", number> {
  return column("float64", [], database, ...none);
}

/**
 * A column of exact decimals; strings with exactly `scale` fraction digits in TypeScript.
 *
 * @throws DEFINITION_INVALID when `precision` or `scale` is missing or out of range, or the
 * encoding is unknown.
 *
 * @example
 * const columns = { price: decimal("Price", { precision: 12, scale: 2 }) };
 */
export function decimal(database: string, options: DecimalOptions): ColumnType<"decimal", string>;
export function decimal(options: DecimalOptions): ColumnType<"decimal", string>;
export function decimal(
  database: string | DecimalOptions,
  options?: DecimalOptions,
): ColumnType<"decimal", string> {
  return column("decimal", ["precision", "scale", "encoding"], database, options);
}

/**
 * A column of instants, exact to the microsecond; Dates in TypeScript unless it has `{ mode:
 * "micros" }`.
 *
 * @throws DEFINITION_INVALID when the zone is no IANA name, or another option is wrong.
 *
 * @example
 * const columns = { time: timestamp("Time", { zone: "UTC" }) };
 */
export function timestamp(
  database: string,
  options: TimestampOptions<"micros"> & { readonly mode: "micros" },
): ColumnType<"timestamp", bigint>;
export function timestamp(
  options: TimestampOptions<"micros"> & { readonly mode: "micros" },
): ColumnType<"timestamp", bigint>;
export function timestamp(
  database?: string,
  options?: TimestampOptions<undefined>,
): ColumnType<"timestamp", Date>;
export function timestamp(options: TimestampOptions<undefined>): ColumnType<"timestamp", Date>;
export function timestamp(
  database?: string | TimestampOptions,
  options?: TimestampOptions,
): ColumnType<"timestamp", Date | bigint> {
  return column("timestamp", ["zone", "mode"], database, options);
}

/**
 * A column of calendar days; `YYYY-MM-DD` in TypeScript.
 *
 * @throws DEFINITION_INVALID when the name in the database is no text.
 *
 * @example
 * const columns = { born: date("Birthday") };
 */
export function date(database?: string, ...none: readonly []): ColumnType<"date", string> {
  return column("date", [], database, ...none);
}

/**
 * A column of bytes; Uint8Arrays in TypeScript.
 *
 * @throws DEFINITION_INVALID when the name in the database is no text, or the encoding is unknown.
 *
 * @example
 * const columns = { digest: bytes("Digest"), token: bytes("token", { encoding: "hex" }) };
 */
export function bytes(database?: string, options?: BytesOptions): ColumnType<"bytes", Uint8Array>;
export function bytes(options: BytesOptions): ColumnType<"bytes", Uint8Array>;
export function bytes(
  database?: string | BytesOptions,
  options?: BytesOptions,
): ColumnType<"bytes", Uint8Array> {
  return column("bytes", ["encoding"], database, options);
}

/**
 * A column of JSON documents, parsed in TypeScript. The type argument declares their type.
 *
 * @throws DEFINITION_INVALID when the name in the database is no text.
 *
 * @example
 * const columns = { details: json<{ tags: string[] }>("Details") };
 */
export function json<T = unknown>(database?: string, ...none: readonly []): ColumnType<"json", T> {
  return column("json", [], database, ...none);
}

function column<T>(
  type: ValueType,
  allowed: readonly string[],
  first?: unknown,
  second?: unknown,
): T {
  const alone = typeof first === "object" && first !== null;
  const database = alone ? undefined : first;
  const options = (alone ? first : second) ?? {};
  if (database !== undefined && (typeof database !== "string" || database === ""))
    throw invalid(type, `the name in the database must be a text, got ${described(database)}`);
  if (alone && second !== undefined)
    throw invalid(type, "give the name in the database first and the options second");
  if (typeof options !== "object")
    throw invalid(type, `the options must be an object, got ${described(options)}`);
  const other = Object.keys(options).find((name) => !allowed.includes(name));
  if (other !== undefined)
    throw invalid(
      type,
      "there is no option " +
        `"${other}"${allowed.length === 0 ? "" : `; the options are ${allowed.join(", ")}`}`,
    );
  const base = { name: "", database: database ?? "", type, nullable: false };
  return columnType({ ...base, ...parametersOf[type]?.(options as GivenOptions) });
}

interface GivenOptions {
  readonly precision?: unknown;
  readonly scale?: unknown;
  readonly zone?: unknown;
  readonly mode?: unknown;
  readonly encoding?: unknown;
}

type Parameters = Omit<TypeSpec, "type" | "nullable">;

/** Check the options of types that have some. */
const parametersOf: Readonly<Partial<Record<ValueType, (options: GivenOptions) => Parameters>>> = {
  decimal({ precision, scale, encoding }) {
    if (!isWhole(precision, 1, 38))
      throw invalid(
        "decimal",
        `precision must be a whole number from 1 to 38, got ${described(precision)}`,
      );
    if (!isWhole(scale, 0, precision))
      throw invalid(
        "decimal",
        `scale must be a whole number from 0 to the precision ${precision}, ` +
          `got ${described(scale)}`,
      );
    if (encoding !== undefined && encoding !== "digits" && encoding !== "base64")
      throw invalid(
        "decimal",
        `encoding must be "digits", "base64" or left out, got ${described(encoding)}`,
      );
    return { precision, scale, ...(encoding === undefined ? {} : { encoding }) };
  },
  timestamp({ zone, mode }) {
    if (zone !== undefined && !isZone(zone))
      throw invalid(
        "timestamp",
        `zone ${described(zone)} is unknown; name one of the IANA list, ` +
          'such as "Europe/Zurich", or "UTC"',
      );
    if (mode !== undefined && mode !== "micros")
      throw invalid("timestamp", `mode must be "micros" or left out, got ${described(mode)}`);
    return { ...(zone === undefined ? {} : { zone }), ...(mode === undefined ? {} : { mode }) };
  },
  int64({ mode }) {
    if (mode !== undefined && mode !== "number")
      throw invalid("int64", `mode must be "number" or left out, got ${described(mode)}`);
    return mode === undefined ? {} : { mode };
  },
  bytes({ encoding }) {
    if (encoding !== undefined && !isEncoding(encoding))
      throw invalid(
        "bytes",
        `encoding must be "hex", "base64", "base64url" or left out, got ${described(encoding)}`,
      );
    return encoding === undefined ? {} : { encoding };
  },
};

function columnType<T>(spec: ColumnSpec): T {
  return makeDefinition({ kind: "column type", spec }, `${spec.type} column type`, {
    type: spec.type,
    nullable: () => columnType({ ...spec, nullable: true }),
    describe: (metadata: unknown) =>
      columnType({ ...spec, ...describedWith(`${spec.type} column`, metadata) }),
  });
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}

function isEncoding(encoding: unknown): encoding is BytesOptions["encoding"] {
  return encoding === "hex" || encoding === "base64" || encoding === "base64url";
}

function isZone(zone: unknown): zone is string {
  return typeof zone === "string" && /^[A-Za-z]/.test(zone) && isTimeZone(zone);
}

function invalid(type: string, why: string): TidemarkError {
  return new TidemarkError("DEFINITION_INVALID", `${type} column: ${why}`);
}
