/** Converts between JavaScript values and the JSON of the server's API, which keeps every digit. */
import { TidemarkError, toJson } from "@tidemark/core";
import { formatTime, parseTime, type ColumnSpec, type Value } from "@tidemark/core/spi";
import { fromBase64, timeOf, toUser } from "@tidemark/core/internal";

/** Encodes a value of the column for a request. */
export function wireValue(value: Value, column: ColumnSpec): unknown {
  if (value === null) return null;
  switch (column.type) {
    case "int64":
    case "bytes":
      return toJson(value);
    case "timestamp":
      return formatTime(value as number);
    case "json":
      return JSON.parse(value as string) as unknown;
    case "decimal":
    case "date":
      return toUser(value, column);
    default:
      return value;
  }
}

/**
 * Converts JSON to the value that a store's `getOnlineFeatures` gives.
 *
 * @throws DEFINITIONS_DIFFER when the JSON does not fit the value type.
 */
export type ValueReader = (given: unknown) => unknown;

/** Makes a reader of the column's values. */
export function valueReader(column: ColumnSpec): ValueReader {
  const read = readerOf(column);
  return (given) => (given === null ? null : read(given));
}

function readerOf(column: ColumnSpec): ValueReader {
  const { type, mode } = column;
  const other = (given: unknown): never => {
    throw shapeMismatch(`feature ${column.name} is ${JSON.stringify(given)}, not ${type}`);
  };
  switch (type) {
    case "json":
      return (given) => given;
    case "string":
    case "boolean":
      return (given) => (typeof given === type ? given : other(given));
    case "decimal":
    case "date":
      return (given) => (typeof given === "string" ? given : other(given));
    case "int32":
    case "float64":
      return (given) => (typeof given === "number" ? given : other(given));
    case "int64":
      return mode === "number"
        ? (given) =>
            // toUser throws INT64_TOO_LARGE
            Number.isInteger(given) ? toUser(BigInt(given as number), column) : other(given)
        : (given) =>
            typeof given === "string" && /^-?\d+$/.test(given) ? BigInt(given) : other(given);
    case "timestamp":
      return (given) => {
        const micros = typeof given === "string" ? parseTime(given, null) : null;
        return micros === null ? other(given) : toUser(micros, column);
      };
    case "bytes":
      return (given) => (typeof given === "string" ? fromBase64(given) : null) ?? other(given);
  }
}

/** Reads the event time of an answer as a Date. */
export function dateIn(given: unknown): Date | null {
  if (given === null) return null;
  const micros = typeof given === "string" ? parseTime(given, null) : null;
  if (micros === null) throw shapeMismatch(`an event time is ${JSON.stringify(given)}`);
  return new Date(Math.floor(micros / 1000));
}

/** Makes the error of an answer that does not fit the client's definitions. */
export function shapeMismatch(what: string): TidemarkError {
  return new TidemarkError(
    "DEFINITIONS_DIFFER",
    `the server's answer does not fit the client's definitions: ${what}; ` +
      "use the same definitions in the client and the server",
  );
}

/** Encodes a value of a column whose type is not known. */
export function untypedValue(given: unknown, who: string): unknown {
  if (typeof given === "number" && !Number.isFinite(given)) return String(given);
  if (typeof given === "bigint" || given instanceof Uint8Array) return toJson(given);
  if (typeof given !== "object" || given === null) return given;
  const time =
    given instanceof Date ||
    "epochNanoseconds" in given ||
    Object.hasOwn(given, Symbol.for("tidemark.definition/1"));
  return time ? formatTime(timeOf(given, who)) : given;
}
