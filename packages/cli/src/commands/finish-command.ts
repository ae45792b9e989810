/** `tidemark finish`: joins the shards of a job into one file. */
import { collectDefinitions } from "@tidemark/core";
import { finishJob } from "../shards/finish-job.ts";
import { readJob } from "../shards/shard-job.ts";
import { configCommand } from "./config-command.ts";

const help = `Usage: tidemark finish --job job.json [options]

Joins the shards of a job into the file of --out of tidemark training-set: the entity
rows in their order, with their features. The file appears when it is complete. Then the
folder of the job is removed. A job that is finished already is left as it is.

  --job FILE            the job; its folder lies beside it
`;

export const finishCommand: ReturnType<typeof configCommand> = configCommand({
  name: "finish",
  help,
  exitCodes: {
    0: "written, now or before",
    1: "failed; nothing was written",
    130: "interrupted; nothing was written",
  },
  interrupted: "nothing was written",
  options: { job: "text" },
  required: ["job"],
  async run({ given, config, progress, signal, printResult, seconds }) {
    const file = await readJob(given.text("job")!);
    const out = file.job.output.file;
    const result = await finishJob(file, {
      definitions: collectDefinitions(config.definitions),
      definitionsFile: config.file,
      signal,
      onRows(rows, of) {
        progress.update(`${rows} of ${of} rows, ${seconds()}`);
      },
    });
    printResult({ out, knowledge: file.job.knowledge, ...result }, [
      result.wrote
        ? `${result.rows} rows with ${result.features.length} features, after ${seconds()}: ${out}`
        : `the job is finished already: ${out}`,
    ]);
    return 0;
  },
});
