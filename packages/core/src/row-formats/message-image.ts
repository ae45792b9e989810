/** Reads key columns from the row of a message that gives no complete image of its row. */
import type { SourceSpec, Value } from "../specs.ts";
import type { Change } from "../spi.ts";
import { changeReader } from "./change-reader.ts";

/**
 * Makes the function that reads these columns from the message of a delete, of an undecodable
 * change or of a change without a readable primary key. It returns values by the source's columns.
 * Null: the message is none of these, or does not say all of the columns.
 */
export function messageImageReader(
  source: SourceSpec,
  columns: readonly string[],
): (change: Change) => readonly Value[] | null {
  const read = changeReader({ ...source, primaryKey: columns });
  return (change) => {
    const { kind, undecodable, logged } = change;
    if (kind !== "delete" && kind !== "none" && undecodable === null) return null;
    if (logged == null || logged.row === null) return null;
    // a bare key of the message is the key of the row, and not these columns
    return read({ ...change, logged: { ...logged, key: null, oldKey: null } }).values;
  };
}
