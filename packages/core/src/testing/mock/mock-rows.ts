/** Reads the rows and the keys that a test puts into a mock store. */
import { described } from "../../define/definition.ts";
import { fromUser } from "../../define/user-values.ts";
import { didYouMean } from "../../did-you-mean.ts";
import { TidemarkError } from "../../errors.ts";
import { primaryKeyIndexes } from "../../rows/row-change.ts";
import type { ColumnSpec, SourceSpec, Value } from "../../specs.ts";

/**
 * Reads a row. A value that a log may bring is taken, such as a null in the key of an entity.
 *
 * @throws MOCK_INVALID when the row does not fit the source.
 */
export function readMockRow(source: SourceSpec, row: unknown, where: string): readonly Value[] {
  const members = membersOf(row, source.columns, where);
  return source.columns.map((column) => valueOf(members, column, where));
}

/**
 * Reads the primary key of a row as the values of the row, of which all others are null.
 *
 * @throws MOCK_INVALID when a column of the key is missing or does not fit.
 */
export function readMockKey(source: SourceSpec, key: unknown, where: string): readonly Value[] {
  const columns = primaryKeyIndexes(source).map((index) => source.columns[index]!);
  const members = membersOf(key, columns, where);
  return source.columns.map((column) =>
    columns.includes(column) ? valueOf(members, column, where) : null,
  );
}

function valueOf(
  members: Readonly<Record<string, unknown>>,
  column: ColumnSpec,
  where: string,
): Value {
  const input = Object.hasOwn(members, column.name) ? (members[column.name] ?? null) : null;
  // NaN and ±Infinity from a source are missing (law 9)
  if (column.type === "float64" && typeof input === "number" && !Number.isFinite(input))
    return null;
  return fromUser(input, column, `${where}, column "${column.name}"`, "MOCK_INVALID");
}

function membersOf(
  given: unknown,
  columns: readonly ColumnSpec[],
  where: string,
): Readonly<Record<string, unknown>> {
  const names = columns.map(({ name }) => name);
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw invalid(`${where}: give an object with ${names.join(", ")}, got ${described(given)}`);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw invalid(
      `${where}: there is no column "${unknown}"${didYouMean(unknown, names)}; give ` +
        names.join(", "),
    );
  return given as Readonly<Record<string, unknown>>;
}

/** An error of a call of a mock store. */
export function invalid(message: string): TidemarkError {
  return new TidemarkError("MOCK_INVALID", message);
}
