/** Writes answers as the JSON text of rows. */
import { formatTime, type ColumnSpec } from "@tidemark/core/spi";
import type { BatchedAnswer } from "../features/request-batching.ts";
import { valueWriter, type Int64Form } from "./wire-values.ts";

/** Writes the rows of `length` entities as the JSON text of an answer. */
export interface AnswerWriter {
  /** About the least size of a row in bytes, without texts. */
  readonly bytesPerEntity: number;
  /** Returns the whole text. */
  text(answered: BatchedAnswer, length: number): string;
  /** Returns the text in pieces of about `PIECE_VALUES` values. */
  pieces(answered: BatchedAnswer, length: number): Iterable<string>;
}

/** The number of values in a piece of an answer. */
const PIECE_VALUES = 1_000;
/** About the size in bytes of a short value, and of a value with its status and event time. */
const [PLAIN_BYTES, METADATA_BYTES] = [2, 48];

/** Makes a writer of rows. The names of the columns are encoded once. */
export function answerWriter(
  columns: readonly ColumnSpec[],
  int64: Int64Form,
  metadata: boolean,
): AnswerWriter {
  const values = columns.map((column) => valueWriter(column, int64));
  const heads = columns.map(({ name }, c) => `${c === 0 ? "{" : ","}${JSON.stringify(name)}:`);
  const headOf = ({ asOf }: BatchedAnswer): string => `{"asOf":"${formatTime(asOf)}","rows":[`;
  const pieceRows = Math.max(1, Math.floor(PIECE_VALUES / Math.max(1, columns.length)));

  /** Adds the rows [from, to) to a text. */
  function withRows(before: string, { answers, first }: BatchedAnswer, from: number, to: number) {
    let text = before;
    for (let i = first + from; i < first + to; i++) {
      if (i > first) text += ",";
      for (let c = 0; c < answers.length; c++) {
        const { values: column, statuses, times } = answers[c]!;
        const value = values[c]!(column[i]!);
        if (!metadata) text += heads[c]! + value;
        else
          text +=
            `${heads[c]!}{"value":${value},"status":"${statuses[i]!}","eventTime":` +
            (Number.isNaN(times[i]!) ? "null}" : `"${formatTime(times[i]!)}"}`);
      }
      text += "}";
    }
    return text;
  }

  return {
    bytesPerEntity:
      heads.reduce((sum, head) => sum + head.length, 0) +
      columns.length * (metadata ? METADATA_BYTES : PLAIN_BYTES),
    text: (answered, length) => `${withRows(headOf(answered), answered, 0, length)}]}`,
    *pieces(answered, length) {
      yield headOf(answered);
      for (let from = 0; from < length; from += pieceRows)
        yield withRows("", answered, from, Math.min(from + pieceRows, length));
      yield "]}";
    },
  };
}
