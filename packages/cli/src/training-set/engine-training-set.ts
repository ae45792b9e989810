/** Has an engine of the configuration compute a training set. */
import { resolve } from "node:path";
import type { Store } from "@tidemark/core";
import type { OfflineStore } from "@tidemark/core/spi";
import {
  keysNeeded,
  warnOfUnsupportedColumns,
  type HistoricalFileResult,
} from "@tidemark/core/internal";
import {
  sparkTrainingSet,
  writeSparkJob,
  type SparkEngine,
  type SparkOutputFormat,
} from "@tidemark/engine-spark";
import { entityFile } from "./entity-file.ts";
import type { TrainingSetFileOptions } from "./training-set-file.ts";

interface EngineRun {
  readonly store: Store;
  readonly offline: OfflineStore;
  readonly engine: SparkEngine;
  /** The file of the job, if it is only written. */
  readonly job: string | null;
  readonly format: SparkOutputFormat;
}

/** Reads the entity rows, and has the engine compute them, or writes its job. */
export async function engineTrainingSet(
  { store, offline, engine, job, format }: EngineRun,
  options: Omit<TrainingSetFileOptions, "force">,
): Promise<HistoricalFileResult & { readonly submit?: readonly string[] }> {
  const { features, knowledge, beforeHistory, signal } = options;
  const entities = await entityFile(options.entities, {
    keys: keysNeeded(features),
    zone: options.zone,
    timeUnit: options.timeUnit,
    signal,
  });
  warnOfUnsupportedColumns(options.entities, entities, options.onWarning);
  const wanted = {
    engine,
    store,
    offline,
    features,
    entities,
    knowledge,
    beforeHistory,
    out: /^[a-z0-9]+:\/\//i.test(options.out) ? options.out : resolve(options.out),
    format,
    signal,
    onProgress: (rows: number) => {
      options.onRows(rows, entities.rows);
    },
  };
  const names = features.map(({ as }) => as);
  if (job !== null) {
    const { rows, coverage, submit } = await writeSparkJob({ ...wanted, file: resolve(job) });
    return { rows, features: names, coverage, submit };
  }
  const { rows, coverage } = await sparkTrainingSet(wanted);
  return { rows, features: names, coverage };
}
