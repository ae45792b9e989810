/** How each value type without parts lies in Delta's schema and log. */
import type { ScalarType, TypeSpec, Value } from "@tidemark/core/spi";

/** The number of code points that bounds of strings are cut to. */
const MAX_PREFIX = 32;

interface DeltaType {
  /** The type in Delta's schema. */
  name(spec: TypeSpec): string;
  /** A bound of the column as JSON text; null: it has no bound. `upper`: no value is above it. */
  readonly bound:
    | ((value: Exclude<Value, null>, upper: boolean, spec: TypeSpec) => string | null)
    | null;
  /** The value of a partition; null: files cannot be parted by the column. */
  readonly partition: ((text: string) => Value) | null;
}

const WITHOUT_BOUND = { bound: null, partition: null };

export const deltaTypes: Readonly<Record<ScalarType, DeltaType>> = {
  string: { name: () => "string", bound: textBound, partition: (text) => text },
  json: { name: () => "string", bound: null, partition: (text) => text },
  boolean: { name: () => "boolean", bound: null, partition: (text) => text === "true" },
  int32: { name: () => "integer", bound: String, partition: Number },
  int64: { name: () => "long", bound: String, partition: BigInt },
  timestamp: { name: () => "long", bound: String, partition: null },
  float64: {
    name: () => "double",
    bound: (value) => (Number.isFinite(value) ? JSON.stringify(value) : null),
    partition: Number,
  },
  date: {
    name: () => "date",
    bound: (value) => dayBound(value as number),
    partition: (text) => Date.parse(`${text}T00:00:00Z`) / 86_400_000,
  },
  bytes: { name: () => "binary", ...WITHOUT_BOUND },
  decimal: {
    name: ({ precision = 38, scale = 0 }) => `decimal(${precision},${scale})`,
    bound: (value, _, { scale = 0 }) => decimalText(value as bigint, scale),
    partition: null,
  },
};

function dayBound(days: number): string | null {
  const day = new Date(days * 86_400_000);
  return !Number.isNaN(day.getTime()) && day.getUTCFullYear() >= 1 && day.getUTCFullYear() <= 9999
    ? `"${day.toISOString().slice(0, 10)}"`
    : null;
}

function textBound(value: Exclude<Value, null>, upper: boolean): string | null {
  const text = upper ? upperPrefix(value as string) : lowerPrefix(value as string);
  return text === null ? null : JSON.stringify(text);
}

export function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  const sign = unscaled < 0n ? "-" : "";
  return scale <= 0
    ? `${sign}${digits}`
    : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function lowerPrefix(text: string): string {
  return text.length <= MAX_PREFIX
    ? text
    : Array.from(text.slice(0, 2 * MAX_PREFIX))
        .slice(0, MAX_PREFIX)
        .join("");
}

/**
 * Returns the least short text above every text with this prefix: the last code point that has a
 * successor is raised. null if no such text exists.
 */
function upperPrefix(text: string): string | null {
  const points = Array.from(text.slice(0, 2 * MAX_PREFIX + 2), (character) =>
    character.codePointAt(0)!,
  );
  if (points.length <= MAX_PREFIX) return text;
  for (let last = MAX_PREFIX - 1; last >= 0; last--) {
    const point = points[last]!;
    if (point >= 0x10ffff) continue;
    const next = point >= 0xd7ff && point < 0xe000 ? 0xe000 : point + 1;
    return String.fromCodePoint(...points.slice(0, last), next);
  }
  return null;
}
