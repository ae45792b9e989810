/** The value types. A new scalar type is one descriptor and one line here. */
import { TidemarkError } from "../errors.ts";
import type { ScalarType, ValueType } from "../specs.ts";
import { booleanType } from "./boolean.ts";
import { bytesType } from "./bytes.ts";
import { decimalType } from "./decimal.ts";
import { float64Type } from "./float64.ts";
import { int32Type, int64Type } from "./integers.ts";
import { nestedType, type NestedForm } from "./nested/nested-type.ts";
import { jsonType, stringType } from "./texts.ts";
import { dateType, timestampType } from "./times.ts";
import type { TypeDescriptor } from "./type-descriptor.ts";

export const valueTypes: Readonly<Record<ScalarType, TypeDescriptor>> = {
  string: stringType,
  boolean: booleanType,
  int32: int32Type,
  int64: int64Type,
  float64: float64Type,
  decimal: decimalType,
  timestamp: timestampType,
  date: dateType,
  bytes: bytesType,
  json: jsonType,
};

const scalarTypes: Readonly<Partial<Record<ValueType, TypeDescriptor>>> = valueTypes;
const nestedTypes = new WeakMap<NestedForm, TypeDescriptor>();

/** The descriptor of a column's type, or of whatever else has a type. */
export function typeOf(spec: NestedForm): TypeDescriptor {
  return scalarTypes[spec.type] ?? nestedTypeOf(spec);
}

/** The descriptor of a type without parts. */
export function scalarTypeOf(type: ValueType): TypeDescriptor {
  const descriptor = scalarTypes[type];
  if (descriptor === undefined) throw new TypeError(`a ${type} has parts`);
  return descriptor;
}

/**
 * The type of a column whose values have no parts. `who` begins the message of the error.
 *
 * @throws TYPE_HAS_PARTS when it is a list, a map or a struct.
 */
export function scalarType({ type }: { readonly type: ValueType }, who: string): ScalarType {
  if (type !== "list" && type !== "map" && type !== "struct") return type;
  throw new TidemarkError(
    "TYPE_HAS_PARTS",
    `${who}: a ${type} cannot be here, only values without parts; leave the column out`,
  );
}

/** The descriptor of a list, a map or a struct depends on its parts. It is made once per spec. */
function nestedTypeOf(spec: NestedForm): TypeDescriptor {
  const known = nestedTypes.get(spec);
  if (known !== undefined) return known;
  const made = nestedType(spec, typeOf);
  nestedTypes.set(spec, made);
  return made;
}
