/** Formats values as `python/canonical.py` does. */
import type { TypeSpec, Value } from "@tidemark/core/spi";
import { decimalText } from "../src/log/delta-types.ts";

/** A value as JSON: exact digits, the bits of doubles. Lists, maps and structs are arrays. */
export type Canonical = string | null | readonly Canonical[];

/** Formats a value without parts. */
export function canonical({ type, scale }: TypeSpec, value: Value): string | null {
  if (value === null) return null;
  if (type === "decimal") return decimalText(value as bigint, scale ?? 0);
  if (type === "float64") {
    const bits = Buffer.alloc(8);
    bits.writeDoubleBE(value as number);
    return bits.toString("hex");
  }
  return value instanceof Uint8Array ? `0x${Buffer.from(value).toString("hex")}` : String(value);
}

/** Formats a value of any type. */
export function canonicalParts(spec: TypeSpec, value: Value): Canonical {
  if (value === null) return null;
  const parts = value as readonly Value[];
  switch (spec.type) {
    case "list":
      return parts.map((element) => canonicalParts(spec.element!, element));
    case "map":
      return parts.map((entry) => {
        const [key, of] = entry as readonly Value[];
        return [canonicalParts(spec.keys!, key!), canonicalParts(spec.values!, of!)];
      });
    case "struct":
      return spec.fields!.map((field, f) => canonicalParts(field, parts[f]!));
    default:
      return canonical(spec, value);
  }
}
