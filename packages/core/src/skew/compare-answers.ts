/** Computes logged answers again, and lists the values that differ. */
import { pickRows } from "../columns/gather-rows.ts";
import type { Batch } from "../columns/batch.ts";
import { resultsOf } from "../engine/engine-columns.ts";
import { parseDigits } from "../entity-files/exact-json.ts";
import type { OfflineReader } from "../offline/offline-reader.ts";
import { memberText, parseMembers } from "../serving-log/json-values.ts";
import { answerTexts } from "../serving-log/log-rows.ts";
import { memberWriters, type MemberWriter } from "../serving-log/logged-selection.ts";
import type { SelectedFeature } from "../specs.ts";
import type { ResultColumns, Status } from "../spi.ts";
import type { LoggedRow } from "./read-log.ts";

/** A value with its status. */
export interface StatedValue {
  /** Parsed JSON, with the digits of numbers. */
  readonly value: unknown;
  readonly status: Status;
}

/** A value of a logged row that differs from the recomputed one. */
export interface DifferingValue {
  /** The index of the row. */
  readonly row: number;
  /** The index of the feature in the selection. */
  readonly feature: number;
  readonly logged: StatedValue;
  readonly recomputed: StatedValue;
}

/** Rows of one selection, with what it needs of each. */
export interface ComparedRows {
  readonly selection: readonly SelectedFeature[];
  readonly rows: readonly LoggedRow[];
  readonly keys: Batch;
}

/** Reads the answers of the history. */
export interface HistoryAnswers {
  /** The answers at the time of each row with the knowledge of a time, both µs. */
  read(
    selection: readonly SelectedFeature[],
    keys: Batch,
    times: Float64Array,
    knownAt: Float64Array,
  ): Promise<readonly ResultColumns[]>;
}

/** Makes the reader of answers as known. */
export function historyAnswers(
  reader: OfflineReader,
  signal: AbortSignal | undefined,
): HistoryAnswers {
  return {
    async read(selection, keys, times, knownAt) {
      const isPlain = times.every((time, i) => time === knownAt[i]);
      const columns = await reader.read({
        selection,
        keys,
        times,
        knowledge: "as-known",
        knownAt: isPlain ? undefined : knownAt,
        since: null,
        signal,
      });
      return resultsOf(columns);
    },
  };
}

/**
 * Computes the answers of rows as known when they were answered, and returns what differs. A row
 * whose texts are the same is not parsed. `isFast: false` parses every row, for tests.
 */
export async function compareAnswers(
  { selection, rows, keys }: ComparedRows,
  history: HistoryAnswers,
  { isFast = true }: { readonly isFast?: boolean } = {},
): Promise<readonly DifferingValue[]> {
  const writers = writersOf(selection);
  const differing: DifferingValue[] = [];
  // a request that named a time is apart: its knowledge is not that of its windows
  const isNow = ({ asOf, answeredAt }: LoggedRow): boolean => asOf === answeredAt;
  for (const indexes of [indexesOf(rows, isNow), indexesOf(rows, (row) => !isNow(row))]) {
    if (indexes.length === 0) continue;
    const answers = await history.read(
      selection,
      rowsOfBatch(keys, indexes),
      Float64Array.from(indexes, (row) => rows[row]!.asOf),
      Float64Array.from(indexes, (row) => rows[row]!.answeredAt),
    );
    indexes.forEach((row, i) => {
      const logged = rows[row]!;
      const texts = answerTexts(writers, answers, i);
      if (isFast && texts.values === logged.values && texts.statuses === logged.statuses) return;
      const values = parseMembers(logged.values);
      const statuses = JSON.parse(logged.statuses) as Readonly<Record<string, Status>>;
      writers.forEach((writer, feature) => {
        const stated = {
          value: values[writer.name] ?? null,
          status: statuses[writer.name] ?? "PRESENT",
        };
        const recomputed = statedValue(writer, answers[feature]!, i);
        if (!isSame(stated, recomputed))
          differing.push({ row, feature, logged: stated, recomputed });
      });
    });
  }
  return differing;
}

/** The writers of the values of a selection. */
export function writersOf(selection: readonly SelectedFeature[]): readonly MemberWriter[] {
  return memberWriters(selection.map(({ as, feature }) => ({ ...feature.result, name: as })));
}

/** The answer to one feature as parsed JSON. */
export function statedValue(
  { text }: MemberWriter,
  { values, statuses }: ResultColumns,
  i: number,
): StatedValue {
  const value = values[i]!;
  return {
    // in a list, because a single number is parsed without its digits
    value: value === null ? null : (parseDigits(`[${text(value)}]`) as readonly unknown[])[0],
    status: statuses[i]!,
  };
}

/** Whether two values have the same bits and the same status. */
export function isSame(a: StatedValue, b: StatedValue): boolean {
  return a.status === b.status && memberText(a.value) === memberText(b.value);
}

/** Some rows of a batch, in this order. */
export function rowsOfBatch({ columns, vectors }: Batch, indexes: readonly number[]): Batch {
  const rows = Int32Array.from(indexes);
  return { length: rows.length, columns, vectors: vectors.map((vector) => pickRows(vector, rows)) };
}

function indexesOf(
  rows: readonly LoggedRow[],
  isIn: (row: LoggedRow) => boolean,
): readonly number[] {
  return rows.flatMap((row, i) => (isIn(row) ? [i] : []));
}
