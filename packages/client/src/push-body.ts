/** Encodes the rows of a push as the JSON of the server's API. */
import { TidemarkError } from "@tidemark/core";
import { specOfSource, type ColumnSpec } from "@tidemark/core/spi";
import { fromUser } from "@tidemark/core/internal";
import { untypedValue, wireValue } from "./wire.ts";

/** The source of a push. */
export interface PushTarget {
  readonly name: string;
  /** The columns of the source; null if only its name is known. */
  readonly columns: readonly ColumnSpec[] | null;
}

/** Reads the source of a push: a source, or the name of a source. */
export function pushTarget(source: unknown): PushTarget {
  return typeof source === "string" ? { name: source, columns: null } : specOfSource(source);
}

/**
 * Encodes the rows. The server checks for missing columns.
 *
 * @throws PUSH_INVALID when a value does not fit its column, before a request is sent.
 */
export function pushRows(
  { name, columns }: PushTarget,
  rows: unknown,
  what: "row" | "delete",
): readonly unknown[] {
  const who = `push to source "${name}", nothing was pushed`;
  if (!Array.isArray(rows))
    throw new TidemarkError("PUSH_INVALID", `${who}: the ${what}s must be a list of objects`);
  return (rows as readonly unknown[]).map((row, i) => {
    // the server refuses such a row
    if (typeof row !== "object" || row === null) return row;
    return Object.fromEntries(
      Object.entries(row).map(([member, given]) => {
        const location = `${who}: ${what} ${i}, column "${member}"`;
        const column = columns?.find((one) => one.name === member);
        const known =
          column !== undefined &&
          given !== null &&
          given !== undefined &&
          !(column.type === "float64" && typeof given === "number" && !Number.isFinite(given));
        return [
          member,
          known
            ? wireValue(fromUser(given, column, location, "PUSH_INVALID"), column)
            : untypedValue(given, location),
        ];
      }),
    );
  });
}
