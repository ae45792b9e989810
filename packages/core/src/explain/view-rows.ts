/** The rows of a view: those of a table, or of all parts of a union, with what they look up. */
import { keyText } from "../columns/key-bytes.ts";
import { lookedUpColumn } from "../define/looked-up-column.ts";
import { sourceReadings } from "../define/source-readings.ts";
import { primaryKeyColumns } from "../rows/row-change.ts";
import type { KeyValues } from "../request/entity-keys.ts";
import type { Knowledge } from "../request/request-types.ts";
import type { LookupSpec, SourceSpec, UnionPart, Value, ViewSpec } from "../specs.ts";
import type { TimedRow } from "./evaluate-plan.ts";
import type { LoggedRow, LoggedRows, LoggedVersion } from "./logged-rows.ts";
import { rowOrder } from "./row-order.ts";
import { passing, valuesOf } from "./row-values.ts";
import { seenRow, type LeftOut, type SeenRow } from "./seen-rows.ts";

/** A version of a dimension that a row found. */
export interface FoundVersion {
  readonly row: LoggedRow;
  readonly version: LoggedVersion;
}

/** A row of a view, with the row of the table that it comes from. */
export interface ViewRow extends TimedRow {
  readonly origin: SeenRow;
  /** For each lookup: the version that was found; null: none was. */
  readonly found: readonly (FoundVersion | null)[];
  /** null: the row counts, as far as the table and the part say. */
  readonly leftOut: LeftOut | null;
}

/** Rows in their order, and a source that has their columns. */
export interface ViewRows {
  readonly source: SourceSpec;
  readonly rows: readonly ViewRow[];
}

/** The time and the knowledge of a question. */
export interface SeenAt {
  readonly t: number;
  readonly knowledge: Knowledge;
}

/** Reads the rows of an entity, those that are not seen too. */
export async function readViewRows(
  view: ViewSpec,
  keys: KeyValues,
  { t, knowledge }: SeenAt,
  logged: LoggedRows,
): Promise<ViewRows> {
  const rows: ViewRow[] = [];
  const readings = sourceReadings(view);
  for (const [i, reading] of readings.entries()) {
    const part = view.parts?.[i];
    for (const one of await logged.rowsOf(reading, keys)) {
      const seen = seenRow(one, t, knowledge);
      if (seen === null) continue;
      if (part === undefined) rows.push(tableRow(seen));
      else rows.push(...partRows(part, view.source, seen));
    }
  }
  let found: ViewRows = { source: view.source, rows: rows.sort(rowOrder(view.source)) };
  for (const lookup of view.lookups ?? []) found = await withLookup(lookup, found, logged);
  return found;
}

function tableRow(origin: SeenRow): ViewRow {
  const { version, time, leftOut } = origin;
  return { values: version.values!, time, origin, found: [], leftOut };
}

/** The rows of a union that a row of a part gives. */
function partRows(
  { source: table, name: part, rows: condition, columns, explode }: UnionPart,
  union: SourceSpec,
  origin: SeenRow,
): readonly ViewRow[] {
  const row = tableRow(origin);
  const leftOut =
    row.leftOut ??
    (passing(table, condition ?? null, [row]).length === 1
      ? null
      : ({ reason: "FILTERED", because: `it is not in part "${part}" of the source` } as const));
  const values = union.columns.map(
    ({ name }): Value => valuesOf(table, columns[name]!, [row])[0] ?? null,
  );
  if (explode === undefined) return [{ ...row, values, leftOut }];
  const list = (valuesOf(table, explode.list, [row])[0] ?? []) as readonly Value[];
  return list.map((element, index): ViewRow => ({
    ...row,
    leftOut,
    values: union.columns.map(({ name }, c): Value => {
      if (name === explode.element.name) return element;
      return name === explode.index.name ? index : values[c]!;
    }),
  }));
}

/** Gives rows the columns of a dimension, each as of its own time. */
async function withLookup(
  { dimension, rows: condition, on, columns }: LookupSpec,
  { source, rows }: ViewRows,
  logged: LoggedRows,
): Promise<ViewRows> {
  const keyColumns = primaryKeyColumns(dimension);
  const keys = new Map<string, readonly Value[]>();
  const texts = rows.map((row) => {
    const key = on.map((value) => valuesOf(source, value, [row])[0] ?? null);
    if (key.includes(null)) return null;
    const text = keyText(keyColumns, key);
    keys.set(text, key);
    return text;
  });
  const there = await logged.dimensionRows(dimension, keys);
  return {
    source: { ...source, columns: [...source.columns, ...columns.map(lookedUpColumn)] },
    rows: rows.map((row, i): ViewRow => {
      const of = texts[i] === null ? undefined : there.get(texts[i]!);
      // known from < event time ≤ known to
      const version = of?.versions.find(({ from, to }) => from < row.time && row.time <= to);
      const isThere =
        version !== undefined && version.values !== null && version.quarantine === null;
      const found = isThere ? [{ values: version.values! }] : [];
      const met = passing(dimension, condition ?? null, found);
      const added = columns.map(({ value }): Value => valuesOf(dimension, value, met)[0] ?? null);
      return {
        ...row,
        values: [...row.values, ...added],
        found: [...row.found, isThere ? { row: of!, version } : null],
      };
    }),
  };
}
