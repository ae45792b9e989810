/** Opens the result of a training set as rows, which profiles and drift read. */
import { TidemarkError, type ProfiledRows } from "@tidemark/core";
import { metadataKey, type ReadParquet } from "@tidemark/core/internal";
import type { StoredJob, TrainingSets } from "./job-types.ts";

/** The error of a training set that the caller does not have. */
export function unknownTrainingSet(id: string): TidemarkError {
  return new TidemarkError(
    "TRAINING_SET_UNKNOWN",
    `the training set ${JSON.stringify(id.slice(0, 100))}: there is none, or it is no longer ` +
      "kept; send its rows again",
  );
}

/**
 * Refuses a training set without a result.
 *
 * @throws TRAINING_SET_RUNNING when it is not done.
 */
export function refuseRunning({ id, state, done, rows }: StoredJob): void {
  if (state !== "running") return;
  throw new TidemarkError(
    "TRAINING_SET_RUNNING",
    `the training set ${id}: ${done} of ${rows ?? "its"} rows are computed; repeat the request ` +
      "when its state is done",
  );
}

/**
 * Opens the result of a training set of the caller.
 *
 * @throws TRAINING_SET_UNKNOWN when the caller has none of that id, or it is no longer kept.
 * @throws TRAINING_SET_RUNNING when it is not done.
 * @throws the error by which it failed.
 */
export async function resultRows(
  sets: Pick<TrainingSets, "find" | "resultFile">,
  readParquet: ReadParquet,
  {
    id,
    caller,
    signal,
  }: { readonly id: string; readonly caller: string | null; readonly signal: AbortSignal },
): Promise<ProfiledRows> {
  const job = await sets.find(id, caller);
  refuseRunning(job);
  if (job.error !== null) throw new TidemarkError<string>(job.error.code, job.error.message);
  const file = await readParquet(await sets.resultFile(id), { signal }).catch(
    async (error: unknown) => {
      await sets.find(id, caller); // it may have been removed since
      throw error;
    },
  );
  return {
    name: `training set ${id}`,
    columns: file.columns,
    batches: (options) => file.batches(options),
  };
}

/** The rows with each column as personal data, because a file does not say which columns are. */
export function hiddenRows({ columns, ...rows }: ProfiledRows): ProfiledRows {
  const hidden = columns.map((one) => ({ ...one, [metadataKey]: { sensitivity: "pii" as const } }));
  return { ...rows, columns: hidden };
}
