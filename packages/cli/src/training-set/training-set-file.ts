/** Writes a training set from a file of entity rows into a file. */
import { open } from "node:fs/promises";
import type { BeforeHistory, Knowledge, Store, TimeUnit } from "@tidemark/core";
import {
  historicalFeaturesOfFile,
  keysNeeded,
  threadsWithin,
  type HistoricalFileResult,
} from "@tidemark/core/internal";
import type { Batch, SelectedFeature } from "@tidemark/core/spi";
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
  /** Bytes. */
  readonly memoryLimit?: number | undefined;
  readonly workers?: number | undefined;
  readonly zone: string | null;
  readonly timeUnit: TimeUnit | null;
  readonly signal: AbortSignal;
  readonly onRows: (rows: number, of: number | null) => void;
  readonly onWarning: (message: string) => void;
}

/**
 * Computes the training set. Checks the files before anything is computed, and every row before
 * `out` appears.
 */
export async function trainingSetFile(
  store: Store,
  options: TrainingSetFileOptions,
): Promise<HistoricalFileResult> {
  const { entities: file, signal, features } = options;
  const entities = await entityFile(file, {
    keys: keysNeeded(features),
    zone: options.zone,
    timeUnit: options.timeUnit,
    signal,
  });
  const delta = /\.parquet$/i.test(options.out)
    ? await loadDelta(`the Parquet file ${options.out}`)
    : null;
  const out = await atomicFile(options.out, { force: options.force, input: file });
  try {
    const result = await historicalFeaturesOfFile(store, {
      ...options,
      file,
      entities,
      async write({ columns, batches }) {
        const workers = threadsWithin(options.memoryLimit, options.workers);
        if (delta !== null)
          await delta.writeParquet(out.temporary, { columns, batches, workers, signal });
        else
          await writeLines(
            out.temporary,
            columns.map(({ name }) => name),
            batches,
            options.onWarning,
          );
      },
    });
    await out.commit();
    return result;
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
