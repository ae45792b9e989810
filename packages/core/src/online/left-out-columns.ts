/**
 * Keeps account of the columns that the log left out of rows (TOAST). A row that lacks a declared
 * column is in no window (law 9: missing is missing). So a definition that declares another column
 * may have other rows in its windows.
 */
import type { ColumnSpec, SourceSpec } from "../specs.ts";
import { compareChanges, type ColumnImage, type RowChange } from "../rows/row-change.ts";
import { quarantiningExpectation } from "../rows/row-expectations.ts";
import { deriveVersions } from "../rows/row-versions.ts";
import { generationOf } from "../rows/snapshot-generations.ts";
import type { SourceLayout } from "./source-layout.ts";
import { keepFromRows } from "./retention.ts";

/**
 * The number of stored rows that lack a column, by the column's name in the database. The number
 * may be too high: rows that were truncated or that expired stay in it.
 */
export type LackingRows = ReadonlyMap<string, number>;

/**
 * Gives each column that `change` left out and that is not declared its image among the stored
 * changes of the row. `change` may be the image of later ones. The value itself is not kept.
 */
export function withColumnImages(
  stored: readonly RowChange[],
  change: RowChange,
): { readonly stored: readonly RowChange[]; readonly change: RowChange } {
  const before = stored.findLast((one) => compareChanges(one, change) < 0);
  const own =
    change.undeclaredUnavailable.length === 0
      ? change
      : {
          ...change,
          undeclaredUnavailable: change.undeclaredUnavailable.map(({ name }) => ({
            name,
            image: before === undefined ? null : imageIn(before, name),
          })),
        };
  const later = stored.map((one) => withImage(one, change));
  return { stored: later.some((one, i) => one !== stored[i]) ? later : stored, change: own };
}

/** The image of a column in a change, or the image that the change was given. */
function imageIn(change: RowChange, column: string): ColumnImage | null {
  const leftOut = change.undeclaredUnavailable.find(({ name }) => name === column);
  if (leftOut !== undefined) return leftOut.image;
  const { order, offset, values, undecodable } = change;
  return { order, offset, hasValue: values !== null && undecodable === null };
}

/** The change with `earlier` as the image of its columns, where `earlier` is the newest one. */
function withImage(change: RowChange, earlier: RowChange): RowChange {
  if (change.undeclaredUnavailable.length === 0 || compareChanges(earlier, change) >= 0)
    return change;
  let isChanged = false;
  const undeclaredUnavailable = change.undeclaredUnavailable.map((one) => {
    const image = imageIn(earlier, one.name);
    if (image === null || (one.image !== null && compareChanges(one.image, image) >= 0)) return one;
    isChanged = true;
    return { ...one, image };
  });
  return isChanged ? { ...change, undeclaredUnavailable } : change;
}

/** Makes a function that names the columns that a row lacks, from the row's stored changes. */
export function lackedColumnsOf(
  layout: SourceLayout,
): (changes: readonly RowChange[], horizon: number) => readonly string[] {
  const { source, timeIndex } = layout;
  // each column decides about the versions of a dimension
  if (timeIndex < 0) return () => [];
  return (changes, horizon) => {
    const newest = changes.at(-1);
    if (newest === undefined || newest.values === null || newest.undecodable !== null) return [];
    if (newest.unavailable.length === 0 && newest.undeclaredUnavailable.length === 0) return [];
    const row = deriveVersions(source, changes, []).at(-1)!;
    // a row that an expectation quarantines is in no window, whatever else it lacks
    if (quarantiningExpectation(source, row.values!, row.unresolved) !== null) return [];
    const time = row.values![timeIndex] as number | null;
    // a row without a time is in no window, whatever else it lacks
    if (time === null ? !row.unresolved.includes(timeIndex) : time < keepFromRows(layout, horizon))
      return [];
    return [
      ...row.unresolved.map((index) => source.columns[index]!.database),
      ...newest.undeclaredUnavailable.flatMap(({ name, image }) =>
        image?.hasValue === true && generationOf(image.order) === generationOf(newest.order)
          ? []
          : [name],
      ),
    ];
  };
}

/** Counts how many rows more, or fewer, lack each column. */
export class LackingRowsChange {
  private readonly counts = new Map<string, number>();

  add(before: readonly string[], after: readonly string[]): void {
    for (const name of before) this.counts.set(name, (this.counts.get(name) ?? 0) - 1);
    for (const name of after) this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  /** The numbers after the change; the same object if they are unchanged. */
  appliedTo(rows: LackingRows): LackingRows {
    const changed = [...this.counts].filter(([, count]) => count !== 0);
    if (changed.length === 0) return rows;
    const next = new Map(rows);
    for (const [name, count] of changed) {
      const now = (next.get(name) ?? 0) + count;
      if (now === 0) next.delete(name);
      else next.set(name, now);
    }
    return next;
  }
}

/**
 * The first column that one of the definitions declares and the other does not, and that stored
 * rows lack; null: none. Those rows are in the windows of one definition only.
 */
export function lackedByRows(
  rows: LackingRows,
  stored: SourceSpec,
  asked: SourceSpec,
): { readonly name: string; readonly rows: number; readonly isAsked: boolean } | null {
  const declares = ({ columns }: SourceSpec, name: string): boolean =>
    columns.some(({ database }: ColumnSpec) => database === name);
  for (const [name, count] of rows) {
    const isAsked = declares(asked, name);
    if (isAsked !== declares(stored, name)) return { name, rows: count, isAsked };
  }
  return null;
}
