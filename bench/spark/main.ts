/**
 * Compares a training set on Spark with that of the local engine: from the same lake and labels.
 * Spark runs as `local[2]` in one session, which a first job warms up. Processor time is that of
 * the session's processes by kind: Java, and Python with the kernels in Node.
 *
 *     npm run bench -- spark [--labels n] [--events n] [--users n] [--rounds n]
 */
import { collectDefinitions, openStore } from "@tidemark/core";
import { parquetEntities } from "@tidemark/core/internal";
import { valueAt, type Value } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects, readParquet } from "@tidemark/delta";
import { startProgram } from "@tidemark/testkit/child-process";
import { pythonReaders, sparkReader } from "@tidemark/testkit/needs";
import { startPython } from "@tidemark/testkit/python-program";
import { sparkJars } from "@tidemark/testkit/services/toolchain";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { featuresOfService } from "../../packages/cli/src/input/named-features.ts";
import {
  sparkEngine,
  sparkTrainingSet,
  type SparkEngine,
  type SparkJob,
  type SparkReport,
} from "../../packages/engine-spark/src/index.ts";
import { median } from "../figures.ts";
import { bankLabels, bankLake } from "../training-sets/bank-lake.ts";
import { computed, type Measured } from "../training-sets/computed.ts";
import { benchViews } from "../training-sets/views.ts";

const TARGETS = { kernel: 1.25, all: 5 };
const VIEW = "weekly_activity";
const root = join(import.meta.dirname, "../..");
const spark = join(root, "packages/engine-spark");

const { values: given } = parseArgs({
  options: {
    labels: { type: "string", default: "50000" },
    events: { type: "string", default: "2000000" },
    users: { type: "string", default: "10000" },
    rounds: { type: "string", default: "3" },
  },
});
const [labels, events, users, rounds] = [given.labels, given.events, given.users, given.rounds].map(
  Number,
) as [number, number, number, number];
const { missing } = sparkReader();
if (missing !== null) throw new Error(missing);

const size = { users, events, updated: 0, days: 90 };
const { folder: lake } = await bankLake(size, false);
const entities = await bankLabels(size, { kind: "random", labels, users });
const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
const python = pythonReaders().path;
await startProgram(
  process.execPath,
  [join(root, "node_modules/tsup/dist/cli-default.js"), "--config", "tsup.kernel.ts", "-d", folder],
  { cwd: spark },
).succeeded();
const kernel = join(folder, "kernel.js");
const session = startPython(python, [join(root, "e2e/test/python/spark_session.py"), sparkJars], {
  stdin: "pipe",
  env: { TZ: "UTC", PYTHONPATH: join(spark, "python"), PYSPARK_PYTHON: python },
});
await session.line("READY", { seconds: 300 });

/** The engine that sends jobs to the session. It runs the built kernel, as users do. */
const engine: SparkEngine = {
  name: "warm Spark",
  options: { ...sparkEngine({ lake, staging: folder }).options, node: process.execPath },
  async run(job) {
    const file = join(folder, "job.json");
    const sha256 = createHash("sha256").update(readFileSync(kernel)).digest("hex");
    const built: SparkJob = {
      ...job,
      kernel: { ...job.kernel, file: kernel, flags: [], shipped: false, sha256 },
    };
    writeFileSync(file, JSON.stringify(built));
    session.write(`${file}\n`);
    const end = await session.line(/^(?:TIDEMARK .*"rows"|FAILED)/, { seconds: 600 });
    if (end.startsWith("FAILED")) throw new Error(end);
    await session.line("DONE", { seconds: 60 });
    return JSON.parse(end.slice("TIDEMARK ".length)) as SparkReport;
  },
};

interface Used {
  readonly seconds: number;
  readonly host: number;
  readonly java: number;
  readonly python: number;
  readonly longestRun: number;
}

/** The seconds of processor time of the session's processes, those that have ended included. */
function sessionCpu(): { readonly java: number; readonly python: number } {
  const children = new Map<number, number[]>();
  const cpu = new Map<number, { readonly name: string; readonly seconds: number }>();
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    let stat: string;
    try {
      stat = readFileSync(`/proc/${entry}/stat`, "utf8");
    } catch {
      continue; // it has ended
    }
    const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const parent = fields[1]!;
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    // user and system time of the process, and those of its children that have ended
    const ticks = fields[11]! + fields[12]! + fields[13]! + fields[14]!;
    cpu.set(Number(entry), { name, seconds: ticks / 100 });
  }
  const total = { java: 0, python: 0 };
  const waiting = [session.pid!];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    waiting.push(...(children.get(pid) ?? []));
    const found = cpu.get(pid);
    if (found !== undefined) total[found.name === "java" ? "java" : "python"] += found.seconds;
  }
  return total;
}

/** One training set on Spark. */
async function onSpark(out: string): Promise<Used> {
  const offline = deltaOfflineStore(localObjects(lake));
  const store = await openStore({ definitions: benchViews, offline });
  const definitions = collectDefinitions(benchViews);
  const features = featuresOfService(VIEW, definitions, import.meta.filename);
  const keys = definitions.views.get(VIEW)!.entity.keys;
  const began = performance.now();
  const before = sessionCpu();
  const own = process.cpuUsage();
  const { longestRun } = await sparkTrainingSet({
    engine,
    store,
    offline,
    features,
    entities: await parquetEntities(
      entities,
      { keys, zone: null, timeUnit: null, signal: new AbortController().signal },
      readParquet,
    ),
    out,
  });
  const { user, system } = process.cpuUsage(own);
  const after = sessionCpu();
  await store.close();
  return {
    seconds: (performance.now() - began) / 1000,
    host: (user + system) / 1e6,
    java: after.java - before.java,
    python: after.python - before.python,
    longestRun,
  };
}

/** The rows of a training set as texts, by their label. */
async function rowsOf(place: string): Promise<ReadonlyMap<string, string>> {
  const rows = new Map<string, string>();
  for await (const { columns, vectors, length } of (await readParquet(place)).batches())
    for (let i = 0; i < length; i++) {
      const row = new Map<string, Value>(
        columns.map(({ name }, c) => [name, valueAt(vectors[c]!, i)]),
      );
      row.delete("_row");
      const label = String(row.get("label_id"));
      rows.set(label, [...row].map(([name, value]) => `${name}=${String(value)}`).join(","));
    }
  return rows;
}

const locals: Measured[] = [];
const sparks: Used[] = [];
let warmUp: Used;
try {
  const [local, out] = [join(folder, "local.parquet"), join(folder, "spark")];
  warmUp = await onSpark(out);
  for (let round = 1; round <= rounds; round++) {
    rmSync(out, { recursive: true, force: true });
    locals.push(
      await computed({ lake, entities, out: local, view: VIEW, knowledge: "as-corrected" }),
    );
    const one = await onSpark(out);
    sparks.push(one);
    if (round === 1) {
      const [mine, theirs] = [await rowsOf(local), await rowsOf(out)];
      if (mine.size !== labels || [...mine].some(([label, row]) => theirs.get(label) !== row))
        throw new Error("Spark gives another training set than the local engine");
    }
    console.log(
      `round ${round}: local engine ${locals.at(-1)!.cpu.toFixed(2)} s of processor time; Spark: ` +
        `Python and Node ${one.python.toFixed(2)} s, Java ${one.java.toFixed(2)} s, this process ` +
        `${one.host.toFixed(2)} s; load ${loadavg()[0]!.toFixed(1)}`,
    );
  }
} finally {
  session.endInput();
  await session.ended;
  rmSync(folder, { recursive: true, force: true });
}
const middle = (of: (one: Used) => number): number => Number(median(sparks.map(of)).toFixed(3));
const local = Number(median(locals.map(({ cpu }) => cpu)).toFixed(3));
const [python_, java, host] = [
  middle((one) => one.python),
  middle((one) => one.java),
  middle((one) => one.host),
];
const ratio = (cpu: number): number => Number((cpu / local).toFixed(3));
console.log(
  JSON.stringify({
    bench: "spark",
    labels,
    ...size,
    rounds,
    cpu: { local, pythonAndNode: python_, java, host },
    warmUp: warmUp!,
    seconds: {
      local: Number(median(locals.map(({ seconds }) => seconds)).toFixed(3)),
      spark: middle((one) => one.seconds),
    },
    longestRun: middle((one) => one.longestRun),
    kernelRatio: ratio(python_),
    allRatio: ratio(python_ + java),
    targets: TARGETS,
  }),
);
