/** Reads values of the serving log from JSON, each exactly as it was written. */
import { fromUser, toUser } from "../define/user-values.ts";
import { ExactNumber, exactJson, parseDigits } from "../entity-files/exact-json.ts";
import { keyFromJson } from "../entity-files/key-values.ts";
import type { ColumnSpec, TypeSpec, Value } from "../specs.ts";
import { isMapOfPairs, mapOfPairs } from "../types/nested/pair-maps.ts";

/** Parses a JSON object of the log. Numbers keep their digits. */
export function parseMembers(text: string): Readonly<Record<string, unknown>> {
  return parseDigits(text) as Readonly<Record<string, unknown>>;
}

/**
 * The value of a column in parsed JSON.
 *
 * @throws KEY_INVALID when the JSON is no value of the column.
 */
export function valueOfJson(column: ColumnSpec, given: unknown): Value {
  if (given === null || given === undefined) return null;
  const location = (): string => `the serving log, ${column.name}`;
  switch (column.type) {
    case "json":
      return exactJson(given);
    case "list":
    case "map":
    case "struct":
      return fromUser(userOfJson(column, given), column, location(), "KEY_INVALID");
    default:
      return keyFromJson(column, given, location);
  }
}

/** The parsed JSON of a value as the value that a user gives. */
function userOfJson(spec: TypeSpec, given: unknown): unknown {
  if (given === null) return null;
  const part = (of: TypeSpec, value: unknown): unknown => userOfJson(of, value);
  switch (spec.type) {
    case "list":
      return (given as readonly unknown[]).map((one) => part(spec.element!, one));
    case "map": {
      const isPairs = Array.isArray(given);
      const entries = isPairs ? (given as [unknown, unknown][]) : Object.entries(given as object);
      const map = new Map(
        entries.map(([key, value]) => [part(spec.keys!, key), part(spec.values!, value)]),
      );
      return isPairs && !isMapOfPairs(map) ? mapOfPairs(map) : map;
    }
    case "struct":
      return Object.fromEntries(
        spec.fields!.map((field) => [
          field.name,
          part(field, (given as Readonly<Record<string, unknown>>)[field.name] ?? null),
        ]),
      );
    default: {
      const column = { ...spec, name: "a part", database: "a part" };
      return toUser(valueOfJson(column, given), column);
    }
  }
}

/** The canonical JSON text of a member. Equal values of a type have equal texts. */
export function memberText(given: unknown): string {
  return given instanceof ExactNumber ? given.digits : exactJson(given ?? null);
}
