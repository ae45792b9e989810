/** `tidemark training-set`: reads entity rows from a file and writes them with features. */
import { auditedTrainingSet, type HistoricalFileResult } from "@tidemark/core/internal";
import { configCommand } from "./config-command.ts";
import { usage, choiceOf, sizeOf, workersOf, type ParsedOptions } from "../terminal/options.ts";
import { featureNames, featuresAsked, timeReadingOf } from "../training-set/asked.ts";
import { engineNamed } from "../training-set/engine-named.ts";
import { trainingSetFile } from "../training-set/training-set-file.ts";
import { fitYoungGeneration } from "../training-set/young-generation.ts";

const help = `Usage: tidemark training-set --service NAME --entities labels.parquet
                             --out training.parquet [options]

Reads entity rows from a file and writes the same rows, in their order, with features as
of the event_timestamp of each row. Entity rows have the entity keys, event_timestamp
and any other columns. The file of --out appears when it is complete.

  --service NAME        the feature service, or a feature view
  --features LIST       in place of --service: view:feature,view:feature; a view alone
                        means all its features
  --entities FILE       .parquet, .csv, .csv.gz, .jsonl or .jsonl.gz, or a folder of
                        Parquet files. In CSV an empty field is null, and the other
                        columns are text
  --out FILE            .parquet or .jsonl; with --engine a folder that does not exist
  --knowledge KIND      as-corrected (default): with all corrections
                        as-known: what the history had at each event_timestamp, as
                        serving without lag answered; train on these
  --before-history WHAT
                        for a row before a source's first commit: empty (default) gives
                        the answer without events, error refuses the row
  --zone ZONE           the zone of times without a zone, as pandas writes them; if left
                        out, such times are refused
  --time-unit UNIT      s, ms, us or ns: the unit of times that are whole numbers; if
                        left out, such times are refused
  --memory-limit SIZE   the memory of the events, rows and answers, about, such as
                        512MiB; default: 1GiB. Events beyond it wait in a temporary file
  --workers N           the threads that compute, at most one for 320MiB of memory, and
                        none below 1GiB; default: one for each core
  --force               replace the file of --out
  --engine NAME         an engine of the configuration computes the rows, such as Spark.
                        The output is a folder of Parquet files, whose column _row has
                        the number of each entity row
  --format FORMAT       with --engine: parquet (default), or delta: a Delta table with
                        one version
  --job FILE            with --engine: write the job and do not run it; a scheduler can
                        submit it with the arguments that the result has
  --shards N            with --job: write a job of N shards and do not run it. tidemark
                        shard computes each of them, and tidemark finish writes --out
`;

export const trainingSetCommand: ReturnType<typeof configCommand> = configCommand({
  name: "training-set",
  help,
  exitCodes: {
    0: "written",
    1: "failed; nothing was written",
    130: "interrupted; nothing was written",
  },
  interrupted: "nothing was written",
  options: {
    service: "text",
    features: "texts",
    entities: "text",
    out: "text",
    knowledge: "text",
    "before-history": "text",
    zone: "text",
    "time-unit": "text",
    "memory-limit": "text",
    workers: "text",
    force: "flag",
    engine: "text",
    format: "text",
    job: "text",
    shards: "text",
  },
  required: ["entities", "out"],
  async run({ given, config, progress, signal, open, printResult, seconds }) {
    const asked = featuresAsked(given);
    const out = given.text("out")!;
    const engineName = given.text("engine");
    const shards = shardsOf(given);
    if (engineName === undefined && given.has("format")) throw usage("--format needs --engine");
    if (engineName === undefined && shards === null && given.has("job"))
      throw usage("--job needs --engine or --shards");
    const format = choiceOf(given, "format", ["parquet", "delta"]);
    if (engineName !== undefined && given.has("force"))
      throw usage("--force is for files; remove the folder of --out first");
    if (engineName === undefined && !/\.(?:parquet|jsonl)$/i.test(out))
      throw usage(`--out ${out}: give a file that ends in .parquet or .jsonl`);
    const times = timeReadingOf(given);
    const engine = engineName === undefined ? null : engineNamed(config, engineName);
    const { store, offline, definitions } = await open({ online: false, offline: true });
    const features = asked(definitions, config.file);
    const knowledge = choiceOf(given, "knowledge", ["as-corrected", "as-known"]);
    const beforeHistory = choiceOf(given, "before-history", ["empty", "error"]);
    const memoryLimit = sizeOf(given, "memory-limit");
    fitYoungGeneration(memoryLimit);
    if (memoryLimit !== undefined && engine !== null)
      throw usage("--memory-limit is of this process; give the engine its memory in its own way");
    if (memoryLimit !== undefined && shards !== null)
      throw usage("--memory-limit is of the process that computes; give it to tidemark shard");
    const workers = workersOf(given);
    if (workers !== undefined && engine !== null)
      throw usage("--workers is of this process; give the engine its processes in its own way");
    if (workers !== undefined && shards !== null)
      throw usage("--workers is of the process that computes; give it to tidemark shard");
    if (shards !== null) {
      const service = given.text("service");
      const job = given.text("job")!;
      const { rows, coverage, ...written } = await (
        await import("../shards/write-shard-job.ts")
      ).writeShardJob({
        store,
        offline: offline!,
        definitions,
        definitionsFile: config.file,
        features: service === undefined ? { features: featureNames(given) } : { service },
        entities: given.text("entities")!,
        knowledge,
        beforeHistory,
        ...times,
        shards,
        out,
        force: given.has("force"),
        job,
        signal,
        onWarning: (message) => {
          progress.warn(message);
        },
      });
      warnOfNoHistory(coverage, progress);
      printResult({ out, job, knowledge, rows, coverage, ...written }, [
        `${rows} rows with ${written.features.length} features in ${shards} shards, after ` +
          `${seconds()}: ${job}`,
        `run tidemark shard --job ${job} --shard I/${shards} for I from 0 to ${shards - 1}, and ` +
          `then tidemark finish --job ${job}`,
      ]);
      return 0;
    }
    const wanted = {
      features,
      entities: given.text("entities")!,
      out,
      knowledge,
      beforeHistory,
      ...times,
      signal,
      onRows: (rows: number, of: number | null) => {
        progress.update(`${rows}${of === null ? "" : ` of ${of}`} rows, ${seconds()}`);
      },
      onWarning: (message: string) => {
        progress.warn(message);
      },
    };
    const compute = async (): Promise<
      HistoricalFileResult & { readonly submit?: readonly string[] }
    > =>
      engine === null
        ? trainingSetFile(store, { ...wanted, memoryLimit, workers, force: given.has("force") })
        : (await import("../training-set/engine-training-set.ts")).engineTrainingSet(
            { store, offline: offline!, engine, job: given.text("job") ?? null, format },
            wanted,
          );
    const result = await auditedTrainingSet(store, { features, signal }, compute);
    warnOfNoHistory(result.coverage, progress);
    const coverage = Object.entries(result.coverage).map(
      ([source, { knownSince }]) =>
        `${source}: ${knownSince === null ? "no history" : `known since ${knownSince}`}`,
    );
    printResult({ out, knowledge, ...result }, [
      `${result.rows} rows with ${result.features.length} features ` +
        `${knowledge === "as-known" ? "as known" : "as corrected"}, ` +
        (result.submit === undefined
          ? `after ${seconds()}: ${out}`
          : `in the job ${given.text("job")!}: spark-submit ${result.submit.join(" ")}`),
      ...coverage,
    ]);
    return 0;
  },
});

function warnOfNoHistory(
  coverage: HistoricalFileResult["coverage"],
  progress: { warn(message: string): void },
): void {
  for (const [source, { knownSince }] of Object.entries(coverage))
    if (knownSince === null)
      progress.warn(
        `source "${source}" has no history yet: its features are those of an entity without ` +
          "events (law 6)",
      );
}

const MOST_SHARDS = 10_000;

/** The number of shards; null: there are none. */
function shardsOf(given: ParsedOptions): number | null {
  const text = given.text("shards");
  if (text === undefined) return null;
  if (!/^[1-9]\d{0,4}$/.test(text) || Number(text) > MOST_SHARDS)
    throw usage(`--shards ${text}: give a whole number from 1 to ${MOST_SHARDS}`);
  if (!given.has("job")) throw usage("--shards needs --job, the file of the job");
  if (given.has("engine")) throw usage("--shards needs no --engine; leave one of them out");
  if (!/\.parquet$/i.test(given.text("out")!))
    throw usage(`--out ${given.text("out")!}: with --shards give a file that ends in .parquet`);
  return Number(text);
}
