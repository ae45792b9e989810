/** Writes the job of a training set in shards, with the entity rows of each shard. */
import { randomUUID } from "node:crypto";
import { cp, mkdir, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import {
  isTidemarkError,
  TidemarkError,
  type BeforeHistory,
  type Definitions,
  type Knowledge,
  type Store,
  type TimeUnit,
} from "@tidemark/core";
import { type Batch, type ColumnSpec, type OfflineStore } from "@tidemark/core/spi";
import {
  concatVectors,
  entityRowsOf,
  keysNeeded,
  pickRows,
  pinnedTables,
  knownSinceOf,
  refuseBeforeHistory,
  selectionFingerprint,
  selectionFrom,
  sourcesOf,
  TIME_COLUMN,
  warnOfUnsupportedColumns,
  type HistoricalFileResult,
} from "@tidemark/core/internal";
import { loadDelta } from "../modules/optional-packages.ts";
import { atomicFile } from "../output/atomic-file.ts";
import { entityFile } from "../training-set/entity-file.ts";
import {
  entitiesOfShard,
  featuresOfJob,
  jobText,
  readJob,
  ROW_COLUMN,
  writeWhole,
  type JobFile,
  type NamedFeatures,
  type ShardJob,
} from "./shard-job.ts";
import { largestView, shardsOfRows } from "./split-rows.ts";

/** What a job of shards computes. */
export interface ShardJobOptions {
  readonly store: Pick<Store, "compact" | "getHistoricalFeatures">;
  readonly offline: OfflineStore;
  readonly definitions: Definitions;
  /** The file of the definitions, for messages. */
  readonly definitionsFile: string;
  readonly features: NamedFeatures;
  /** The file of the entity rows, or the folder. */
  readonly entities: string;
  readonly knowledge: Knowledge;
  readonly beforeHistory: BeforeHistory;
  readonly zone: string | null;
  readonly timeUnit: TimeUnit | null;
  /** The number of shards. */
  readonly shards: number;
  /** The file of the training set. */
  readonly out: string;
  readonly force: boolean;
  readonly metadata?: boolean | undefined;
  /** The file of the job. */
  readonly job: string;
  readonly signal: AbortSignal;
  readonly onWarning: (message: string) => void;
  /** Internal, for tests that kill the process. */
  readonly onStep?: ((step: JobStep) => void) | undefined;
}

/** What a process has done of a new job. */
export type JobStep = "copied" | "split" | "written";

/**
 * Merges all of the history, pins its tables, and writes the entity rows of each shard and then the
 * job. Nothing is left if it fails.
 */
export async function writeShardJob(
  options: ShardJobOptions,
): Promise<HistoricalFileResult & { readonly shards: readonly number[] }> {
  const { definitions, force, signal, onStep = () => undefined } = options;
  const file = resolve(options.job);
  const out = resolve(options.out);
  const id = randomUUID();
  // it checks now what the end of the job needs
  const output = await atomicFile(options.out, { force, input: options.entities, writer: id });
  await output.abandon();
  const folder = `${basename(file).replace(/\.json$/i, "")}-${id.slice(0, 8)}`;
  const staging = join(dirname(file), folder);
  try {
    await mkdir(staging, { mode: 0o700 });
  } catch (cause) {
    throw new TidemarkError(
      "OUT_NOT_WRITABLE",
      `${staging}: it cannot be made: ${(cause as Error).message}`,
      { cause },
    );
  }
  try {
    const copy = join(staging, `given-${basename(resolve(options.entities))}`);
    const { columns, ...rows } = await givenRows(options, copy);
    onStep("copied");
    await options.store.compact({ signal });
    const features = featuresOfJob(options.features, definitions, options.definitionsFile);
    const tables = await pinnedTables(options.offline, sourcesOf(features), signal);
    const view = await largestView(options.offline, features, signal);
    const shards = await writeShards({ staging }, columns, rows, {
      shardOf: shardsOfRows(view, rows.keys, options.shards),
      count: options.shards,
      signal,
    });
    const job: ShardJob = {
      format: 1,
      kind: "tidemark shards",
      id,
      staging: folder,
      features: options.features,
      fingerprint: selectionFingerprint(definitions, features),
      knowledge: options.knowledge,
      tables,
      entities: {
        file: basename(copy),
        zone: options.zone,
        timeUnit: options.timeUnit,
        rows: rows.times.length,
      },
      shards,
      output: { file: out, force, metadata: options.metadata === true },
      coverage: rows.coverage,
    };
    signal.throwIfAborted();
    onStep("split");
    const former = await readJob(file).catch(() => null);
    await writeWhole(file, jobText(job), id);
    onStep("written");
    // the folder of a job that the file held before has no other name
    if (former !== null) await rm(former.staging, { recursive: true, force: true });
    const names = features.map(({ as }) => as);
    return { rows: rows.times.length, features: names, coverage: rows.coverage, shards };
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

interface GivenRows {
  /** The columns that a shard needs of the entity rows. */
  readonly columns: readonly ColumnSpec[];
  readonly keys: Batch;
  readonly times: Float64Array;
  readonly coverage: HistoricalFileResult["coverage"];
}

/** Copies the entity rows, so that no later change of the file matters, and reads their keys. */
async function givenRows(options: ShardJobOptions, copy: string): Promise<GivenRows> {
  const { definitions, definitionsFile, store, knowledge, beforeHistory, signal } = options;
  const features = featuresOfJob(options.features, definitions, definitionsFile);
  const needed = keysNeeded(features);
  const reading = { keys: needed, zone: options.zone, timeUnit: options.timeUnit, signal };
  // it checks the file, before a large one is copied
  await entityFile(options.entities, reading);
  await cp(options.entities, copy, { recursive: true, mode: 0 });
  try {
    const entities = await entityFile(copy, reading);
    warnOfUnsupportedColumns(options.entities, entities, options.onWarning);
    // it checks the request and the columns, and computes nothing
    const { coverage } = await store.getHistoricalFeatures({
      features: selectionFrom(features),
      entities: entities as never,
      knowledge,
      beforeHistory,
      signal,
    });
    const source = await entityRowsOf(entities, needed, features.length);
    const blocks: { readonly keys: Batch; readonly times: Float64Array }[] = [];
    for await (const { keys, times } of source.blocks(signal)) blocks.push({ keys, times });
    for (const name of entities.flooredColumns)
      options.onWarning(
        `${options.entities}: column "${name}" has nanoseconds, and times are carried to the ` +
          "microsecond: the digits beyond are left out (law 10)",
      );
    const length = blocks.reduce((sum, { times }) => sum + times.length, 0);
    if (length === 0)
      throw new TidemarkError(
        "ENTITIES_INVALID",
        `${options.entities}: there is no row; give at least one`,
      );
    const times = new Float64Array(length);
    let before = 0;
    for (const block of blocks) {
      times.set(block.times, before);
      before += block.times.length;
    }
    const { columns } = blocks[0]!.keys;
    const vectors = columns.map((_, c) =>
      concatVectors(blocks.map(({ keys }) => keys.vectors[c]!)),
    );
    if (beforeHistory === "error") refuseBeforeHistory(times, knownSinceOf(coverage));
    return { columns: needed, keys: { length, columns, vectors }, times, coverage };
  } catch (error) {
    throw isTidemarkError(error)
      ? new TidemarkError<string>(
          error.code,
          error.message
            .replaceAll(copy, options.entities)
            .replace(/^entity /, (text) => `${options.entities}: ${text}`),
          { cause: error },
        )
      : error;
  }
}

const TIME: ColumnSpec = {
  name: TIME_COLUMN,
  database: TIME_COLUMN,
  type: "timestamp",
  nullable: false,
  zone: "UTC",
};
const ROW: ColumnSpec = { name: ROW_COLUMN, database: ROW_COLUMN, type: "int64", nullable: false };

/** Writes the rows of each shard, in their order. Returns the number of rows of each. */
async function writeShards(
  { staging }: Pick<JobFile, "staging">,
  columns: readonly ColumnSpec[],
  { keys, times }: Omit<GivenRows, "columns" | "coverage">,
  {
    shardOf,
    count,
    signal,
  }: { readonly shardOf: Int32Array; readonly count: number; readonly signal: AbortSignal },
): Promise<readonly number[]> {
  const taken = columns.find(({ name }) => name === ROW_COLUMN);
  if (taken !== undefined)
    throw new TidemarkError(
      "NAME_TAKEN",
      `the features need a key "${ROW_COLUMN}", which a job of shards adds; put the entity into ` +
        "a role with another name",
    );
  const { writeParquet } = await loadDelta("a job of shards");
  const sizes = new Array<number>(count).fill(0);
  for (const shard of shardOf) sizes[shard]!++;
  const rows = sizes.map((size) => new Int32Array(size));
  const filled = new Int32Array(count);
  shardOf.forEach((shard, row) => {
    rows[shard]![filled[shard]!++] = row;
  });
  const vectors = columns.map(
    ({ name }) => keys.vectors[keys.columns.findIndex((column) => column.name === name)]!,
  );
  for (const [shard, own] of rows.entries()) {
    const batch: Batch = {
      length: own.length,
      columns: [ROW, TIME, ...columns],
      vectors: [
        { kind: "int64", values: BigInt64Array.from(own, BigInt), valid: null },
        { kind: "float64", values: Float64Array.from(own, (row) => times[row]!), valid: null },
        ...vectors.map((vector) => pickRows(vector, own)),
      ],
    };
    await writeParquet(entitiesOfShard({ staging }, shard), {
      columns: batch.columns,
      batches: [batch],
      signal,
    });
  }
  return sizes;
}
