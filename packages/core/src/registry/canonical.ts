/**
 * Canonical JSON: equal for equal normalized definitions.
 * Members are sorted by name, without spaces and without undefined. int64, decimals and bytes are
 * tagged.
 */
import { toBase64 } from "../bytes/bytes-text.ts";
import { textHash } from "../text-hash.ts";
import type { Value } from "../specs.ts";

/** A JSON value. */
export type CanonicalJson =
  | null
  | boolean
  | number
  | string
  | readonly CanonicalJson[]
  | { readonly [name: string]: CanonicalJson };

/** Returns the canonical text of a JSON value. */
export function canonicalText(value: CanonicalJson): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalText(member as CanonicalJson)}`)
    .join(",")}}`;
}

/** Returns the JSON of a value in a definition, such as a default. 1, 1n and "1" stay different. */
export function valueJson(value: Value): CanonicalJson {
  if (typeof value === "bigint") return { integer: String(value) };
  if (value instanceof Uint8Array) return { base64: toBase64(value) };
  // The sum turns −0 into 0 (law 3: −0 = 0).
  if (typeof value === "number") return value + 0;
  return typeof value === "object" && value !== null ? value.map(valueJson) : value;
}

/**
 * Returns the fingerprint of a normalized definition: 128 bits of a SHA-256.
 * Other versions of Tidemark compare stored fingerprints, so tests pin some of them.
 */
export function definitionFingerprint(kind: string, normalized: CanonicalJson): string {
  return textHash(`tidemark ${kind}/1\n${canonicalText(normalized)}`);
}
