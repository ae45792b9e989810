/**
 * Keeps account of the tables whose changes a build holds. A table that was renamed has several
 * names, and not every definition of its source reads all of them.
 */
import { tablesOf } from "../rows/source-tables.ts";
import type { SourceSpec } from "../specs.ts";
import type { Change } from "../spi.ts";
import { loggedTables } from "../row-formats/change-reader.ts";

/** The tables of the changes that a build was given. */
export interface BuildTables {
  /** Tables whose rows the build holds. */
  readonly taken: readonly string[];
  /** Tables whose rows were left out, because its definition does not read them. */
  readonly leftOut: readonly string[];
}

export const NO_TABLES: BuildTables = { taken: [], leftOut: [] };

/**
 * Makes the function that adds the tables of changes to those of a build. `read` says which tables
 * the build reads, and `asked` how the changes were decoded. The result is the same object if
 * nothing is new.
 */
export function tablesAfter(
  read: readonly string[],
  asked: SourceSpec,
): (tables: BuildTables, changes: readonly Change[]) => BuildTables {
  const tableOf = loggedTables(asked);
  const isRead = new Set(read);
  return (tables, changes) => {
    let after = tables;
    let last: string | null = null;
    for (const change of changes) {
      const table = tableOf(change);
      if (table === last) continue;
      const list = isRead.has(table) ? "taken" : "leftOut";
      // a change of no row brings none
      if (list === "taken" && change.kind === "none") continue;
      last = table;
      if (!after[list].includes(table))
        after = { ...after, [list]: [...after[list], table].sort() };
    }
    return after;
  };
}

/** Says which rows of a renamed table the build has too many or lacks; null: none. */
export function tablesDifference(
  { taken, leftOut }: BuildTables,
  asked: SourceSpec,
): string | null {
  const names = tablesOf(asked);
  const superfluous = taken.find((table) => !names.includes(table));
  if (superfluous !== undefined)
    return `rows without those of table ${superfluous}, which its definition does not read`;
  const missing = leftOut.find((table) => names.includes(table));
  return missing === undefined ? null : `rows of table ${missing}`;
}

/**
 * Whether the source was given rows of other tables alone. Its history is then of another table, so
 * only a run of its own table makes it ready.
 */
export function hasOnlyOtherTables({
  tables: { taken, leftOut },
}: {
  readonly tables: BuildTables;
}): boolean {
  return taken.length === 0 && leftOut.length > 0;
}
