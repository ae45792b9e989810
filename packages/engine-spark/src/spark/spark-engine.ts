/** Runs jobs by spark-submit. */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { TidemarkError } from "@tidemark/core";
import type { JobEngine } from "@tidemark/core/spi";
import type { SparkJob, SparkReport } from "./spark-job.ts";

/** How Spark is reached. */
export interface SparkEngineOptions {
  /**
   * The address of the offline store as Spark reaches it: a folder, or `s3a://bucket/prefix`.
   */
  readonly lake: string;
  /** A folder for jobs and entity rows, which this machine and those of Spark have in common. */
  readonly staging: string;
  /** The command of `spark-submit`. Default: `spark-submit`. */
  readonly submit?: string | undefined;
  /** The master, as `--master` takes it. Default: what Spark's own settings say. */
  readonly master?: string | undefined;
  /** Settings of Spark, for `--conf`. */
  readonly conf?: Readonly<Record<string, string>> | undefined;
  /** More arguments of `spark-submit`, such as `["--num-executors", "8"]`. */
  readonly submitArguments?: readonly string[] | undefined;
  /** Variables of the environment of `spark-submit`, beside those of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /**
   * Node on the machines of Spark, 22.18 or newer: a command or a path, such as
   * `./node/bin/node`. Default: `node`.
   */
  readonly node?: string | undefined;
  /**
   * The archive of `tidemark engine pack`: a file, or an address that Spark reaches. The machines
   * of Spark use the Node and the kernel in it. Without it they need a Node of their own.
   */
  readonly archive?: string | undefined;
  /** The number of partitions. Default: twice the cores of the cluster. */
  readonly partitions?: number | undefined;
  /** The kernel answers so many rows of whole entities at once. Default: 200,000. */
  readonly rowsPerRun?: number | undefined;
  /**
   * An entity with more rows is cut by time, where the windows of a view have an end. null: none
   * is. Default: 500,000.
   */
  readonly hotRows?: number | null | undefined;
}

/** An engine that runs training sets on Spark. */
export interface SparkEngine extends JobEngine<SparkJob> {
  readonly options: SparkEngineOptions;
  run(...args: Parameters<JobEngine<SparkJob>["run"]>): Promise<SparkReport>;
}

/** The file that spark-submit runs. */
function sparkProgram(): string {
  return fileURLToPath(new URL("../python/tidemark_spark.py", moduleUrl()));
}

/** The address of a file that lies one folder below the package, built or not. */
function moduleUrl(): URL {
  const isSource = import.meta.url.endsWith(".ts");
  return new URL(isSource ? "../index.ts" : "./index.js", import.meta.url);
}

/**
 * Makes the engine that computes training sets on Spark, for `engines` of `tidemark.config.ts`.
 * Spark needs Python with pyarrow and pandas, the jars of Delta Lake, and Node on its machines.
 *
 * @example
 * const spark = sparkEngine({
 *   lake: "s3a://bank/lake",
 *   staging: "/mnt/shared/tidemark",
 *   conf: { "spark.executor.instances": "8" },
 * });
 */
export function sparkEngine(options: SparkEngineOptions): SparkEngine {
  for (const name of ["lake", "staging"] as const)
    if (typeof options[name] !== "string" || options[name] === "")
      throw new TidemarkError(
        "OPTION_INVALID",
        `sparkEngine: ${name} is missing; give its address`,
      );
  return {
    name: "spark",
    options,
    async run(job, { signal, onProgress } = {}) {
      const file = join(options.staging, `${job.id}.json`);
      await writeFile(file, JSON.stringify(job));
      return submit(job, file, options, signal, onProgress);
    },
  };
}

/** The folder into which Spark unpacks the archive, below that of each task. */
export const ARCHIVE_FOLDER = "node";

/** The arguments of spark-submit for a job. */
export function submitArguments(
  job: SparkJob,
  file: string,
  { master, conf = {}, archive, submitArguments: more = [] }: SparkEngineOptions,
): readonly string[] {
  return [
    ...(master === undefined ? [] : ["--master", master]),
    ...Object.entries(conf).flatMap(([name, value]) => ["--conf", `${name}=${value}`]),
    ...(job.kernel.shipped ? ["--files", job.kernel.file] : []),
    ...(archive === undefined ? [] : ["--archives", `${archive}#${ARCHIVE_FOLDER}`]),
    ...more,
    sparkProgram(),
    file,
  ];
}

async function submit(
  job: SparkJob,
  file: string,
  options: SparkEngineOptions,
  signal: AbortSignal | undefined,
  onProgress: ((rows: number) => void) | undefined,
): Promise<SparkReport> {
  const command = options.submit ?? "spark-submit";
  signal?.throwIfAborted();
  // a group of its own: spark-submit starts Java, which starts Python
  const child = spawn(command, submitArguments(job, file, options), {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    detached: process.platform !== "win32",
  });
  const end = (): void => {
    try {
      if (process.platform === "win32") child.kill();
      else process.kill(-child.pid!, "SIGTERM");
    } catch {
      // it has ended already
    }
  };
  signal?.addEventListener("abort", end);
  let [said, report] = [null as string | null, null as SparkReport | null];
  const errors: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    if (SAYS_NOTHING.test(line)) return;
    errors.push(line.slice(0, 1000));
    if (errors.length > 1000) errors.shift();
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (!line.startsWith("TIDEMARK ")) return;
    const told = JSON.parse(line.slice("TIDEMARK ".length)) as Partial<SparkReport> & {
      readonly progress?: number;
      readonly error?: string;
    };
    if (told.progress !== undefined) onProgress?.(told.progress);
    if (told.error !== undefined) said = told.error;
    if (told.rows !== undefined)
      report = {
        rows: told.rows,
        overflows: told.overflows!,
        longestRun: told.longestRun!,
        wrote: told.wrote!,
      };
  });
  try {
    const how = await new Promise<string>((resolve) => {
      child.on("error", (error) => {
        resolve(`did not start: ${error.message}`);
      });
      child.on("close", (code, killed) => {
        resolve(code === 0 ? "" : `ended with ${killed ?? `exit code ${code}`}`);
      });
    });
    signal?.throwIfAborted();
    if (how === "" && report !== null) return report;
    throw new TidemarkError(
      "SPARK_FAILED",
      `${command} ${how === "" ? "ended without a result" : how}: ${said ?? causeOf(errors)}; ` +
        `the job is ${file}`,
    );
  } finally {
    signal?.removeEventListener("abort", end);
  }
}

/** Lines of Spark's log about its progress, and the lines of a stack of Java. */
const SAYS_NOTHING = /^(?:\S+ \S+ (?:INFO|DEBUG|WARN) |\s+at |\s*\.\.\. \d+ more|\s*$)/;

/** The lines of Spark's errors that say most: those of Tidemark, or else the last ones. */
function causeOf(errors: readonly string[]): string {
  const named = errors.findLast((line) => /\b(?:KERNEL|OUT)_[A-Z_]+: /.test(line));
  return named?.trim() ?? errors.slice(-5).join(" ").trim();
}
