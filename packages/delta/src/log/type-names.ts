/** Converts between Tidemark's types and the types of Delta's schema, with their parts. */
import type { ScalarType, TypeSpec } from "@tidemark/core/spi";
import { MAX_SCHEMA_DEPTH } from "../parquet/limits.ts";
import { deltaTypes } from "./delta-types.ts";

/** A type of Delta's schema: the name of a primitive type, or an object with its parts. */
export type SchemaType =
  | string
  | { readonly type: "array"; readonly elementType: SchemaType; readonly containsNull: boolean }
  | {
      readonly type: "map";
      readonly keyType: SchemaType;
      readonly valueType: SchemaType;
      readonly valueContainsNull: boolean;
    }
  | { readonly type: "struct"; readonly fields: readonly DeltaField[] };

/** A field of Delta's schema, or of a struct in it. */
export interface DeltaField {
  readonly name: string;
  readonly type: unknown;
  readonly nullable: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The type of Delta's schema for a column or a part of one. */
export function deltaType(spec: TypeSpec): SchemaType {
  switch (spec.type) {
    case "list":
      return {
        type: "array",
        elementType: deltaType(spec.element!),
        containsNull: spec.element!.nullable,
      };
    case "map":
      return {
        type: "map",
        keyType: deltaType(spec.keys!),
        valueType: deltaType(spec.values!),
        valueContainsNull: spec.values!.nullable,
      };
    case "struct":
      return {
        type: "struct",
        fields: spec.fields!.map((field) => ({
          name: field.name,
          type: deltaType(field),
          nullable: field.nullable,
          metadata: {},
        })),
      };
    default:
      return deltaTypes[spec.type].name(spec);
  }
}

const SCALAR_TYPES: Readonly<Record<string, ScalarType>> = {
  string: "string",
  boolean: "boolean",
  byte: "int32",
  short: "int32",
  integer: "int32",
  long: "int64",
  float: "float64",
  double: "float64",
  date: "date",
  binary: "bytes",
  timestamp: "timestamp",
  timestamp_ntz: "timestamp",
};

/** The type that a type of Delta's schema has here; null: Tidemark has no value type for it. */
export function typeOfDelta(type: unknown, nullable: boolean, depth = 0): TypeSpec | null {
  if (typeof type === "string") {
    const decimal = /^decimal\((\d+),\s*(-?\d+)\)$/.exec(type);
    if (decimal !== null)
      return {
        type: "decimal",
        nullable,
        precision: Number(decimal[1]),
        scale: Number(decimal[2]),
      };
    const scalar = Object.hasOwn(SCALAR_TYPES, type) ? SCALAR_TYPES[type]! : null;
    return scalar && { type: scalar, nullable, ...(type === "timestamp" ? { zone: "UTC" } : {}) };
  }
  if (depth > MAX_SCHEMA_DEPTH || typeof type !== "object" || type === null) return null;
  const given = type as Readonly<Record<string, unknown>>;
  const part = (of: unknown, containsNull: unknown): TypeSpec | null =>
    typeOfDelta(of, containsNull !== false, depth + 1);
  switch (given["type"]) {
    case "array": {
      const element = part(given["elementType"], given["containsNull"]);
      return element && { type: "list", nullable, element };
    }
    case "map": {
      const key = typeof given["keyType"] === "string" ? part(given["keyType"], false) : null;
      const value = part(given["valueType"], given["valueContainsNull"]);
      return key && value && { type: "map", nullable, keys: key, values: value };
    }
    case "struct": {
      const fields = (given["fields"] as readonly DeltaField[]).map((field) => {
        const found = part(field.type, field.nullable);
        return found && { ...found, name: field.name };
      });
      return fields.length > 0 && fields.every((field) => field !== null)
        ? { type: "struct", nullable, fields }
        : null;
    }
    default:
      return null;
  }
}

/** Whether two types of Delta's schema hold the same values. Metadata of fields may differ. */
export function isSameDeltaType(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  keys.delete("metadata");
  for (const key of keys) if (!isSameDeltaType(left[key], right[key])) return false;
  return true;
}

/** The type as text, for messages. */
export function deltaTypeText(type: unknown): string {
  return typeof type === "string" ? type : JSON.stringify(type);
}
