/**
 * The row format of decoders that give a row of JavaScript values: JSON by the columns' names in
 * the definitions.
 */
import { fromBase64, toBase64 } from "../bytes/bytes-text.ts";
import { originalTable } from "../rows/source-tables.ts";
import type { SourceSpec } from "../specs.ts";
import type { Change, LoggedRow } from "../spi.ts";
import { type LoggedReading, NOTHING_READ, withoutKey } from "./logged-reading.ts";
import { readValueRow } from "./value-row.ts";

/** The member that stands for bytes. */
const BYTES = "~base64";

/** Gives the format of a row, as JSON. Its decoder knows no names of tables but the first. */
export function jsonFormat(source: SourceSpec): string {
  return JSON.stringify({ format: "json", table: originalTable(source) });
}

/** Gives the row as JSON. A bigint is a text, and bytes are base64. null: it is no JSON. */
export function jsonRow(members: ReadonlyMap<string, unknown>): string | null {
  try {
    return JSON.stringify(Object.fromEntries(members), (_, value: unknown) =>
      typeof value === "bigint"
        ? String(value)
        : value instanceof Uint8Array
          ? { [BYTES]: toBase64(value) }
          : value,
    );
  } catch {
    return null; // A cycle, which no message holds.
  }
}

/** Reads a logged row of JSON under a definition. */
export function readJsonRow(source: SourceSpec, { row }: LoggedRow, change: Change): LoggedReading {
  const members = new Map(
    Object.entries(JSON.parse(row ?? "{}") as Record<string, unknown>).map(([name, value]) => [
      name,
      bytesOf(value) ?? value,
    ]),
  );
  const kind = change.op === "d" || change.kind === "delete" ? "delete" : "upsert";
  const { values, invalidColumns, nonFinite, hasKey } = readValueRow(source, members, kind);
  return hasKey ? { ...NOTHING_READ, kind, values, invalidColumns, nonFinite } : withoutKey(change);
}

function bytesOf(value: unknown): Uint8Array | null {
  if (typeof value !== "object" || value === null || !(BYTES in value)) return null;
  const text = (value as Record<string, unknown>)[BYTES];
  return typeof text === "string" ? fromBase64(text) : null;
}
