/** Converts between JavaScript values and JSON that loses no digit. */
import { TidemarkError, toJson } from "@tidemark/core";
import { formatTime, parseTime, type ColumnSpec, type Value } from "@tidemark/core/spi";
import { fromBase64, timeOf, toUser } from "@tidemark/core/internal";

/** Encodes a Tidemark value in the form that the server reads. */
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
 * Converts JSON to the value that a store's `getOnlineFeatures` gives. JSON of another shape is a
 * definition mismatch.
 */
export type ValueReader = (given: unknown) => unknown;

export function valueReader(column: ColumnSpec): ValueReader {
  const read = readerOf(column);
  return (given) => (given === null ? null : read(given));
}

function readerOf(column: ColumnSpec): ValueReader {
  const { type, mode } = column;
  const other = (given: unknown): never => {
    throw shapeMismatch(`${column.name} is ${JSON.stringify(given)}, and should be ${type}`);
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
            // throws INT64_TOO_LARGE with the store's message
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

/** Reads a time of an answer as the Date that a store gives. */
export function dateIn(given: unknown): Date | null {
  if (given === null) return null;
  const micros = typeof given === "string" ? parseTime(given, null) : null;
  if (micros === null) throw shapeMismatch(`an event time is ${JSON.stringify(given)}`);
  return new Date(Math.floor(micros / 1000));
}

export function shapeMismatch(what: string): TidemarkError {
  return new TidemarkError(
    "DEFINITIONS_DIFFER",
    `the server's answer is not what the definitions here say: ${what}; ` +
      "bring the client and the server to the same definitions",
  );
}

/** Encodes a value for a column of which only the name is known. */
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
