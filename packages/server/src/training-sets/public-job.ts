/** Says what a caller sees of a training set. */
import type { StoredJob, TrainingSetJob } from "./job-types.ts";

/** Returns a training set as its caller sees it. */
export function publicJob(
  job: StoredJob,
): TrainingSetJob & { readonly url: string; readonly result: string | null } {
  const { caller: _caller, owner: _owner, status: _status, ...shown } = job;
  const url = `/v1/training-set/${job.id}`;
  return { ...shown, url, result: job.state === "done" ? `${url}/result` : null };
}
