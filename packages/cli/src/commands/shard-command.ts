/** `tidemark shard`: computes one shard of a job. */
import { computeShard } from "../shards/compute-shard.ts";
import { readJob, type ShardJob } from "../shards/shard-job.ts";
import { sizeOf, usage, workersOf } from "../terminal/options.ts";
import { configCommand } from "./config-command.ts";
import { fitYoungGeneration } from "../training-set/young-generation.ts";

const help = `Usage: tidemark shard --job job.json [--shard 3/16] [options]

Computes one shard of a job that tidemark training-set --shards wrote, with the local
engine. The history is read as it was when the job was written. The first attempt of a
shard counts, so a shard may run again at any time, and at the same time.

  --job FILE            the job; its folder lies beside it
  --shard I/N           the number of the shard, from 0, and that of all shards. If left
                        out, it is the index of Kubernetes (JOB_COMPLETION_INDEX) or of
                        AWS Batch (AWS_BATCH_JOB_ARRAY_INDEX)
  --memory-limit SIZE   the memory of the events, rows and answers, about, such as
                        512MiB; default: 1GiB. Events beyond it wait in a temporary file
  --workers N           the threads that compute, at most one for 320MiB of memory, and
                        none below 1GiB; default: one for each core
`;

export const shardCommand: ReturnType<typeof configCommand> = configCommand({
  name: "shard",
  help,
  exitCodes: {
    0: "the shard is computed, by this attempt or by another one",
    1: "failed; the shard does not count",
    130: "interrupted; the shard does not count",
  },
  interrupted: "the shard does not count",
  options: { job: "text", shard: "text", "memory-limit": "text", workers: "text" },
  required: ["job"],
  async run({ given, config, progress, signal, open, printResult, seconds }) {
    const memoryLimit = sizeOf(given, "memory-limit");
    fitYoungGeneration(memoryLimit);
    const file = await readJob(given.text("job")!);
    const count = file.job.shards.length;
    const shard = shardOf(given.text("shard"), file.job);
    const { offline, definitions } = await open({ online: false, offline: true });
    const { rows, overflows, wrote } = await computeShard(file, shard, {
      offline: offline!,
      definitions,
      definitionsFile: config.file,
      memoryLimit,
      workers: workersOf(given),
      signal,
      onRows(done, of) {
        progress.update(`shard ${shard}/${count}: ${done} of ${of} rows, ${seconds()}`);
      },
    });
    printResult({ shard, shards: count, rows, overflows, wrote }, [
      `shard ${shard}/${count}: ${rows} rows ` +
        (wrote ? `after ${seconds()}` : "are computed already"),
    ]);
    return 0;
  },
});

/** The variables in which schedulers give the index of a task, from 0. */
const INDEX_VARIABLES = ["JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"] as const;

function shardOf(text: string | undefined, { shards }: ShardJob): number {
  const name = INDEX_VARIABLES.find((one) => (process.env[one] ?? "") !== "");
  if (text === undefined && name === undefined)
    throw usage(
      `--shard is missing: give 0/${shards.length} to ${shards.length - 1}/${shards.length}`,
    );
  const [given, what] =
    text === undefined
      ? [`${process.env[name!]!}/${shards.length}`, name!]
      : [text, `--shard ${text}`];
  const [, index, of] = /^(\d{1,9})\/(\d{1,9})$/.exec(given) ?? [];
  if (index === undefined || Number(of) !== shards.length || Number(index) >= shards.length)
    throw usage(
      `${what}${text === undefined ? ` is ${process.env[name!]!}` : ""}: the job has ` +
        `${shards.length} shards, 0/${shards.length} to ${shards.length - 1}/${shards.length}`,
    );
  return Number(index);
}
