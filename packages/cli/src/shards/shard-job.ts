/**
 * The job of shards as plain data: a training set that several processes compute, each a part of
 * its entity rows. The job has no secret, and no definition travels with it.
 */
import { createHash } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { TidemarkError, type Definitions, type Knowledge, type TimeUnit } from "@tidemark/core";
import type { SelectedFeature } from "@tidemark/core/spi";
import {
  selectionFingerprint,
  type HistoricalFileResult,
  type PinnedTables,
} from "@tidemark/core/internal";
import { featuresNamed, featuresOfService } from "../input/named-features.ts";

/** The features of a job, as the command line names them. */
export type NamedFeatures = { readonly service: string } | { readonly features: readonly string[] };

/** A training set in shards. */
export interface ShardJob {
  readonly format: 1;
  readonly kind: "tidemark shards";
  readonly id: string;
  /** The folder of the job's files, beside the job. */
  readonly staging: string;
  readonly features: NamedFeatures;
  /** The fingerprint of the definitions of these features. */
  readonly fingerprint: string;
  readonly knowledge: Knowledge;
  /** The version of each table of the history. */
  readonly tables: PinnedTables;
  readonly entities: {
    /** The copy of the entity rows in `staging`. */
    readonly file: string;
    readonly zone: string | null;
    readonly timeUnit: TimeUnit | null;
    readonly rows: number;
  };
  /** The number of entity rows of each shard. */
  readonly shards: readonly number[];
  readonly output: {
    readonly file: string;
    readonly force: boolean;
    /** Statuses and event times stand beside the values. */
    readonly metadata: boolean;
  };
  readonly coverage: HistoricalFileResult["coverage"];
}

/** A job, and the file that holds it. */
export interface JobFile {
  readonly job: ShardJob;
  readonly file: string;
  /** The SHA-256 of the file. */
  readonly sha256: string;
  /** The path of the folder of its files. */
  readonly staging: string;
}

/** The text in the end of the output that names its job. */
export const JOB_KEY = "tidemark.job";
/** The column with the number of each entity row. */
export const ROW_COLUMN = "_row";

const sha256 = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");

/** The file with the entity rows of a shard. */
export const entitiesOfShard = ({ staging }: Pick<JobFile, "staging">, shard: number): string =>
  join(staging, `entities-${shard}.parquet`);

/** Writes a file whole or not at all, durably. */
export async function writeWhole(file: string, text: string, attempt: string): Promise<void> {
  const temporary = `${file}.${attempt}.tmp`;
  const handle = await open(temporary, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

/** The text of a job. */
export const jobText = (job: ShardJob): string => `${JSON.stringify(job)}\n`;

/**
 * Reads a job of shards.
 *
 * @throws JOB_INVALID when the file does not exist, or holds no such job.
 */
export async function readJob(given: string): Promise<JobFile> {
  const file = resolve(given);
  const invalid = (what: string, cause?: unknown): TidemarkError =>
    new TidemarkError(
      "JOB_INVALID",
      `${given}: ${what}; write one with tidemark training-set --shards N --job ${given}`,
      { cause },
    );
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw invalid(`the job cannot be read: ${(cause as Error).message}`, cause);
  });
  let job: Partial<ShardJob>;
  try {
    job = JSON.parse(bytes.toString()) as Partial<ShardJob>;
  } catch (cause) {
    throw invalid("this is no JSON", cause);
  }
  if (job.kind !== "tidemark shards") throw invalid("this is no job of shards");
  if (job.format !== 1) throw invalid(`the job has the format ${String(job.format)}, not 1`);
  if (!isWhole(job)) throw invalid("the job is not whole, or names files outside its folder");
  return { job, file, sha256: sha256(bytes), staging: join(dirname(file), job.staging) };
}

/** Whether a job has all its members, and names no file outside its folder: `finish` removes it. */
function isWhole(job: Partial<ShardJob>): job is ShardJob {
  const { id, staging, features, fingerprint, knowledge, tables, entities, shards, output } = job;
  const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;
  const isText = (value: unknown): boolean => typeof value === "string";
  const isName = (value: unknown): boolean =>
    isText(value) &&
    basename(value as string) === value &&
    !["", ".", ".."].includes(value as string);
  return (
    [id, fingerprint, knowledge].every(isText) &&
    [features, tables, entities, output, job.coverage].every(isObject) &&
    Array.isArray(shards) &&
    shards.every((rows) => Number.isSafeInteger(rows) && rows >= 0) &&
    isName(staging) &&
    isName(entities?.file) &&
    Number.isSafeInteger(entities?.rows) &&
    isText(output?.file)
  );
}

/** The features that a job names, in these definitions. */
export function featuresOfJob(
  named: NamedFeatures,
  definitions: Definitions,
  file: string,
): readonly SelectedFeature[] {
  return "service" in named
    ? featuresOfService(named.service, definitions, file)
    : featuresNamed(named.features, definitions, file);
}

/**
 * The features of a job, whose definitions must be those of the process that wrote it.
 *
 * @throws JOB_DEFINITION_MISMATCH when they are others.
 */
export function checkedFeatures(
  { job, file }: Pick<JobFile, "job" | "file">,
  definitions: Definitions,
  definitionsFile: string,
): readonly SelectedFeature[] {
  const features = featuresOfJob(job.features, definitions, definitionsFile);
  if (selectionFingerprint(definitions, features) !== job.fingerprint)
    throw new TidemarkError(
      "JOB_DEFINITION_MISMATCH",
      `${file}: the job was written with other definitions of its features than those of ` +
        `${definitionsFile}; use the same definitions, or write the job again`,
    );
  return features;
}
