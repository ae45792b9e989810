/** Rows of a push, as the server takes them. */
import { TidemarkError, fromUser, specOfSource } from "@tidemark/core";
import type { ColumnSpec } from "@tidemark/core/spi";
import { looseValue, wireValue } from "./wire.ts";

export interface PushTarget {
  readonly name: string;
  /** null: only the name is known. */
  readonly columns: readonly ColumnSpec[] | null;
}

export function pushTarget(source: unknown): PushTarget {
  return typeof source === "string" ? { name: source, columns: null } : specOfSource(source);
}

/**
 * What is no value of its column is `PUSH_INVALID` before anything is sent; what is missing the
 * server says.
 */
export function pushRows(
  { name, columns }: PushTarget,
  rows: unknown,
  what: "row" | "delete",
): readonly unknown[] {
  const who = `push to source "${name}", of which nothing was taken`;
  if (!Array.isArray(rows))
    throw new TidemarkError("PUSH_INVALID", `${who}: the ${what}s must be a list of objects`);
  return (rows as readonly unknown[]).map((row, i) => {
    if (typeof row !== "object" || row === null) return row; // refused by the server, in its words
    return Object.fromEntries(
      Object.entries(row).map(([member, given]) => {
        const place = `${who}: ${what} ${i}, column "${member}"`;
        const column = columns?.find((one) => one.name === member);
        const known =
          column !== undefined &&
          given !== null &&
          given !== undefined &&
          !(column.type === "float64" && typeof given === "number" && !Number.isFinite(given));
        return [
          member,
          known
            ? wireValue(fromUser(given, column, place, "PUSH_INVALID"), column)
            : looseValue(given, place),
        ];
      }),
    );
  });
}
