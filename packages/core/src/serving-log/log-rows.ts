/** Turns answers into rows of the serving log. */
import {
  distinctTexts,
  vectorBuilder,
  type Batch,
  type Vector,
  type VectorBuilder,
} from "../columns/batch.ts";
import type { KeyValues } from "../request/entity-keys.ts";
import type { ResultColumns } from "../spi.ts";
import { dayOf, DAY_MICROS, LOG_COLUMNS } from "./log-table.ts";
import type { LoggedSelection, MemberWriter } from "./logged-selection.ts";
import type { TakenChanges } from "./taken-changes.ts";
import { TextRuns } from "./text-runs.ts";

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

/** Makes batches of rows. */
export interface LogEncoder {
  /** The rows since the last batch. */
  readonly rows: number;
  /** The size of their texts. */
  readonly bytes: number;
  /** Adds row `i` of an answer, and returns the size of its texts. */
  add(answer: LoggedAnswer, i: number): number;
  /** The rows since the last batch, as columns. */
  take(): Batch;
}

/** The rows of a batch, column by column. */
interface LogColumns {
  readonly date: TextRuns;
  readonly answeredAt: number[];
  readonly asOf: number[];
  readonly service: TextRuns;
  readonly requestId: TextRuns;
  readonly entity: VectorBuilder;
  readonly requestData: TextRuns;
  readonly values: string[];
  readonly statuses: TextRuns;
  /** −Infinity: the row has no newest event. */
  readonly newest: number[];
  readonly features: TextRuns;
  readonly fingerprints: TextRuns;
  readonly taken: TextRuns;
}

const ENTITY = LOG_COLUMNS.find(({ name }) => name === "entity")!;

const noRows = (): LogColumns => ({
  date: new TextRuns(),
  answeredAt: [],
  asOf: [],
  service: new TextRuns(),
  requestId: new TextRuns(),
  entity: vectorBuilder(ENTITY),
  requestData: new TextRuns(),
  values: [],
  statuses: new TextRuns(),
  newest: [],
  features: new TextRuns(),
  fingerprints: new TextRuns(),
  taken: new TextRuns(),
});

/** Makes the encoder of a process, whose rows have ascending numbers. */
export function logEncoder(process: string): LogEncoder {
  let columns = noRows();
  let bytes = 0;
  let sequence = 0n;
  let [day, date] = [NaN, ""];
  /** Answers that follow each other often have the same sample. */
  let lastTaken: { readonly taken: TakenChanges | null; readonly text: string | null } = {
    taken: null,
    text: null,
  };

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
    get rows() {
      return columns.values.length;
    },
    get bytes() {
      return bytes;
    },
    add(answer, i) {
      const { selection, keys, requestId } = answer;
      const entity = membersOf(selection.keys, keys[i]!);
      const requestData =
        selection.requestData.length === 0 ? null : membersOf(selection.requestData, keys[i]!);
      const { values, statuses, newest } = answerTexts(selection.values, answer.answers, i);
      columns.date.push(dateOf(answer.answeredAt));
      columns.answeredAt.push(answer.answeredAt);
      columns.asOf.push(answer.asOf);
      columns.service.push(answer.service);
      columns.requestId.push(typeof requestId === "string" ? requestId : (requestId?.[i] ?? null));
      columns.entity.push(entity);
      columns.requestData.push(requestData);
      columns.values.push(values);
      columns.statuses.push(statuses);
      columns.newest.push(newest ?? -Infinity);
      columns.features.push(selection.features);
      columns.fingerprints.push(selection.fingerprints);
      columns.taken.push(takenText(answer.taken));
      const size = entity.length + (requestData?.length ?? 0) + values.length + ROW_BYTES;
      bytes += size;
      return size;
    },
    take() {
      const length = columns.values.length;
      const vectors = vectorsOf(columns, process, sequence);
      sequence += BigInt(length);
      [columns, bytes] = [noRows(), 0];
      return { length, columns: LOG_COLUMNS, vectors };
    },
  };
}

/** The vectors of all columns, in the order of the table. */
function vectorsOf(columns: LogColumns, process: string, sequence: bigint): readonly Vector[] {
  const length = columns.values.length;
  const sequences = new BigInt64Array(length);
  for (let i = 0; i < length; i++) sequences[i] = sequence + BigInt(i);
  const vectors: Readonly<Record<string, Vector>> = {
    date: columns.date.finish(),
    answered_at: timesOf(columns.answeredAt),
    as_of: timesOf(columns.asOf),
    service: columns.service.finish(),
    request_id: columns.requestId.finish(),
    entity: columns.entity.finish(),
    request_data: columns.requestData.finish(),
    values: distinctTexts(columns.values),
    statuses: columns.statuses.finish(),
    newest_event: newestOf(columns.newest),
    features: columns.features.finish(),
    fingerprints: columns.fingerprints.finish(),
    taken: columns.taken.finish(),
    process: { kind: "string", codes: new Int32Array(length), dictionary: [process], valid: null },
    sequence: { kind: "int64", values: sequences, valid: null },
  };
  return LOG_COLUMNS.map(({ name }) => vectors[name]!);
}

const timesOf = (times: readonly number[]): Vector => ({
  kind: "float64",
  values: Float64Array.from(times),
  valid: null,
});

/** The newest events as a vector. A row without one has none. */
function newestOf(times: readonly number[]): Vector {
  const values = Float64Array.from(times);
  if (!times.includes(-Infinity)) return { kind: "float64", values, valid: null };
  const valid = Uint8Array.from(times, (time) => (time === -Infinity ? 0 : 1));
  return { kind: "float64", values: values.map((time) => (time === -Infinity ? 0 : time)), valid };
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
