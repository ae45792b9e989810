/** Keeps training sets that have ended for a time, and finds those whose process has died. */
import { rm } from "node:fs/promises";
import { TidemarkError } from "@tidemark/core";
import { publicError, statusOf } from "../http/http-errors.ts";
import type { JobFolder } from "./job-folder.ts";
import type { StoredJob } from "./job-types.ts";

/** Decides how long training sets are kept. */
export interface Retention {
  /** The times of a training set that ends now. */
  ended(): Pick<StoredJob, "ended" | "expires">;
  /** The training set as failed by an error. `request` is the id of the request in the log. */
  failed(job: StoredJob, error: unknown, request: string): StoredJob;
  /** Returns the training set as it counts now. null: it is no longer kept. */
  current(job: StoredJob): Promise<StoredJob | null>;
  /** Removes what is no longer kept. A training set whose process has died counts as failed. */
  removeExpired(): Promise<void>;
}

/** The age (ms) of the state of a running training set whose process has probably died. */
const LOST_AGE = 30_000;

/** Makes the retention of the training sets of a folder. Times are in ms. */
export function retention(
  folder: JobFolder,
  {
    now,
    keepTime,
    maxKept,
    isRunning,
  }: {
    readonly now: () => number;
    readonly keepTime: number;
    readonly maxKept: number;
    /** Whether this process computes the training set. */
    readonly isRunning: (id: string) => boolean;
  },
): Retention {
  const timeText = (ms: number): string => new Date(ms).toISOString();
  const ended = (): Pick<StoredJob, "ended" | "expires"> => {
    const time = now();
    return { ended: timeText(time), expires: timeText(time + keepTime) };
  };

  function failed(job: StoredJob, error: unknown, request: string): StoredJob {
    const status = statusOf(error);
    return {
      ...job,
      ...ended(),
      state: "failed",
      status,
      error: publicError(error, status, request),
    };
  }

  async function current(job: StoredJob): Promise<StoredJob | null> {
    if (job.expires !== null && Date.parse(job.expires) <= now()) {
      await folder.remove(job.id);
      return null;
    }
    if (job.state !== "running" || isRunning(job.id)) return job;
    if ((await folder.age(job.id).catch(() => 0)) < LOST_AGE) return job;
    const error = new TidemarkError(
      "TRAINING_SET_LOST",
      `the training set ${job.id}: the process that computed it has ended; send the rows again`,
    );
    const lost = failed(job, error, job.id);
    await rm(await folder.rowsFile(job.id), { force: true });
    await folder.write(lost);
    return lost;
  }

  async function removeExpired(): Promise<void> {
    const kept: StoredJob[] = [];
    for (const job of await folder.list()) {
      const known = await current(job);
      if (known === null) continue;
      if (known.state !== "running") kept.push(known);
    }
    kept.sort((a, b) => Date.parse(a.ended!) - Date.parse(b.ended!));
    for (const { id } of kept.slice(0, Math.max(0, kept.length - maxKept))) await folder.remove(id);
  }

  return { ended, failed, current, removeExpired };
}
