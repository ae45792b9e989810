/**
 * JSON that is equal for equal meanings: members in the order of their names, no spaces, nothing
 * undefined; int64, decimals and bytes under a tag.
 */
import { createHash } from "node:crypto";

export type CanonicalJson =
  | null
  | boolean
  | number
  | string
  | readonly CanonicalJson[]
  | { readonly [name: string]: CanonicalJson };

export function canonicalText(value: CanonicalJson): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalText(member as CanonicalJson)}`)
    .join(",")}}`;
}

/** A value of a definition, such as a default, so that 1, 1n and "1" stay apart. */
export function valueJson(
  value: string | number | bigint | boolean | Uint8Array | null,
): CanonicalJson {
  if (typeof value === "bigint") return { integer: String(value) };
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString("base64") };
  // −0 is 0 (law 3)
  return typeof value === "number" ? value + 0 : value;
}

/**
 * 128 bits of the SHA-256 of what an object of this kind means. Golden ones stand in the tests: a
 * stored one is compared by other versions of Tidemark.
 */
export function definitionFingerprint(kind: string, normalized: CanonicalJson): string {
  return createHash("sha256")
    .update(`tidemark ${kind}/1\n${canonicalText(normalized)}`)
    .digest("hex")
    .slice(0, 32);
}
