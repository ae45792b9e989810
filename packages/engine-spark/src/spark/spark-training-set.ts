/** Computes training sets on Spark. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  isRetryable,
  TidemarkError,
  type BeforeHistory,
  type Knowledge,
  type Store,
  type TrainingSet,
} from "@tidemark/core";
import type { OfflineStore, SelectedFeature } from "@tidemark/core/spi";
import {
  entityRowsOf,
  keysNeeded,
  knownSinceOf,
  refuseBeforeHistory,
  selectionFrom,
} from "@tidemark/core/internal";
import { kernelFile, kernelFlags } from "../kernel-command.ts";
import { ARCHIVE, kernelOfArchive } from "../pack/pack-engine.ts";
import { writeEntityRows } from "./entity-rows.ts";
import { planViews } from "./plan-views.ts";
import { ARCHIVE_FOLDER, submitArguments, type SparkEngine } from "./spark-engine.ts";
import type { SparkJob, SparkOutputFormat, SparkReport } from "./spark-job.ts";

type EntityRows = Parameters<typeof entityRowsOf>[0];

/** What Spark computes, and where it goes. */
export interface SparkTrainingSetOptions {
  readonly engine: SparkEngine;
  /** The store of the definitions, and its offline store. */
  readonly store: Pick<Store, "compact" | "getHistoricalFeatures">;
  readonly offline: OfflineStore;
  readonly features: readonly SelectedFeature[];
  /** The rows in any form that `getHistoricalFeatures` takes. */
  readonly entities: unknown;
  readonly knowledge?: Knowledge | undefined;
  readonly beforeHistory?: BeforeHistory | undefined;
  /** The address of a folder that does not exist yet. */
  readonly out: string;
  /** What the folder becomes. Default: "parquet", files without a log. */
  readonly format?: SparkOutputFormat | undefined;
  /** Statuses and event times stand beside the values. Default: false. */
  readonly metadata?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((rows: number) => void) | undefined;
}

/** What was computed. */
export interface SparkTrainingSet extends SparkReport {
  readonly coverage: TrainingSet<unknown>["coverage"];
}

/**
 * Compacts the history, writes the entity rows and the job, runs it, and waits. The output is a
 * folder of Parquet files, or a Delta table. Its column `_row` has the number of each
 * entity row (law 8: the answer has exactly the rows asked).
 *
 * @throws HISTORY_BEHIND when a table has no versions that these definitions can read.
 * @throws ENGINE_CANNOT when a feature is derived.
 * @throws COLUMN_NAME when a Delta table cannot have a column of the entity rows.
 * @throws SPARK_FAILED when spark-submit fails.
 *
 * @example
 * async function knownSet(options: SparkTrainingSetOptions): Promise<number> {
 *   const { rows } = await sparkTrainingSet({ ...options, knowledge: "as-known" });
 *   return rows;
 * }
 */
export async function sparkTrainingSet(
  options: SparkTrainingSetOptions,
): Promise<SparkTrainingSet> {
  const { engine, signal, onProgress } = options;
  const { job, coverage } = await sparkJob(options);
  try {
    return { ...(await engine.run(job, { signal, onProgress })), coverage };
  } finally {
    await rm(entityFile(engine, job.id), { force: true });
    await rm(join(engine.options.staging, `${job.id}.json`), { force: true });
  }
}

/**
 * Does the same up to the job, and writes it into a file, for a scheduler that submits it. The
 * result has the arguments of spark-submit.
 *
 * @example
 * async function written(options: SparkTrainingSetOptions): Promise<readonly string[]> {
 *   const { submit } = await writeSparkJob({ ...options, file: "job.json" });
 *   return submit;
 * }
 */
export async function writeSparkJob(
  options: SparkTrainingSetOptions & { readonly file: string },
): Promise<Pick<SparkTrainingSet, "rows" | "coverage"> & { readonly submit: readonly string[] }> {
  const { job, coverage } = await sparkJob(options);
  await writeFile(options.file, `${JSON.stringify(job)}\n`);
  const submit = submitArguments(job, options.file, options.engine.options);
  return { rows: job.entities.rows, coverage, submit };
}

/** An entity with so many rows fits in the memory of a task. */
const HOT_ROWS = 500_000;

const entityFile = ({ options }: SparkEngine, id: string): string =>
  resolve(options.staging, `${id}-entities.parquet`);

async function sparkJob(
  options: SparkTrainingSetOptions,
): Promise<{ readonly job: SparkJob; readonly coverage: TrainingSet<unknown>["coverage"] }> {
  const { engine, store, features, signal } = options;
  const { knowledge = "as-corrected", format = "parquet" } = options;
  const { lake, staging, partitions = null, hotRows = HOT_ROWS } = engine.options;
  // it checks the request and the columns of the entity rows, and computes nothing
  const { coverage } = await store.getHistoricalFeatures({
    features: selectionFrom(features),
    entities: options.entities as never,
    knowledge,
    ...(options.beforeHistory === undefined ? {} : { beforeHistory: options.beforeHistory }),
    ...(signal === undefined ? {} : { signal }),
  });
  const views = await compactedViews(options);
  const id = randomUUID();
  await mkdir(staging, { recursive: true });
  const keys = keysNeeded(features);
  const source = await entityRowsOf(options.entities as EntityRows, keys, features.length);
  const since = options.beforeHistory === "error" ? knownSinceOf(coverage) : null;
  const check = (times: Float64Array, first: number): void => {
    if (since !== null) refuseBeforeHistory(times, since, first);
  };
  const file = entityFile(engine, id);
  const entities = await writeEntityRows(file, source, keys, { uri: file, signal, check });
  const metadata = options.metadata === true;
  const columns = outputColumns(features, metadata);
  if (format === "delta") checkColumnNames([...entities.columns, ...columns]);
  return {
    coverage,
    job: {
      format: 1,
      id,
      lake,
      knowledge,
      views,
      entities,
      output: { uri: options.out, format, metadata, columns },
      split: { count: partitions, hotRows },
      kernel: await kernelOf(engine),
    },
  };
}

/**
 * What the machines of Spark run: the Node there and the kernel of this package, or an archive.
 *
 * @throws KERNEL_MISMATCH when the archive has another kernel.
 */
async function kernelOf({ options }: SparkEngine): Promise<SparkJob["kernel"]> {
  const { node = "node", archive } = options;
  const file = kernelFile();
  // its source is no single file
  const isBuilt = file.endsWith(".js");
  const sha256 = digest(await readFile(file));
  if (archive === undefined)
    return { node, flags: kernelFlags(), file, shipped: isBuilt, archive: null, sha256 };
  const packed = isAddress(archive) ? sha256 : digest(await kernelOfArchive(archive));
  if (isBuilt && packed !== sha256)
    throw new TidemarkError(
      "KERNEL_MISMATCH",
      `${archive} has the kernel of another version of Tidemark; make it again with ` +
        "tidemark engine pack",
    );
  const place = { node: ARCHIVE.node, file: ARCHIVE.kernel, archive: ARCHIVE_FOLDER };
  return { ...place, flags: [], shipped: false, sha256: packed };
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function isAddress(text: string): boolean {
  return /^[a-z][a-z0-9+]+:\/\//i.test(text);
}

function outputColumns(features: readonly SelectedFeature[], metadata: boolean): readonly string[] {
  const names = features.map(({ as }) => as);
  if (!metadata) return names;
  return names.flatMap((name) => [name, `${name}__status`, `${name}__event_timestamp`]);
}

/** @throws COLUMN_NAME when a Delta table cannot have a column of the name. */
function checkColumnNames(names: readonly string[]): void {
  const refused = names.find((name) => /[ ,;{}()\n\t=]/.test(name));
  if (refused !== undefined)
    throw new TidemarkError(
      "COLUMN_NAME",
      `${JSON.stringify(refused)} cannot name a column of a Delta table; rename the column of ` +
        "the entity rows, without spaces and any of ,;{}()=, or write Parquet",
    );
}

/** A run may compact between the compaction and the look at its result; then both are repeated. */
const ATTEMPTS = 5;

/** Merges all of the history into the versions, and pins them. */
async function compactedViews({
  store,
  offline,
  features,
  engine,
  signal,
}: SparkTrainingSetOptions): Promise<SparkJob["views"]> {
  const { rowsPerRun } = engine.options;
  for (let attempt = 1; ; attempt++) {
    await store.compact({ signal });
    try {
      return await planViews(offline, features, { rowsPerRun, signal });
    } catch (error) {
      if (attempt === ATTEMPTS || !isRetryable(error)) throw error;
    }
  }
}
