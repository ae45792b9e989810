/** The answer to a historical question, in the form the reader wants: rows, or columns. */
import type { Batch } from "../columns/batch.ts";
import { TidemarkError } from "../errors.ts";
import type { Selected } from "../specs.ts";
import type { Answers } from "../spi.ts";
import type { Frame, FrameBlock } from "../request/entity-rows.ts";
import { answerColumns, answerRow, answerVectors } from "../request/result-rows.ts";
import { rowsOfBatch } from "../request/batch-rows.ts";
import type { TrainingSet } from "../request/request-types.ts";

export interface TrainingSetOptions {
  readonly frame: Frame;
  readonly selection: readonly Selected[];
  readonly metadata: boolean;
  readonly coverage: TrainingSet<unknown>["coverage"];
  readonly answer: (block: FrameBlock) => Promise<readonly Answers[]>;
  readonly signal?: AbortSignal | undefined;
}

export function trainingSet(options: TrainingSetOptions): TrainingSet<unknown> {
  const { frame, selection, metadata, coverage, signal } = options;
  const results = answerColumns(selection);
  const double = results.find(({ name }) => frame.columns.some((column) => column.name === name));
  if (double !== undefined) {
    throw new TidemarkError(
      "NAME_TAKEN",
      `getHistoricalFeatures: "${double.name}" is a feature and a column of the entity rows; ` +
        `rename one, the feature with .as("other")`,
    );
  }
  let read = false;

  async function* blocks(): AsyncIterable<{
    readonly block: FrameBlock;
    readonly answers: readonly Answers[];
  }> {
    if (read)
      throw new TidemarkError(
        "TRAINING_SET_READ",
        "this training set was read before; ask getHistoricalFeatures again, or keep what " +
          "rows() gave",
      );
    read = true;
    for await (const block of frame.blocks(signal))
      yield { block, answers: await options.answer(block) };
  }

  async function* rows(): AsyncGenerator<unknown> {
    for await (const { block, answers } of blocks()) {
      const given = block.rows ?? rowsOfBatch(block.batch());
      for (let i = 0; i < block.length; i++)
        yield { ...given[i]!, ...answerRow(selection, answers, i, metadata) };
    }
  }

  return {
    columns: [...frame.columns, ...results],
    coverage,
    [Symbol.asyncIterator]: rows,
    rows: async () => {
      const all: unknown[] = [];
      for await (const row of rows()) all.push(row);
      return all;
    },
    async *batches(): AsyncGenerator<Batch> {
      for await (const { block, answers } of blocks()) {
        const given = block.batch();
        yield {
          length: block.length,
          columns: [...given.columns, ...results],
          vectors: [...given.vectors, ...answerVectors(results, answers)],
        };
      }
    },
  };
}
