/**
 * Compares two definitions of one source: whether they have the same rows, and read a column alike.
 * Stored rows online and versions in the history are judged by this one rule.
 */
import { dataText } from "../define/data-text.ts";
import type { ColumnSpec, Expression, SourceSpec, ValueType } from "../specs.ts";
import { quarantiningExpectations } from "./row-expectations.ts";
import { originalTable } from "./source-tables.ts";

/** What the value of a column depends on. */
export type ColumnReading = readonly [
  name: string,
  database: string,
  type: ValueType,
  precision: number | null,
  scale: number | null,
  zone: string | null,
  encoding: ColumnSpec["encoding"] | null,
];

export function columnReading(column: ColumnSpec): ColumnReading {
  const { name, database, type, precision, scale, zone, encoding } = column;
  return [name, database, type, precision ?? null, scale ?? null, zone ?? null, encoding ?? null];
}

/** Whether both definitions of a column read the same value from every message. */
export function readsAlike(a: ColumnSpec, b: ColumnSpec): boolean {
  return JSON.stringify(columnReading(a)) === JSON.stringify(columnReading(b));
}

/**
 * Says which other rows, keys or times a source had when its rows were stored; null: the same. The
 * columns may still differ, and so may the later names of the table.
 */
export function rowsDifference(stored: SourceSpec, asked: SourceSpec): string | null {
  if (originalTable(stored) !== originalTable(asked))
    return `rows of table ${asked.table} instead of ${stored.table}`;
  const keyOf = ({ primaryKey, keyFrom = [] }: SourceSpec): string =>
    [
      primaryKey.join(", "),
      ...keyFrom.map(({ column, part }) => `${column} from the ${part}`),
    ].join(", ");
  if (keyOf(stored) !== keyOf(asked))
    return `rows with the primary key ${keyOf(asked)} instead of ${keyOf(stored)}`;
  const timeOf = ({ eventTime }: SourceSpec): string =>
    eventTime.kind === "column"
      ? eventTime.column
      : eventTime.since === null
        ? "commit time"
        : `commit time since ${eventTime.since}`;
  if (timeOf(stored) !== timeOf(asked))
    return `rows by the event time ${timeOf(asked)} instead of ${timeOf(stored)}`;
  const quarantine = quarantineConditions(asked);
  return quarantine.join("\n") === quarantineConditions(stored).join("\n")
    ? null
    : `rows that meet ${quarantine.length === 0 ? "no expectation" : "other expectations"}`;
}

/**
 * The conditions that a row must not violate to be in windows, as texts that are equal for equal
 * conditions. The names of the expectations do not matter.
 */
export function quarantineConditions(source: SourceSpec): readonly string[] {
  const texts = quarantiningExpectations(source).map(({ condition }) =>
    dataText(conditionData(condition, source)),
  );
  return [...new Set(texts)].sort();
}

/** An expression as data: its functions, its literals, and how its columns are read. */
function conditionData(expression: Expression, source: SourceSpec): unknown {
  switch (expression.op) {
    case "column":
      return columnReading(columnOf(source, expression.name)!);
    case "literal":
      return [expression.type, expression.scale ?? null, expression.value];
    case "call":
      return {
        function: expression.function,
        options: Object.entries(expression.options ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
        arguments: expression.arguments.map((one) => conditionData(one, source)),
      };
  }
}

/** The first of the columns that is not stored, or is stored with another type; null: none. */
export function columnsDifference(
  storedColumns: readonly ColumnSpec[],
  asked: SourceSpec,
  names: readonly string[],
): string | null {
  for (const name of names) {
    const stored = storedColumns.find((column) => column.name === name);
    if (stored === undefined) return `the column ${name}`;
    const difference = columnDifference(stored, columnOf(asked, name)!);
    if (difference !== null) return difference;
  }
  return null;
}

/** Says how the versions of two dimensions differ: every column decides when a new one begins. */
export function versionsDifference(stored: SourceSpec, asked: SourceSpec): string | null {
  for (const column of asked.columns) {
    const there = columnOf(stored, column.name);
    if (there === undefined) return `versions with the column ${column.name}`;
    const difference = columnDifference(there, column);
    if (difference !== null) return difference;
  }
  const gone = stored.columns.find(({ name }) => columnOf(asked, name) === undefined);
  return gone === undefined ? null : `versions without the column ${gone.name}`;
}

function columnDifference(stored: ColumnSpec, asked: ColumnSpec): string | null {
  return readsAlike(stored, asked)
    ? null
    : `the column ${asked.name} as ${columnText(asked)} instead of ${columnText(stored)}`;
}

function columnOf(source: SourceSpec, name: string): ColumnSpec | undefined {
  return source.columns.find((column) => column.name === name);
}

function columnText({ type, precision, scale, zone, encoding, database }: ColumnSpec): string {
  const detail =
    type === "decimal"
      ? `(${precision},${scale})`
      : type === "timestamp" && zone !== undefined
        ? ` in ${zone}`
        : encoding === undefined
          ? ""
          : ` in ${encoding}`;
  return `${type}${detail} of ${JSON.stringify(database)}`;
}
