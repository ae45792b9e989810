/** Makes events of batches of row versions. The loops run over one column each. */
import type { HistoryContext } from "./history-context.ts";
import type { EventsQuery } from "./events-query.ts";
import { valueAt, type Batch, type Vector } from "../columns/batch.ts";
import { keyNumbers } from "../columns/key-numbers.ts";
import { columnIndex } from "../rows/row-change.ts";
import { EXPECTATION_REASON } from "../rows/row-expectations.ts";
import type { Events } from "../spi.ts";
import { columnNames } from "./version-rows.ts";

/**
 * Returns the function that makes events of a batch whose columns have these names. A version that
 * belongs to no window at any time has the entity −1.
 */
export function eventsBuilder(
  { source, tables }: HistoryContext,
  query: EventsQuery,
): (batch: Batch, names: readonly string[]) => Events {
  const nameInTable = (name: string): string => tables.declared[columnIndex(source, name)]!.name;
  const corrected = !countsKnownFrom(source, query);
  const declared = new Set(source.columns.map(({ name }) => name));
  const keyColumns = query.keyColumns.map((name) => source.columns[columnIndex(source, name)]!);
  const always = { from: repeated(-Infinity), to: repeated(Infinity) };

  return (batch, names) => {
    const { length } = batch;
    const vector = (name: string): Vector => batch.vectors[names.indexOf(name)]!;
    const knownTo = vector("_known_to");
    const to = isEmpty(knownTo) ? always.to(length) : numbersOf(knownTo, length, Infinity);
    const time =
      source.eventTime.kind === "column"
        ? numbersOf(vector(nameInTable(source.eventTime.column)), length, NaN)
        : numbersOf(vector("_known_from"), length, NaN);
    const excluded = deletedRows(vector("_deleted"), length);
    excludeQuarantined(excluded, vector("_quarantine"), vector("_unresolved"), {
      declared,
      withViolations: query.withViolations === true,
    });
    const numberOf = keyNumbers(
      keyColumns,
      query.keyColumns.map((name) => vector(nameInTable(name))),
      query.entityOf,
    );
    const entity = new Int32Array(length);
    for (let i = 0; i < length; i++)
      entity[i] =
        excluded[i] === 1 || Number.isNaN(time[i]!) || (corrected && to[i] !== Infinity)
          ? -1
          : numberOf(i);
    const vectors = query.columns.map((column) => vector(nameInTable(column.name)));
    return {
      length,
      entity,
      time,
      from: corrected ? always.from(length) : numbersOf(vector("_known_from"), length, Infinity),
      to: corrected ? always.to(length) : to,
      columns: { length, columns: query.columns, vectors },
    };
  };
}

/** Whether the time from which a version is known counts. As corrected it does not. */
export function countsKnownFrom(
  { eventTime }: HistoryContext["source"],
  { knowledge }: Pick<EventsQuery, "knowledge">,
): boolean {
  return knowledge === "as-known" || eventTime.kind === "committed";
}

/** Makes arrays of one number, which share their memory. */
function repeated(value: number): (length: number) => Float64Array {
  let all = new Float64Array(0);
  return (length) => {
    if (all.length < length) all = new Float64Array(length).fill(value);
    return all.subarray(0, length);
  };
}

/** The numbers of a column as doubles, with `missing` where there is none. */
export function numbersOf(vector: Vector, length: number, missing: number): Float64Array {
  if (vector.kind === "float64" && vector.valid === null) return vector.values;
  const numbers = new Float64Array(length);
  if (vector.kind === "float64") {
    const { values, valid } = vector;
    for (let i = 0; i < length; i++) numbers[i] = valid![i] === 0 ? missing : values[i]!;
  } else for (let i = 0; i < length; i++) numbers[i] = Number(valueAt(vector, i) ?? missing);
  return numbers;
}

/** Whether no row has a value. */
function isEmpty({ valid }: Vector): boolean {
  return valid !== null && !valid.includes(1);
}

/** 1 for each row whose flag is true. */
function deletedRows(flags: Vector, length: number): Uint8Array {
  const deleted = new Uint8Array(length);
  if (flags.kind === "boolean" && !flags.values.includes(1)) return deleted;
  for (let i = 0; i < length; i++) deleted[i] = valueAt(flags, i) === true ? 1 : 0;
  return deleted;
}

/**
 * Marks the quarantined versions. The table may hold more columns than the definition declares: a
 * version that lacks the value of another column counts.
 */
function excludeQuarantined(
  excluded: Uint8Array,
  reasons: Vector,
  unresolved: Vector,
  {
    declared,
    withViolations,
  }: { readonly declared: ReadonlySet<string>; readonly withViolations: boolean },
): void {
  if (isEmpty(reasons)) return;
  const isQuarantined = (i: number): boolean => {
    const reason = valueAt(reasons, i) as string | null;
    if (reason === null) return false;
    if (withViolations && reason.startsWith(EXPECTATION_REASON)) return false;
    const columns = valueAt(unresolved, i) as string | null;
    return (
      columns === null ||
      !reason.endsWith("TOAST_UNRESOLVED") ||
      columnNames(columns).some((name) => declared.has(name))
    );
  };
  for (let i = 0; i < excluded.length; i++) if (isQuarantined(i)) excluded[i] = 1;
}
