/**
 * Encodes values as JSON text, and decodes them: for old keys in the history, and for keys in
 * messages.
 */
import { toBase64 } from "../columns/bytes-text.ts";
import type { ColumnSpec, Value } from "../specs.ts";

export function valuesToText(values: readonly Value[]): string {
  return JSON.stringify(
    values.map((value) =>
      typeof value === "bigint"
        ? String(value)
        : value instanceof Uint8Array
          ? toBase64(value)
          : value,
    ),
  );
}

export function valuesFromText(columns: readonly ColumnSpec[], text: string): Value[] {
  return (JSON.parse(text) as (string | number | boolean | null)[]).map((value, i) => {
    const { type } = columns[i]!;
    if (value === null) return null;
    if (type === "int64" || type === "decimal") return BigInt(value);
    return type === "bytes" ? new Uint8Array(Buffer.from(value as string, "base64")) : value;
  });
}
