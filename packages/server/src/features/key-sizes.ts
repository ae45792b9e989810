/** Checks the sizes of entity keys. */
import { TidemarkError } from "@tidemark/core";
import type { ColumnSpec } from "@tidemark/core/spi";

/**
 * Checks the keys of a request's rows. The store refuses keys of a wrong type.
 *
 * @throws KEY_TOO_LARGE when a text or bytes of a key are larger than `maxBytes`.
 */
export function checkKeys(
  rows: readonly unknown[],
  keys: readonly ColumnSpec[],
  maxBytes: number,
): void {
  for (const { name } of keys.filter(hasAnySize))
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i];
      if (typeof row !== "object" || row === null) continue;
      checkKey((row as Readonly<Record<string, unknown>>)[name], name, i, maxBytes);
    }
}

/** Whether a key has any size. The store refuses a long text for a key of another type. */
export function hasAnySize({ type }: ColumnSpec): boolean {
  return type === "string" || type === "bytes" || type === "json" || type === "decimal";
}

/**
 * Checks one value of an entity key.
 *
 * @throws KEY_TOO_LARGE when a text or bytes are larger than `maxBytes`.
 */
export function checkKey(value: unknown, name: string, row: number, maxBytes: number): void {
  const size =
    typeof value === "string"
      ? // a character has one to three bytes
        value.length * 3 <= maxBytes
        ? 0
        : Buffer.byteLength(value)
      : value instanceof Uint8Array
        ? value.length
        : 0;
  if (size > maxBytes)
    throw new TidemarkError(
      "KEY_TOO_LARGE",
      `entity row ${row}: key ${name} has ${size} bytes, and a key may have ${maxBytes}; ` +
        "send the key itself, or raise limits.keyBytes of the server",
    );
}
