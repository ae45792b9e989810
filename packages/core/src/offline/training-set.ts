/** Returns a training set in the form that the caller wants: rows or columns. */
import type { Batch } from "../columns/batch.ts";
import { TidemarkError } from "../errors.ts";
import type { SelectedFeature } from "../specs.ts";
import type { EngineColumn } from "../spi.ts";
import { resultsOf } from "../engine/engine-columns.ts";
import type { EntityRowSource, EntityRowBlock } from "../request/entity-rows.ts";
import { answerColumns, answerRow } from "../request/result-rows.ts";
import { rowsOfBatch } from "../request/batch-rows.ts";
import type { TrainingSet } from "../request/request-types.ts";

export interface TrainingSetOptions {
  readonly entityRows: EntityRowSource;
  readonly selection: readonly SelectedFeature[];
  readonly metadata: boolean;
  readonly coverage: TrainingSet<unknown>["coverage"];
  readonly answer: (block: EntityRowBlock) => Promise<readonly EngineColumn[]>;
  readonly signal?: AbortSignal | undefined;
}

export function trainingSet(options: TrainingSetOptions): TrainingSet<unknown> {
  const { entityRows, selection, metadata, coverage, signal } = options;
  const results = answerColumns(selection);
  const duplicate = results.find(({ name }) =>
    entityRows.columns.some((column) => column.name === name),
  );
  if (duplicate !== undefined) {
    throw new TidemarkError(
      "NAME_TAKEN",
      `getHistoricalFeatures: "${duplicate.name}" is a feature and a column of the entity rows; ` +
        'rename one, the feature with .as("other")',
    );
  }
  let wasRead = false;

  async function* blocks(): AsyncIterable<{
    readonly block: EntityRowBlock;
    readonly answers: readonly EngineColumn[];
  }> {
    if (wasRead)
      throw new TidemarkError(
        "TRAINING_SET_READ",
        "this training set was read before; ask getHistoricalFeatures again, " +
          "or keep what rows() gave",
      );
    wasRead = true;
    for await (const block of entityRows.blocks(signal))
      yield { block, answers: await options.answer(block) };
  }

  async function* rows(): AsyncGenerator<unknown> {
    for await (const { block, answers } of blocks()) {
      const given = block.rows ?? rowsOfBatch(block.batch());
      const single = resultsOf(answers);
      for (let i = 0; i < block.length; i++)
        yield { ...given[i]!, ...answerRow(selection, single, i, metadata) };
    }
  }

  return {
    columns: [...entityRows.columns, ...results],
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
          vectors: [...given.vectors, ...answers.map(({ values }) => values)],
        };
      }
    },
  };
}
