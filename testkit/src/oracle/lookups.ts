/** Looks columns up for each version of a row alone, among all versions of the dimension. */
import type {
  ColumnSpec,
  LookupSpec,
  SourceSpec,
  Value,
  ViewSpec,
} from "../../../packages/core/src/specs.ts";
import { evaluate, truth } from "./condition.ts";
import { isQuarantined } from "./row-expectations.ts";
import type { OracleFault } from "./planted-faults.ts";
import type { RowVersion } from "./rows.ts";
import { textOfAll } from "./values.ts";

/** What rows are read: those of a view, or of a derived source. */
export type ReadRows = Pick<ViewSpec, "source" | "lookups" | "rows">;

/** The rows that a view is over, and a view whose source has all of their columns. */
export interface RowsOfView<V extends ReadRows = ViewSpec> {
  readonly view: V;
  readonly versionsOf: (source: string) => readonly RowVersion[];
}

/** Gives every version of a view's rows the columns that it looks up at its event time. */
export function rowsOfView<V extends ReadRows>(
  view: V,
  versionsOf: (source: string) => readonly RowVersion[],
  fault: OracleFault | null,
): RowsOfView<V> {
  if (view.lookups === undefined) return { view, versionsOf };
  let { source } = view;
  let versions = versionsOf(source.name);
  for (const lookup of view.lookups) {
    const dimension = versionsOf(lookup.dimension.name);
    const below = source;
    versions = versions.map((version) => ({
      ...version,
      values: [...version.values, ...lookedUp(lookup, below, version, dimension, fault)],
    }));
    source = { ...source, columns: [...source.columns, ...columnsOf(lookup)] };
  }
  return { view: { ...view, source }, versionsOf: () => versions };
}

function columnsOf({ columns }: LookupSpec): readonly ColumnSpec[] {
  return columns.map(({ name, value }) => {
    const { type, precision, scale } = value;
    return { name, database: "", type, nullable: true, precision, scale };
  });
}

function lookedUp(
  { dimension, rows, on, columns }: LookupSpec,
  source: SourceSpec,
  { values }: RowVersion,
  versions: readonly RowVersion[],
  fault: OracleFault | null,
): readonly Value[] {
  const { eventTime } = source;
  if (eventTime.kind !== "column") throw new TypeError("a dimension looks nothing up");
  const time = values[source.columns.findIndex(({ name }) => name === eventTime.column)] ?? null;
  const key = on.map((term) => evaluate(term, source, values));
  const own = versions.filter(
    (one) => !key.includes(null) && textOfAll(one.key) === textOfAll(key),
  );
  const found = time === null ? undefined : versionAt(own, time as number, fault);
  const isThere =
    found !== undefined &&
    found.unknown.length === 0 &&
    !isQuarantined(dimension, found.values, fault) &&
    (rows === undefined || truth(rows, dimension, found.values) === true);
  return columns.map(({ value }) => (isThere ? evaluate(value, dimension, found.values) : null));
}

/** The version known from < time ≤ known to. */
function versionAt(
  versions: readonly RowVersion[],
  time: number,
  fault: OracleFault | null,
): RowVersion | undefined {
  switch (fault) {
    case "lookup at the commit":
      return versions.find(({ from, to }) => from <= time && time < to);
    case "newest version looked up":
      return versions.find(({ to }) => to === Infinity);
    case "deleted row looked up":
      return versions
        .filter(({ from }) => from < time)
        .toSorted((a, b) => a.from - b.from || a.to - b.to)
        .at(-1);
    default:
      return versions.find(({ from, to }) => from < time && time <= to);
  }
}
