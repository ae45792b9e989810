/**
 * Values as JSON text and back, for the few that ride in a text column of history: old keys, and
 * keys in messages.
 */
import type { ColumnSpec, Value } from "../specs.ts";

export function valuesToText(values: readonly Value[]): string {
  return JSON.stringify(
    values.map((value) =>
      typeof value === "bigint"
        ? String(value)
        : value instanceof Uint8Array
          ? Buffer.from(value).toString("base64")
          : value,
    ),
  );
}

export function valuesFromText(columns: readonly ColumnSpec[], text: string): Value[] {
  return (JSON.parse(text) as (string | number | boolean | null)[]).map((value, i) => {
    const { kind } = columns[i]!;
    if (value === null) return null;
    if (kind === "int64" || kind === "decimal") return BigInt(value);
    return kind === "bytes" ? new Uint8Array(Buffer.from(value as string, "base64")) : value;
  });
}
