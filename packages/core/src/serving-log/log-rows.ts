/** Turns answers into rows of the serving log. */
import { distinctTexts, type Batch } from "../columns/batch.ts";
import { vectorsOfRows } from "../columns/vectors-of-rows.ts";
import type { KeyValues } from "../request/entity-keys.ts";
import type { Value } from "../specs.ts";
import type { ResultColumns } from "../spi.ts";
import { dayOf, DAY_MICROS, LOG_COLUMNS } from "./log-table.ts";
import type { LoggedSelection, MemberWriter } from "./logged-selection.ts";
import type { TakenChanges } from "./taken-changes.ts";

/** The answers of one request, as the reader gave them. */
export interface LoggedAnswer {
  readonly selection: LoggedSelection;
  readonly service: string | null;
  readonly keys: readonly KeyValues[];
  readonly answers: readonly ResultColumns[];
  /** The rows to log; null: all. */
  readonly rows: readonly number[] | null;
  /** The end of the windows, µs. */
  readonly asOf: number;
  /** The store's clock when the request was read, µs. */
  readonly answeredAt: number;
  /** The id of the request, or one for each row. */
  readonly requestId: string | readonly string[] | undefined;
  readonly taken: TakenChanges | null;
}

/** A row of the log before it is in columns. */
interface LogRow {
  readonly date: string;
  readonly answeredAt: number;
  readonly asOf: number;
  readonly service: string | null;
  readonly requestId: string | null;
  readonly entity: string;
  readonly requestData: string | null;
  readonly values: string;
  readonly statuses: string;
  readonly newest: number | null;
  readonly selection: LoggedSelection;
  readonly taken: string | null;
  readonly sequence: bigint;
}

/** Makes batches of rows. */
export interface LogEncoder {
  /** Adds row `i` of an answer, and returns the size of its texts. */
  add(answer: LoggedAnswer, i: number): number;
  /** The rows since the last call, as columns. */
  take(): Batch;
}

const DISTINCT: Readonly<Record<string, (row: LogRow) => string>> = {
  entity: (row) => row.entity,
  values: (row) => row.values,
};

/** Makes the encoder of a process, whose rows have ascending numbers. */
export function logEncoder(process: string): LogEncoder {
  let rows: LogRow[] = [];
  let sequence = 0n;
  let [day, date] = [NaN, ""];
  /** Answers that follow each other often have the same sample. */
  let lastTaken: { readonly taken: TakenChanges | null; readonly text: string | null } = {
    taken: null,
    text: null,
  };

  const values: Readonly<Record<string, (row: LogRow) => Value>> = {
    date: (row) => row.date,
    answered_at: (row) => row.answeredAt,
    as_of: (row) => row.asOf,
    service: (row) => row.service,
    request_id: (row) => row.requestId,
    request_data: (row) => row.requestData,
    statuses: (row) => row.statuses,
    newest_event: (row) => row.newest,
    features: (row) => row.selection.features,
    fingerprints: (row) => row.selection.fingerprints,
    taken: (row) => row.taken,
    process: () => process,
    sequence: (row) => row.sequence,
  };
  const repeated = LOG_COLUMNS.filter(({ name }) => DISTINCT[name] === undefined);
  const valuesOf = repeated.map(({ name }) => values[name]!);

  function dateOf(time: number): string {
    const now = Math.floor(time / DAY_MICROS);
    if (now !== day) [day, date] = [now, dayOf(time)];
    return date;
  }

  function takenText(taken: TakenChanges | null): string | null {
    if (taken !== lastTaken.taken)
      lastTaken = { taken, text: taken === null ? null : JSON.stringify(taken) };
    return lastTaken.text;
  }

  return {
    add(answer, i) {
      const { selection, service, keys, asOf, answeredAt, requestId } = answer;
      const entity = membersOf(selection.keys, keys[i]!);
      const requestData =
        selection.requestData.length === 0 ? null : membersOf(selection.requestData, keys[i]!);
      const answered = answerTexts(selection.values, answer.answers, i);
      rows.push({
        date: dateOf(answeredAt),
        answeredAt,
        asOf,
        service,
        requestId: typeof requestId === "string" ? requestId : (requestId?.[i] ?? null),
        entity,
        requestData,
        ...answered,
        selection,
        taken: takenText(answer.taken),
        sequence: sequence++,
      });
      return entity.length + (requestData?.length ?? 0) + answered.values.length + ROW_BYTES;
    },
    take() {
      const taken = rows;
      rows = [];
      const vectors = vectorsOfRows(repeated, taken, valuesOf);
      return {
        length: taken.length,
        columns: LOG_COLUMNS,
        vectors: LOG_COLUMNS.map((column) => {
          const distinct = DISTINCT[column.name];
          return distinct === undefined
            ? vectors[repeated.indexOf(column)]!
            : distinctTexts(taken.map(distinct));
        }),
      };
    },
  };
}

/** About the memory of a row beside its texts. */
const ROW_BYTES = 120;

/** The JSON texts of an answered row. */
export function answerTexts(
  writers: readonly MemberWriter[],
  answers: readonly ResultColumns[],
  i: number,
): { readonly values: string; readonly statuses: string; readonly newest: number | null } {
  // joined at once, because text that grows piece by piece is copied again when it is read
  const values = new Array<string>(2 * writers.length + 1);
  let statuses = "";
  let newest = -Infinity;
  for (let f = 0; f < writers.length; f++) {
    const { name, head, text } = writers[f]!;
    const { values: column, statuses: stated, times } = answers[f]!;
    const value = column[i]!;
    values[2 * f] = head;
    values[2 * f + 1] = value === null ? "null" : text(value);
    const status = stated[i]!;
    if (status !== "PRESENT")
      statuses += `${statuses === "" ? "{" : ","}${JSON.stringify(name)}:"${status}"`;
    const time = times[i]!;
    if (time > newest) newest = time;
  }
  values[2 * writers.length] = "}";
  return {
    values: values.join(""),
    statuses: statuses === "" ? "{}" : `${statuses}}`,
    newest: newest === -Infinity ? null : newest,
  };
}

function membersOf(writers: readonly MemberWriter[], values: KeyValues): string {
  let text = "";
  for (const writer of writers) {
    const value = values[writer.name] ?? null;
    text += writer.head + (value === null ? "null" : writer.text(value));
  }
  return `${text}}`;
}
