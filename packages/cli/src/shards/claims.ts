/**
 * Says which shards are computed. The first attempt that makes the claim of a shard wins; the file
 * of answers of any other attempt does not count.
 */
import { link, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { TidemarkError } from "@tidemark/core";
import type { JobFile } from "./shard-job.ts";
import { writeWhole } from "./shard-job.ts";

/** A shard that is computed. */
export interface Claim {
  readonly format: 1;
  /** The SHA-256 of the job. */
  readonly job: string;
  readonly shard: number;
  /** The file of the answers in the folder of the job. */
  readonly file: string;
  readonly rows: number;
  /** Sums outside their type (law 3). */
  readonly overflows: number;
}

const claimFile = ({ staging }: JobFile, shard: number): string =>
  join(staging, `shard-${shard}.json`);

/**
 * The claim of a shard; null: there is none.
 *
 * @throws JOB_INVALID when it is of another job.
 */
export async function readClaim(job: JobFile, shard: number): Promise<Claim | null> {
  const file = claimFile(job, shard);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const claim = JSON.parse(text) as Claim;
  if (claim.job === job.sha256 && claim.shard === shard) return claim;
  throw new TidemarkError(
    "JOB_INVALID",
    `${file}: the shard was computed for another job than ${job.file}, which was changed ` +
      "meanwhile; write the job again with tidemark training-set",
  );
}

/**
 * Makes the claim of a shard, unless there is one. Returns the claim that counts. `onWritten` is
 * called before the claim counts.
 */
export async function makeClaim(
  job: JobFile,
  claim: Claim,
  attempt: string,
  onWritten: () => void,
): Promise<Claim> {
  const file = claimFile(job, claim.shard);
  const own = `${file}.${attempt}`;
  await writeWhole(own, `${JSON.stringify(claim)}\n`, "claim");
  onWritten();
  try {
    await link(own, file);
    return claim;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return (await readClaim(job, claim.shard))!;
  } finally {
    await rm(own, { force: true });
  }
}
