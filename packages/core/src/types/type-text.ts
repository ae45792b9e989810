/** The type of a value as text, for messages, plans and comparisons. */
import type { FieldSpec, TypeSpec } from "../specs.ts";

/**
 * The type with its digits and parts: `decimal(12, 2)`, `list(string or null)`,
 * `map(int64, float64)`, `struct(x int32)`. Equal types have equal texts.
 */
export function typeText(spec: TypeSpec): string {
  const { type, precision = 38, scale = 0 } = spec;
  switch (type) {
    case "decimal":
      return `decimal(${precision}, ${scale})`;
    case "list":
      return `list(${partText(spec.element)})`;
    case "map":
      return `map(${partText(spec.keys)}, ${partText(spec.values)})`;
    case "struct":
      return `struct(${spec.fields?.map(fieldText).join(", ")})`;
    default:
      return type;
  }
}

function partText(part: TypeSpec | undefined): string {
  if (part === undefined) return "?";
  return part.nullable ? `${typeText(part)} or null` : typeText(part);
}

function fieldText(field: FieldSpec): string {
  return `${field.name} ${partText(field)}`;
}
