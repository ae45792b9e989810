/** Writes answers as the JSON text of rows. */
import { formatTime, type ColumnSpec } from "@tidemark/core/spi";
import type { BatchedAnswer } from "../features/request-batching.ts";
import { valueWriter, type Int64Form } from "./wire-values.ts";

/** Writes the rows of `length` entities as the JSON text of an answer. */
export type AnswerWriter = (answered: BatchedAnswer, length: number) => string;

/** Makes a writer of rows. The names of the columns are encoded once. */
export function answerWriter(
  columns: readonly ColumnSpec[],
  int64: Int64Form,
  metadata: boolean,
): AnswerWriter {
  const values = columns.map((column) => valueWriter(column, int64));
  const heads = columns.map(({ name }, c) => `${c === 0 ? "{" : ","}${JSON.stringify(name)}:`);
  return ({ answers, asOf, first }, length) => {
    let text = `{"asOf":"${formatTime(asOf)}","rows":[`;
    for (let i = first; i < first + length; i++) {
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
    return `${text}]}`;
  };
}
