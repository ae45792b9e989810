/**
 * Column types: `string("name in the database")`. The name in TypeScript is the member that holds
 * it.
 */
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, ValueType } from "../specs.ts";
import type { ColumnType } from "./column-types.ts";
import { described, makeDefinition } from "./definition.ts";

export interface DecimalOptions {
  /** Digits in all, 1 to 38. */
  readonly precision: number;
  /** Digits of the fraction, 0 to `precision`. */
  readonly scale: number;
}
export interface TimestampOptions<M extends "micros" | undefined = "micros" | undefined> {
  /** The zone of text that names none: an IANA name such as `Europe/Zurich`, or `UTC`. */
  readonly zone?: string | undefined;
  /**
   * `micros`: values are bigints, µs since the epoch; otherwise Dates, floored to the millisecond.
   */
  readonly mode?: M;
}
export interface NumberMode {
  /** Values are numbers; one beyond 2^53 is an error (`INT64_TOO_LARGE`). */
  readonly mode: "number";
}

// `none` refuses, when it runs too, the options that these columns do not have.

/** Text. */
export function string(database?: string, ...none: readonly []): ColumnType<"string", string> {
  return column("string", [], database, ...none);
}

/** true or false. */
export function boolean(database?: string, ...none: readonly []): ColumnType<"boolean", boolean> {
  return column("boolean", [], database, ...none);
}

/** An integer of 32 bits; a number in TypeScript. */
export function int32(database?: string, ...none: readonly []): ColumnType<"int32", number> {
  return column("int32", [], database, ...none);
}

/** An integer of 64 bits; a bigint in TypeScript unless the column says `{ mode: "number" }`. */
export function int64(database?: string): ColumnType<"int64", bigint>;
export function int64(database: string, options: NumberMode): ColumnType<"int64", number>;
export function int64(options: NumberMode): ColumnType<"int64", number>;
export function int64(
  database?: string | NumberMode,
  options?: NumberMode,
): ColumnType<"int64", bigint | number> {
  return column("int64", ["mode"], database, options);
}

/** A double; NaN and infinities of the source are missing (law 9). */
export function float64(database?: string, ...none: readonly []): ColumnType<"float64", number> {
  return column("float64", [], database, ...none);
}

/** Exact digits; a string with exactly `scale` fraction digits in TypeScript. */
export function decimal(database: string, options: DecimalOptions): ColumnType<"decimal", string>;
export function decimal(options: DecimalOptions): ColumnType<"decimal", string>;
export function decimal(
  database: string | DecimalOptions,
  options?: DecimalOptions,
): ColumnType<"decimal", string> {
  return column("decimal", ["precision", "scale"], database, options);
}

/**
 * An instant, exact to the microsecond; a Date in TypeScript unless the column says `{ mode:
 * "micros" }`.
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

/** A day of the calendar; `YYYY-MM-DD` in TypeScript. */
export function date(database?: string, ...none: readonly []): ColumnType<"date", string> {
  return column("date", [], database, ...none);
}

/** Bytes; a Uint8Array in TypeScript. */
export function bytes(database?: string, ...none: readonly []): ColumnType<"bytes", Uint8Array> {
  return column("bytes", [], database, ...none);
}

/**
 * A JSON document, parsed in TypeScript; its type is yours to say: `json<{ tags: string[] }>()`.
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
  const { precision, scale, zone, mode } = options as {
    precision?: unknown;
    scale?: unknown;
    zone?: unknown;
    mode?: unknown;
  };
  const base = { name: "", database: database ?? "", type: type, nullable: false };
  switch (type) {
    case "decimal": {
      if (!isWhole(precision, 1, 38))
        throw invalid(
          type,
          `precision must be a whole number from 1 to 38, got ${described(precision)}`,
        );
      if (!isWhole(scale, 0, precision))
        throw invalid(
          type,
          `scale must be a whole number from 0 to the precision ${precision}, got ` +
            `${described(scale)}`,
        );
      return columnType({ ...base, precision, scale });
    }
    case "timestamp": {
      if (zone !== undefined && !isZone(zone))
        throw invalid(
          type,
          `zone ${described(zone)} is unknown; name one of the IANA list, such as ` +
            `"Europe/Zurich", or "UTC"`,
        );
      if (mode !== undefined && mode !== "micros")
        throw invalid(type, `mode must be "micros" or left out, got ${described(mode)}`);
      return columnType({
        ...base,
        ...(zone === undefined ? {} : { zone }),
        ...(mode === undefined ? {} : { mode }),
      });
    }
    case "int64": {
      if (mode !== undefined && mode !== "number")
        throw invalid(type, `mode must be "number" or left out, got ${described(mode)}`);
      return columnType({ ...base, ...(mode === undefined ? {} : { mode }) });
    }
    default:
      return columnType(base);
  }
}

function columnType<T>(spec: ColumnSpec): T {
  return makeDefinition({ kind: "column type", spec }, `${spec.type} column type`, {
    type: spec.type,
    nullable: () => columnType({ ...spec, nullable: true }),
  });
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}

function isZone(zone: unknown): zone is string {
  if (typeof zone !== "string" || !/^[A-Za-z]/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function invalid(type: ValueType, why: string): TidemarkError {
  return new TidemarkError("DEFINITION_INVALID", `${type} column: ${why}`);
}
