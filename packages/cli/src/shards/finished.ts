/** Says whether the output of a job is there. The end of the output names its job. */
import { stat } from "node:fs/promises";
import { isTidemarkError } from "@tidemark/core";
import { loadDelta } from "../modules/optional-packages.ts";
import { JOB_KEY, type ShardJob } from "./shard-job.ts";

/** Whether the output is there, and is that of the job. */
export async function isFinished({ id, output: { file } }: ShardJob): Promise<boolean> {
  if ((await stat(file).catch(() => null))?.isFile() !== true) return false;
  const { readParquet } = await loadDelta(`the Parquet file ${file}`);
  try {
    return (await readParquet(file)).metadata.get(JOB_KEY) === id;
  } catch (error) {
    // a file that is no Parquet file, or that is replaced just now
    if (isTidemarkError(error)) return false;
    throw error;
  }
}
