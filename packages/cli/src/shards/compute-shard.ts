/** Computes one shard of a job with the local engine, in this process. */
import { randomUUID } from "node:crypto";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { TidemarkError, type Definitions } from "@tidemark/core";
import type { Batch, ColumnSpec, EngineColumn, OfflineStore, Vector } from "@tidemark/core/spi";
import {
  answerColumns,
  bytesOption,
  DEFAULT_MEMORY_LIMIT,
  entityRowsOf,
  keysNeeded,
  LEAST_MEMORY_LIMIT,
  localEngine,
  openOfflineReader,
  pinnedOfflineStore,
  threadsWithin,
} from "@tidemark/core/internal";
import { loadDelta } from "../modules/optional-packages.ts";
import { entityFile } from "../training-set/entity-file.ts";
import { makeClaim, readClaim, type Claim } from "./claims.ts";
import { isFinished } from "./finished.ts";
import { checkedFeatures, entitiesOfShard, ROW_COLUMN, type JobFile } from "./shard-job.ts";

/** What a process has done of a shard. */
export type ShardStep = "computed" | "written" | "claiming" | "claimed";

/** How a shard is computed. */
export interface ShardOptions {
  readonly offline: OfflineStore;
  readonly definitions: Definitions;
  /** The file of the definitions, for messages. */
  readonly definitionsFile: string;
  /** Bytes. */
  readonly memoryLimit?: number | undefined;
  /** The number of threads that compute. Default: one for each core. */
  readonly workers?: number | undefined;
  readonly signal: AbortSignal;
  readonly onRows: (rows: number, of: number) => void;
  /** Internal, for tests that kill the process. */
  readonly onStep?: ((step: ShardStep) => void) | undefined;
}

/** What became of a shard. */
export interface ShardResult {
  readonly rows: number;
  readonly overflows: number;
  /** False: another attempt had computed it. */
  readonly wrote: boolean;
}

/**
 * Computes the answers of a shard and claims them. If the shard is claimed already, nothing is
 * done. A process that dies leaves nothing that counts.
 *
 * @throws JOB_DEFINITION_MISMATCH when the definitions are not those of the job.
 * @throws HISTORY_VERSION_GONE when the history of the job is no longer there.
 */
export async function computeShard(
  file: JobFile,
  shard: number,
  options: ShardOptions,
): Promise<ShardResult> {
  const { job } = file;
  const { signal, onStep = () => undefined } = options;
  const memoryLimit = bytesOption("memoryLimit", options.memoryLimit, {
    least: LEAST_MEMORY_LIMIT,
    otherwise: DEFAULT_MEMORY_LIMIT,
  });
  const features = checkedFeatures(file, options.definitions, options.definitionsFile);
  const claimed = await readClaim(file, shard);
  if (claimed !== null) return resultOf(claimed, false);
  if (await isFinished(job)) return { rows: job.shards[shard]!, overflows: 0, wrote: false };
  await refuseMissingFolder(file);
  const attempt = randomUUID();
  const answers = `answers-${shard}-${attempt}.parquet`;
  const path = join(file.staging, answers);
  let overflows = 0;
  const onOverflow = (count: number): void => {
    overflows += count;
  };
  const needed = keysNeeded(features);
  const entities = await entityFile(entitiesOfShard(file, shard), {
    keys: needed,
    zone: null,
    timeUnit: null,
    signal,
  });
  const source = await entityRowsOf(entities, needed, features.length, memoryLimit);
  const engine = localEngine({ onOverflow });
  const pinned = pinnedOfflineStore(options.offline, job.tables);
  const reader = openOfflineReader(pinned, engine, onOverflow);
  const columns = storedColumns(answerColumns(features), job.output.metadata);
  let rows = 0;
  const batches = async function* (): AsyncGenerator<Batch> {
    for await (const block of source.blocks(signal)) {
      const computed = await reader.read({
        selection: features,
        keys: block.keys,
        times: block.times,
        knowledge: job.knowledge,
        since: null,
        memoryLimit,
        workers: options.workers,
        signal,
      });
      onStep("computed");
      rows += block.length;
      options.onRows(rows, job.shards[shard]!);
      const given = block.batch();
      const row = given.vectors[given.columns.findIndex(({ name }) => name === ROW_COLUMN)]!;
      yield { length: block.length, columns, vectors: storedVectors(row, computed, job.output) };
    }
  };
  try {
    const { writeParquet } = await loadDelta("a shard");
    const groupRows = rowsOfGroups(job.shards.length);
    const workers = threadsWithin(memoryLimit, options.workers);
    await writeParquet(path, { columns, batches: batches(), groupRows, workers, signal });
    signal.throwIfAborted();
    onStep("written");
    const claim = await makeClaim(
      file,
      { format: 1, job: file.sha256, shard, file: answers, rows, overflows },
      attempt,
      () => {
        onStep("claiming");
      },
    );
    onStep("claimed");
    if (claim.file === answers) return resultOf(claim, true);
    await rm(path, { force: true });
    return resultOf(claim, false);
  } catch (error) {
    await rm(path, { force: true });
    // another attempt won, and the job was finished with it
    if (!signal.aborted && (await isFinished(job)))
      return { rows: job.shards[shard]!, overflows: 0, wrote: false };
    throw error;
  }
}

const resultOf = ({ rows, overflows }: Claim, wrote: boolean): ShardResult => ({
  rows,
  overflows,
  wrote,
});

/** @throws JOB_INVALID when the folder of the job is gone. */
export async function refuseMissingFolder({ file, staging }: JobFile): Promise<void> {
  if ((await stat(staging).catch(() => null))?.isDirectory() === true) return;
  throw new TidemarkError(
    "JOB_INVALID",
    `${file}: the folder ${staging} of the job is gone; it must lie beside the job on every ` +
      "machine; write the job again with tidemark training-set",
  );
}

/** The rows of the row groups of all shards that a merge holds in memory. */
const MERGED_ROWS = 2 ** 20;
const MOST_ROWS = 2 ** 17;
const LEAST_ROWS = 2 ** 12;

/** A merge holds one row group of each shard. */
function rowsOfGroups(shards: number): number {
  return Math.max(LEAST_ROWS, Math.min(MOST_ROWS, Math.floor(MERGED_ROWS / shards)));
}

/** The columns of a file of answers: features have numbers, since any name may be taken. */
export function storedColumns(
  results: readonly ColumnSpec[],
  metadata: boolean,
): readonly ColumnSpec[] {
  const column = (name: string, spec: Pick<ColumnSpec, "type" | "nullable">): ColumnSpec => ({
    ...spec,
    name,
    database: name,
  });
  return [
    column(ROW_COLUMN, { type: "int64", nullable: false }),
    ...results.flatMap((result, f) => [
      column(`value_${f}`, result),
      ...(metadata
        ? [
            column(`status_${f}`, { type: "int32", nullable: false }),
            column(`time_${f}`, { type: "timestamp", nullable: true }),
          ]
        : []),
    ]),
  ];
}

function storedVectors(
  row: Vector,
  answers: readonly EngineColumn[],
  { metadata }: { readonly metadata: boolean },
): readonly Vector[] {
  return [
    row,
    ...answers.flatMap(({ values, statuses, times }): Vector[] =>
      metadata
        ? [
            values,
            { kind: "int32", values: Int32Array.from(statuses), valid: null },
            {
              kind: "float64",
              values: times.map((time) => (Number.isNaN(time) ? 0 : time)),
              valid: Uint8Array.from(times, (time) => (Number.isNaN(time) ? 0 : 1)),
            },
          ]
        : [values],
    ),
  ];
}
