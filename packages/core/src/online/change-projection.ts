/** Reads a change under the definition of stored rows, which may differ from the run's own. */
import { TidemarkError } from "../errors.ts";
import { changeReader } from "../row-formats/change-reader.ts";
import { readsAlike, rowsDifference } from "../rows/definition-differences.ts";
import { originalTable, tablesOf } from "../rows/source-tables.ts";
import type { SourceSpec } from "../specs.ts";
import type { Change } from "../spi.ts";
import type { SourceLayout } from "./source-layout.ts";

/**
 * Makes a reader of changes for the layout. `asked`: the definition under which the changes were
 * decoded. null: both definitions list the same columns, so the changes can be taken as they are.
 *
 * @throws STATE_OF_OTHER_DEFINITION when the stored rows need a value of a change without a logged
 * row.
 */
export function changeProjection(
  layout: SourceLayout,
  asked: SourceSpec,
): ((change: Change) => Change) | null {
  const { source } = layout;
  const difference = valuesDifference(layout, asked);
  if (difference !== null) return loggedRowReader(source, asked, difference);
  if (hasSameColumns(source, asked)) return null;
  const indexes = source.columns.map(({ name }) => indexIn(asked, name));
  const leftOutIn = leftOutColumns(source, asked);
  return (change) => ({
    ...change,
    ...leftOutIn(change),
    values: change.values === null ? null : indexes.map((i) => change.values![i] ?? null),
  });
}

function hasSameColumns(source: SourceSpec, asked: SourceSpec): boolean {
  return (
    source.columns.length === asked.columns.length &&
    source.columns.every(({ name, database }, i) => {
      const other = asked.columns[i]!;
      return name === other.name && database === other.database;
    })
  );
}

/** Makes a reader of the columns that the log left out, by their names in the database. */
function leftOutColumns(
  source: SourceSpec,
  asked: SourceSpec,
): (change: Change) => Pick<Change, "unavailable" | "undeclaredUnavailable"> {
  const declared = new Set(source.columns.map(({ database }) => database));
  return ({ unavailable, undeclaredUnavailable = [] }) => {
    if (unavailable.length === 0 && undeclaredUnavailable.length === 0) return { unavailable };
    const names = new Set([
      ...unavailable.map((i) => asked.columns[i]!.database),
      ...undeclaredUnavailable,
    ]);
    return {
      unavailable: source.columns.flatMap(({ database }, i) => (names.has(database) ? [i] : [])),
      undeclaredUnavailable: [...names].filter((name) => !declared.has(name)),
    };
  };
}

/** Reads the logged rows of changes under the definition of the stored rows. */
function loggedRowReader(
  source: SourceSpec,
  asked: SourceSpec,
  difference: string,
): (change: Change) => Change {
  // the values of a push are all there is of its rows
  const isPushed = source.push === true;
  const isOtherTable = originalTable(source) !== originalTable(asked);
  const read = changeReader(underAllNames(source, asked), isPushed ? asked : undefined);
  const deleteUnder = isOtherTable ? null : deleteProjection(source, asked);
  return (change) => {
    if (change.logged !== undefined || isPushed) return read(change);
    if (change.kind === "none") return change;
    if (change.kind === "truncate") return isOtherTable ? { ...change, kind: "none" } : change;
    if (change.kind === "delete" && deleteUnder !== null) return deleteUnder(change);
    throw new TidemarkError(
      "STATE_OF_OTHER_DEFINITION",
      `source "${source.name}": its stored rows cannot take the changes of this run, which have ` +
        `no logged rows, because ${difference}: run with the definitions of the stored rows, ` +
        "or fill the store anew under these with store.backfill",
    );
  };
}

/** A delete needs its key alone. null: the definitions have other keys. */
function deleteProjection(
  source: SourceSpec,
  asked: SourceSpec,
): ((change: Change) => Change) | null {
  const { primaryKey } = source;
  const columnOf = ({ columns }: SourceSpec, name: string): SourceSpec["columns"][number] =>
    columns.find((column) => column.name === name)!;
  const isSameKey =
    primaryKey.join() === asked.primaryKey.join() &&
    primaryKey.every((name) => readsAlike(columnOf(source, name), columnOf(asked, name)));
  if (!isSameKey) return null;
  const indexes = source.columns.map(({ name }) =>
    primaryKey.includes(name) ? indexIn(asked, name) : -1,
  );
  return (change) => ({ ...change, values: indexes.map((i) => change.values?.[i] ?? null) });
}

/** The tables whose changes the layout takes from a run of the definition `asked`. */
export function tablesTaken({ source }: SourceLayout, asked: SourceSpec): readonly string[] {
  return tablesOf(underAllNames(source, asked));
}

/** The stored definition under all names of its table, which may have another since. */
function underAllNames(source: SourceSpec, asked: SourceSpec): SourceSpec {
  if (originalTable(source) !== originalTable(asked)) return source;
  const names = ({ renamedFrom = [] }: SourceSpec): number => renamedFrom.length;
  const { table, renamedFrom } = names(asked) > names(source) ? asked : source;
  return { ...source, table, renamedFrom };
}

/** Says why the layout cannot take changes that were decoded under `asked`; null: it can. */
function valuesDifference(
  { source, storedColumns }: SourceLayout,
  asked: SourceSpec,
): string | null {
  // the event time and what is expected may differ, as long as the stored columns are read too
  const { eventTime } = source;
  const rows = rowsDifference(
    { ...source, expectations: undefined },
    { ...asked, eventTime, expectations: undefined },
  );
  if (rows !== null) return `the run has ${rows}`;
  for (const column of storedColumns) {
    const read = asked.columns.find(({ name }) => name === column.name);
    if (read === undefined) return `the run does not declare the column ${column.name}`;
    if (!readsAlike(column, read)) return `the run reads the column ${column.name} otherwise`;
  }
  return null;
}

function indexIn(source: SourceSpec, name: string): number {
  return source.columns.findIndex((column) => column.name === name);
}
