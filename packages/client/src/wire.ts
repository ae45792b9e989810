/** Converts between JavaScript values and the JSON of the server's API, which keeps every digit. */
import { TidemarkError, toJson } from "@tidemark/core";
import {
  formatTime,
  parseTime,
  type ColumnSpec,
  type ScalarType,
  type ScalarValue,
  type TypeSpec,
  type Value,
} from "@tidemark/core/spi";
import { fromBase64, mapOfPairs, scalarType, timeOf, typeOf } from "@tidemark/core/internal";

/** Encodes a value of the column for a request. */
export function wireValue(value: Value, column: ColumnSpec): unknown {
  if (value === null) return null;
  const form = wireForms[scalarType(column, `feature ${column.name}`)];
  return form === undefined ? value : form(value as Exclude<ScalarValue, null>, column);
}

/** The values that JSON cannot hold as they are. */
const wireForms: Readonly<
  Partial<Record<ScalarType, (value: Exclude<ScalarValue, null>, column: ColumnSpec) => unknown>>
> = {
  int64: toJson,
  bytes: toJson,
  timestamp: (value) => formatTime(value as number),
  json: (value) => JSON.parse(value as string) as unknown,
  decimal: userValue,
  date: userValue,
};

function userValue(value: Exclude<Value, null>, column: NamedType): unknown {
  return typeOf(column).toUser(value, column, column.name);
}

/**
 * Converts JSON to the value that a store's `getOnlineFeatures` gives.
 *
 * @throws DEFINITIONS_DIFFER when the JSON does not fit the value type.
 */
export type ValueReader = (given: unknown) => unknown;

/** Makes a reader of the column's values. */
export function valueReader(column: TypeSpec & { readonly name: string }): ValueReader {
  const read = readerOf(column);
  return (given) => (given === null ? null : read(given));
}

/** The type of a feature or of a part of it, with the name of the feature. */
type NamedType = TypeSpec & { readonly name: string };

function readerOf(column: NamedType): ValueReader {
  const other = (given: unknown): never => {
    throw shapeMismatch(`feature ${column.name} is ${JSON.stringify(given)}, not ${column.type}`);
  };
  const partReader = (part: TypeSpec): ValueReader => valueReader({ ...part, name: column.name });
  switch (column.type) {
    case "list": {
      const element = partReader(column.element!);
      return (given) => (Array.isArray(given) ? given.map(element) : other(given));
    }
    case "map":
      return mapReader(column.keys!, partReader(column.keys!), partReader(column.values!), other);
    case "struct": {
      const fields = column.fields!.map((field) => [field.name, partReader(field)] as const);
      return (given) => {
        const members = isObject(given) ? given : other(given);
        return Object.fromEntries(fields.map(([name, read]) => [name, read(members[name])]));
      };
    }
    default:
      return wireReaders[column.type](column, other);
  }
}

function isObject(given: unknown): given is { readonly [name: string]: unknown } {
  return typeof given === "object" && given !== null && !Array.isArray(given);
}

/** Reads a map. An object does not keep the order of its members, so they are sorted again. */
function mapReader(
  keys: TypeSpec,
  key: ValueReader,
  value: ValueReader,
  other: (given: unknown) => never,
): ValueReader {
  const read = (pairs: readonly (readonly unknown[])[]): ReadonlyMap<unknown, unknown> =>
    new Map(pairs.map((pair) => [key(pair[0]), value(pair[1])]));
  if (keys.type === "string")
    return (given) =>
      isObject(given)
        ? read(Object.entries(given).sort(([a], [b]) => typeOf(keys).compare(a, b)))
        : other(given);
  return (given) => {
    const isPairs = Array.isArray(given) && given.every((one) => Array.isArray(one));
    return isPairs ? mapOfPairs(read(given as unknown[][])) : other(given);
  };
}

/** Makes a reader. `other` throws the error of a value that is none of the type. */
type ReaderMaker = (column: NamedType, other: (given: unknown) => never) => ValueReader;

const ofType =
  (type: "string" | "boolean" | "number"): ReaderMaker =>
  (_, other) =>
  (given) =>
    typeof given === type ? given : other(given);

const wireReaders: Readonly<Record<ScalarType, ReaderMaker>> = {
  json: () => (given) => given,
  string: ofType("string"),
  decimal: ofType("string"),
  date: ofType("string"),
  boolean: ofType("boolean"),
  int32: ofType("number"),
  float64: ofType("number"),
  int64: (column, other) =>
    column.mode === "number"
      ? (given) =>
          // toUser throws INT64_TOO_LARGE
          Number.isInteger(given) ? userValue(BigInt(given as number), column) : other(given)
      : (given) =>
          typeof given === "string" && /^-?\d+$/.test(given) ? BigInt(given) : other(given),
  timestamp: (column, other) => (given) => {
    const micros = typeof given === "string" ? parseTime(given, null) : null;
    return micros === null ? other(given) : userValue(micros, column);
  },
  bytes: (_, other) => (given) =>
    (typeof given === "string" ? fromBase64(given) : null) ?? other(given),
};

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
