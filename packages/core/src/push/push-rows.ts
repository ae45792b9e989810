/**
 * Reads the rows of a push. Each row is checked before any row is taken. An invalid row is refused
 * and not quarantined, because the caller can correct the row. A row that violates an expectation
 * is quarantined where its source says so.
 */
import { viewsOver } from "../define/source-readings.ts";
import { described } from "../define/definition.ts";
import { fromUser } from "../define/user-values.ts";
import { TidemarkError } from "../errors.ts";
import { stoppingViolation } from "../ingest/stopping-expectations.ts";
import type { ColumnSpec, SourceSpec, Value, ViewSpec } from "../specs.ts";
import { primaryKeyIndexes } from "../rows/row-change.ts";

/** What a push does to one row. */
export interface PushedRow {
  readonly kind: "upsert" | "delete";
  /** Values by the index of the source's columns. A delete has only the primary key. */
  readonly values: readonly Value[];
  /** Number of NaN and ±Infinity values; they are missing (law 9: missing is missing). */
  readonly nonFinite: number;
}

/**
 * The greatest number of rows in one push. The rows of a push are taken in one step, and all other
 * pushes wait for it.
 */
const MAX_ROWS = 50_000;
/** The greatest length of an id in UTF-16 code units. */
const MAX_ID_LENGTH = 200;

/** Reads the arguments of `store.push`. */
export interface PushReader {
  /**
   * Reads rows and deletes.
   *
   * @throws PUSH_INVALID when a row or a delete is invalid.
   * @throws EXPECTATION_FAILED when a row violates an expectation that refuses it.
   * @throws PUSH_TOO_LARGE when there are more than 50,000 rows and deletes.
   */
  read(rows: unknown, deletes: unknown): readonly PushedRow[];
  /**
   * Reads the id; null if there is none.
   *
   * @throws PUSH_INVALID when the id is not a text of 1 to 200 characters.
   */
  id(id: unknown): string | null;
}

/** Makes a reader of pushes to a source. */
export function pushReader(source: SourceSpec, views: readonly ViewSpec[]): PushReader {
  const { name, columns } = source;
  const who = `push to source "${name}", of which nothing was taken`;
  const keys = primaryKeyIndexes(source);
  const viewsOfSource = viewsOver(source, views);
  /** The columns without which a row is in no window, and what each column is. */
  const requiredColumns = new Map<string, string>([
    ...viewsOfSource.flatMap((view) =>
      view.keyColumns.map((column): [string, string] => [
        column,
        `the key of entity "${view.entity.name}"`,
      ]),
    ),
    ...(source.eventTime.kind === "column"
      ? [[source.eventTime.column, "the event time"] as const]
      : []),
  ]);
  const indexedColumns = columns.map((column, index) => ({ column, index }));
  const keyColumns = keys.map((index) => indexedColumns[index]!);

  return {
    read(rows, deletes = []) {
      if (!Array.isArray(rows))
        throw invalid(`${who}: the rows must be a list of objects, got ${described(rows)}`);
      if (!Array.isArray(deletes))
        throw invalid(`${who}: deletes must be a list of primary keys, got ${described(deletes)}`);
      if (rows.length + deletes.length > MAX_ROWS) {
        throw new TidemarkError(
          "PUSH_TOO_LARGE",
          `${who}: ${rows.length + deletes.length} rows and deletes, and a push takes at most ` +
            `${MAX_ROWS}: make several pushes`,
        );
      }
      return [
        ...Array.from(rows as readonly unknown[], (row, i) => upsertOf(row, `${who}: row ${i}`)),
        ...Array.from(deletes as readonly unknown[], (key, i) =>
          deleteOf(key, `${who}: delete ${i}`),
        ),
      ];
    },
    id(id) {
      if (id === undefined) return null;
      if (
        typeof id === "string" &&
        id !== "" &&
        id.length <= MAX_ID_LENGTH &&
        !/\p{Surrogate}/u.test(id)
      )
        return id;
      throw invalid(
        `${who}: the id must be a text of 1 to ${MAX_ID_LENGTH} characters, got ` +
          `${typeof id === "string" ? `one of ${id.length}` : described(id)}`,
      );
    },
  };

  function upsertOf(row: unknown, where: string): PushedRow {
    const members = membersOf(row, where, columns);
    let nonFinite = 0;
    const values = indexedColumns.map(({ column }): Value => {
      const input = memberOf(members, column.name);
      if (input === null) {
        const requiredAs = requiredColumns.get(column.name);
        if (requiredAs !== undefined)
          throw invalid(
            `${where}, column "${column.name}": it is missing, and it is ${requiredAs}, without ` +
              "which the row would count nowhere: give it",
          );
      }
      if (column.type === "float64" && typeof input === "number" && !Number.isFinite(input)) {
        nonFinite++;
        return null;
      }
      return fromUser(input, column, `${where}, column "${column.name}"`, "PUSH_INVALID");
    });
    const violated = stoppingViolation(source, values, []);
    if (violated !== null)
      throw new TidemarkError(
        "EXPECTATION_FAILED",
        `${where}: it violates ${violated}: correct the row, or leave it out`,
      );
    return { kind: "upsert", values, nonFinite };
  }

  function deleteOf(key: unknown, where: string): PushedRow {
    const members = membersOf(
      key,
      where,
      keyColumns.map(({ column }) => column),
    );
    const values = new Array<Value>(columns.length).fill(null);
    for (const { column, index } of keyColumns)
      values[index] = fromUser(
        memberOf(members, column.name),
        column,
        `${where}, column "${column.name}"`,
        "PUSH_INVALID",
      );
    return { kind: "delete", values, nonFinite: 0 };
  }
}

/** Checks that a row is an object of known columns. */
function membersOf(
  row: unknown,
  where: string,
  columns: readonly ColumnSpec[],
): Readonly<Record<string, unknown>> {
  if (typeof row !== "object" || row === null || Array.isArray(row))
    throw invalid(
      `${where}: it must be an object with the columns as its members, got ${described(row)}`,
    );
  for (const member of Object.keys(row)) {
    if (!columns.some((column) => column.name === member))
      throw invalid(
        `${where}: "${member}" is none of its columns, which are ` +
          `${columns.map((column) => column.name).join(", ")}`,
      );
  }
  return row as Readonly<Record<string, unknown>>;
}

/**
 * Reads a member of a row; null if the row does not have the member. Only own members count,
 * because a column may have the name `constructor`.
 */
function memberOf(row: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(row, name) ? (row[name] ?? null) : null;
}

function invalid(message: string): TidemarkError {
  return new TidemarkError("PUSH_INVALID", message);
}
