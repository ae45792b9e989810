/** Joins the shards of a job into one file, in the order of the entity rows (law 8). */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { TidemarkError, type Definitions } from "@tidemark/core";
import {
  ENGINE_STATUSES,
  type Batch,
  type ColumnSpec,
  type SelectedFeature,
  type Vector,
} from "@tidemark/core/spi";
import {
  answerColumns,
  entityRowsOf,
  gatherRows,
  keysNeeded,
  layoutOf,
  type HistoricalFileResult,
} from "@tidemark/core/internal";
import { loadDelta } from "../modules/optional-packages.ts";
import { atomicFile } from "../output/atomic-file.ts";
import { entityFile } from "../training-set/entity-file.ts";
import { readClaim, type Claim } from "./claims.ts";
import { refuseMissingFolder, storedColumns } from "./compute-shard.ts";
import { isFinished } from "./finished.ts";
import { checkedFeatures, JOB_KEY, type JobFile, type ShardJob } from "./shard-job.ts";

/** What a process has done of the end of a job. */
export type FinishStep = "merging" | "merged" | "committed";

/** How a job is finished. */
export interface FinishOptions {
  readonly definitions: Definitions;
  /** The file of the definitions, for messages. */
  readonly definitionsFile: string;
  readonly signal: AbortSignal;
  readonly onRows: (rows: number, of: number) => void;
  /** Internal, for tests that kill the process. */
  readonly onStep?: ((step: FinishStep) => void) | undefined;
}

/** What was finished. */
export interface FinishResult extends HistoricalFileResult {
  /** Sums outside their type (law 3). */
  readonly overflows: number;
  /** False: the output of the job was there already. */
  readonly wrote: boolean;
}

/**
 * Checks that all shards are there, writes the output in one commit, and removes the folder of the
 * job. A job that is finished already is left as it is. A process that dies leaves either nothing
 * or the whole output.
 *
 * @throws JOB_SHARDS_MISSING when a shard is not computed; the message lists all of them.
 * @throws JOB_DEFINITION_MISMATCH when the definitions are not those of the job.
 * @throws OUT_EXISTS when another file has the name of the output.
 */
export async function finishJob(file: JobFile, options: FinishOptions): Promise<FinishResult> {
  const { job } = file;
  const { signal, onStep = () => undefined } = options;
  const features = checkedFeatures(file, options.definitions, options.definitionsFile);
  const result = (overflows: number, wrote: boolean): FinishResult => ({
    rows: job.entities.rows,
    features: features.map(({ as }) => as),
    coverage: job.coverage,
    overflows,
    wrote,
  });
  const removeFolder = (): Promise<void> =>
    rm(file.staging, { recursive: true, force: true, maxRetries: 3 });
  if (await isFinished(job)) {
    await removeFolder();
    return result(0, false);
  }
  try {
    const overflows = await writeOutput(file, features, options);
    onStep("committed");
    await removeFolder();
    return result(overflows, true);
  } catch (error) {
    // another process finished the job at the same time, and removed its folder
    if (!signal.aborted && (await isFinished(job))) return result(0, false);
    throw error;
  }
}

/** Writes the output. Returns the number of overflows. */
async function writeOutput(
  file: JobFile,
  features: readonly SelectedFeature[],
  options: FinishOptions,
): Promise<number> {
  const { job } = file;
  const { signal, onStep = () => undefined } = options;
  await refuseMissingFolder(file);
  const claims = await claimsOf(file);
  const { writeParquet } = await loadDelta(`the Parquet file ${job.output.file}`);
  const input = join(file.staging, job.entities.file);
  const { force } = job.output;
  const out = await atomicFile(job.output.file, { force, input, writer: randomUUID() });
  try {
    const { columns, batches } = await mergedRows(file, claims, features, options);
    const metadata = { [JOB_KEY]: job.id };
    await writeParquet(out.temporary, { columns, batches, metadata, signal });
    signal.throwIfAborted();
    onStep("merged");
    await out.commit();
  } finally {
    await out.abandon();
  }
  return claims.reduce((sum, { overflows }) => sum + overflows, 0);
}

/** The claims of all shards. */
async function claimsOf(file: JobFile): Promise<readonly Claim[]> {
  const claims: Claim[] = [];
  const missing: number[] = [];
  for (const shard of file.job.shards.keys()) {
    const claim = await readClaim(file, shard);
    if (claim === null) missing.push(shard);
    else claims.push(claim);
  }
  if (missing.length === 0) return claims;
  const count = file.job.shards.length;
  throw new TidemarkError(
    "JOB_SHARDS_MISSING",
    `${file.file}: ${missing.length} of ${count} shards are not computed: ` +
      `${missing.map((shard) => `${shard}/${count}`).join(", ")}; run tidemark shard --shard for ` +
      "each of them, and then finish again",
  );
}

/** Entity rows as they were given, with the answers of all shards. */
async function mergedRows(
  { job, staging }: JobFile,
  claims: readonly Claim[],
  features: readonly SelectedFeature[],
  { signal, onRows, onStep = () => undefined }: FinishOptions,
): Promise<{ readonly columns: readonly ColumnSpec[]; readonly batches: AsyncIterable<Batch> }> {
  const needed = keysNeeded(features);
  const { zone, timeUnit } = job.entities;
  const given = await entityFile(join(staging, job.entities.file), {
    keys: needed,
    zone,
    timeUnit,
    signal,
  });
  // the least limit: each batch of the file is a block
  const source = await entityRowsOf(given, needed, features.length, 1);
  const results = answerColumns(features);
  const stored = storedColumns(results, job.output.metadata);
  const shards: ShardRows[] = [];
  for (const claim of claims) shards.push(await openShard(staging, claim, stored));
  const columns = [...source.columns, ...outputColumns(results, job.output)];
  const batches = async function* (): AsyncGenerator<Batch> {
    let first = 0;
    for await (const block of source.blocks(signal)) {
      signal.throwIfAborted();
      const { length } = block;
      const answers = await answersOf(staging, shards, first, length);
      first += length;
      onRows(first, job.entities.rows);
      onStep("merging");
      const vectors = [...block.batch().vectors, ...outputVectors(answers, job.output)];
      yield { length, columns, vectors };
    }
    if (first !== job.entities.rows) throw damaged(staging);
  };
  return { columns, batches: batches() };
}

/** The answers of a shard, from the first row that was not taken. */
interface ShardRows {
  /** The numbers of the rows of `batch`. null: all rows were taken. */
  numbers: BigInt64Array | null;
  batch: Batch | null;
  at: number;
  next(): Promise<void>;
}

async function openShard(
  staging: string,
  claim: Claim,
  columns: readonly ColumnSpec[],
): Promise<ShardRows> {
  const { readParquet } = await loadDelta("the answers of a shard");
  const names = columns.map(({ name }) => name);
  const rows = await readParquet(join(staging, claim.file), { columns: names });
  if (rows.rows !== claim.rows) throw damaged(staging);
  const batches = rows.batches()[Symbol.asyncIterator]();
  const shard: ShardRows = {
    numbers: null,
    batch: null,
    at: 0,
    async next() {
      const { done, value } = await batches.next();
      shard.batch = done === true ? null : value;
      shard.numbers =
        shard.batch === null
          ? null
          : (shard.batch.vectors[0] as Extract<Vector, { kind: "int64" }>).values;
      shard.at = 0;
    },
  };
  await shard.next();
  return shard;
}

/** Takes the answers to the rows [first, first + length), in their order. */
async function answersOf(
  staging: string,
  shards: readonly ShardRows[],
  first: number,
  length: number,
): Promise<readonly Vector[]> {
  const piece = new Int32Array(length).fill(-1);
  const place = new Int32Array(length);
  const pieces: (readonly Vector[])[] = [];
  const end = BigInt(first + length);
  let taken = 0;
  for (const shard of shards)
    while (shard.numbers !== null && shard.numbers[shard.at]! < end) {
      const { numbers, at } = shard;
      let stop = at;
      for (; stop < numbers.length && numbers[stop]! < end; stop++) {
        const row = Number(numbers[stop]!) - first;
        if (row < 0 || piece[row] !== -1) throw damaged(staging);
        piece[row] = pieces.length;
        place[row] = stop - at;
        taken++;
      }
      const vectors = shard.batch!.vectors.slice(1);
      pieces.push(vectors.map((vector) => layoutOf(vector).slice(vector, at, stop)));
      shard.at = stop;
      if (stop === numbers.length) await shard.next();
    }
  if (taken !== length) throw damaged(staging);
  return pieces[0]!.map((_, c) =>
    gatherRows(
      pieces.map((vectors) => vectors[c]!),
      piece,
      place,
    ),
  );
}

function outputColumns(
  results: readonly ColumnSpec[],
  { metadata }: ShardJob["output"],
): readonly ColumnSpec[] {
  if (!metadata) return results;
  const beside = (name: string, type: "string" | "timestamp"): ColumnSpec => ({
    name,
    database: name,
    type,
    nullable: true,
    ...(type === "timestamp" ? { zone: "UTC" } : {}),
  });
  return results.flatMap((result) => [
    result,
    beside(`${result.name}__status`, "string"),
    beside(`${result.name}__event_timestamp`, "timestamp"),
  ]);
}

/** Statuses become texts. */
function outputVectors(
  answers: readonly Vector[],
  { metadata }: ShardJob["output"],
): readonly Vector[] {
  if (!metadata) return answers;
  return answers.map((vector, c) =>
    c % 3 === 1
      ? {
          kind: "string",
          codes: (vector as Extract<Vector, { kind: "int32" }>).values,
          dictionary: [...ENGINE_STATUSES],
          valid: null,
        }
      : vector,
  );
}

function damaged(staging: string): TidemarkError {
  return new TidemarkError(
    "JOB_INVALID",
    `${staging}: the files of the job are not those that were written; write the job again with ` +
      "tidemark training-set",
  );
}
