/** Writes a training set from a file of entity rows into a file. */
import { open } from "node:fs/promises";
import {
  TidemarkError,
  isTidemarkError,
  type BeforeHistory,
  type Knowledge,
  type Store,
  type TimeUnit,
  type TrainingSet,
} from "@tidemark/core";
import type { Batch, SelectedFeature } from "@tidemark/core/spi";
import { keysNeeded, selectionFrom } from "@tidemark/core/internal";
import { answerLine, answerTexts, columnsWithoutJson } from "../output/answers.ts";
import { loadDelta } from "../modules/optional-packages.ts";
import { entityFile } from "./entity-file.ts";
import { atomicFile } from "../output/atomic-file.ts";

export interface TrainingSetFileOptions {
  readonly features: readonly SelectedFeature[];
  readonly entities: string;
  readonly out: string;
  readonly force: boolean;
  readonly knowledge: Knowledge;
  readonly beforeHistory: BeforeHistory;
  readonly zone: string | null;
  readonly timeUnit: TimeUnit | null;
  readonly signal: AbortSignal;
  readonly onRows: (rows: number, of: number | null) => void;
  readonly onWarning: (message: string) => void;
}

export interface TrainingSetFileResult {
  readonly rows: number;
  readonly features: readonly string[];
  readonly coverage: TrainingSet<unknown>["coverage"];
}

/**
 * Computes the training set. Checks the files before anything is computed, and every row before
 * `out` appears.
 */
export async function trainingSetFile(
  store: Store,
  options: TrainingSetFileOptions,
): Promise<TrainingSetFileResult> {
  const { entities: file, signal, features, knowledge, beforeHistory } = options;
  const entities = await entityFile(file, {
    keys: keysNeeded(features),
    zone: options.zone,
    timeUnit: options.timeUnit,
    signal,
  });
  for (const { name, holds } of entities.unsupportedColumns)
    options.onWarning(
      `${file}: column "${name}" is ${holds}, which Tidemark does not hold, and is left out; ` +
        "cast it to text to carry it",
    );
  const delta = /\.parquet$/i.test(options.out)
    ? await loadDelta(`the Parquet file ${options.out}`)
    : null;
  const out = await atomicFile(options.out, { force: options.force, input: file });
  try {
    const training = await store.getHistoricalFeatures({
      features: selectionFrom(features),
      entities: entities as never,
      knowledge,
      beforeHistory,
      signal,
    });
    let rows = 0;
    const batches = async function* (): AsyncGenerator<Batch> {
      for await (const batch of training.batches()) {
        yield batch;
        rows += batch.length;
        options.onRows(rows, entities.rows);
      }
    };
    if (delta !== null)
      await delta.writeParquet(out.temporary, {
        columns: training.columns,
        batches: batches(),
        signal,
      });
    else
      await writeLines(
        out.temporary,
        training.columns.map(({ name }) => name),
        batches(),
        options.onWarning,
      );
    signal.throwIfAborted();
    for (const name of entities.flooredColumns)
      options.onWarning(
        `${file}: column "${name}" has nanoseconds, and times are carried to the microsecond: ` +
          "the digits beyond are left out (law 10)",
      );
    await out.commit();
    return { rows, features: features.map(({ as }) => as), coverage: training.coverage };
  } catch (error) {
    // The training set's message names the row. Add the file.
    const ofEntityRow = isTidemarkError(error) && /^entity (?:rows?|columns)\b/.test(error.message);
    throw ofEntityRow
      ? new TidemarkError<string>(error.code, `${file}: ${error.message}`, { cause: error })
      : error;
  } finally {
    await out.abandon();
  }
}

const BUFFER_CHARACTERS = 1 << 20;

async function writeLines(
  path: string,
  names: readonly string[],
  batches: AsyncIterable<Batch>,
  onWarning: (message: string) => void,
): Promise<void> {
  const told = new Set<string>();
  const file = await open(path, "w");
  try {
    let text = "";
    for await (const batch of batches) {
      for (const name of columnsWithoutJson(batch)) {
        if (told.has(name)) continue;
        told.add(name);
        onWarning(
          `column "${name}" has NaN or an infinity, which JSON has not: they are null; ` +
            "choose an --out that ends in .parquet to carry them",
        );
      }
      for (let i = 0; i < batch.length; i++) {
        text += `${answerLine(names, answerTexts(batch, i))}\n`;
        if (text.length < BUFFER_CHARACTERS) continue;
        await file.writeFile(text);
        text = "";
      }
    }
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}
