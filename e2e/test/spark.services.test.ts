/**
 * Training sets on Spark have the bits of the local engine: values, statuses and event times, of
 * generated definitions and histories, as corrected and as known (law 3: one answer).
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  collectDefinitions,
  micros,
  openStore,
  selectedFeatures,
  type Knowledge,
} from "@tidemark/core";
import {
  formatDate,
  formatTime,
  valueAt,
  type Batch,
  type OfflineStore,
  type Value,
} from "@tidemark/core/spi";
import { jobEngineConformance } from "@tidemark/core/testing";
import { deltaOfflineStore, localObjects, readParquet } from "@tidemark/delta";
import {
  sparkDays,
  sparkEngine,
  sparkTrainingSet,
  type SparkEngine,
  type SparkJob,
  type SparkReport,
} from "@tidemark/engine-spark";
import { recordedTopic } from "@tidemark/source-debezium";
import {
  generateScenario,
  pathReaders,
  requestKeys,
  scenarioDefinitions,
  scenarioWith,
  seedsFromEnvironment,
  type Scenario,
} from "@tidemark/testkit";
import {
  startNode,
  startProgram,
  type Child,
  type ChildEnd,
} from "@tidemark/testkit/child-process";
import { pythonReaders, sparkReader, suiteNeeding } from "@tidemark/testkit/needs";
import { startPython } from "@tidemark/testkit/python-program";
import { sparkJars } from "@tidemark/testkit/services/toolchain";
import { beforeAll, expect, test } from "vitest";
import { BANK_USERS, bankTopic } from "../src/bank-topic.ts";
import { feedFolder, inFolder, lakePath, realStores } from "../src/real-stores.ts";
import * as bankDefinitions from "./spark-bank/features.ts";

const DAY = 86_400_000_000;
/** µs, after all times of a scenario. */
const NOW = 9_000_000_000_000_000;
const formatDay = (time: number): string => formatDate(Math.floor(time / DAY));

interface WarmOptions {
  /** The command of Node. */
  readonly node?: string;
  readonly hotRows?: number | null;
}

const python = pythonReaders();
const { first, runs } = seedsFromEnvironment({ runs: 1 });
const root = join(import.meta.dirname, "../..");
const program = join(root, "packages/engine-spark/python/tidemark_spark.py");

suiteNeeding(sparkReader(), "training sets on Spark", () => {
  let session: Child;

  beforeAll(async () => {
    session = startPython(
      python.path,
      [join(import.meta.dirname, "python/spark_session.py"), sparkJars],
      {
        stdin: "pipe",
        env: {
          TZ: "UTC",
          PYTHONDONTWRITEBYTECODE: "1",
          PYTHONPATH: dirname(program),
          PYSPARK_PYTHON: python.path,
        },
      },
    );
    await session.line("READY", { seconds: 500 });
  });

  /** An engine that sends its jobs to the session. `node` is the command of Node there. */
  function warmEngine(folder: string, node: string, hotRows: number | null = null): SparkEngine {
    const { options } = sparkEngine({
      lake: lakePath(folder),
      staging: folder,
      node,
      partitions: 2,
      rowsPerRun: 7,
      hotRows,
    });
    return {
      name: "warm Spark",
      options,
      async run(job) {
        const file = join(folder, "job.json");
        await writeFile(file, JSON.stringify(job));
        session.write(`${file}\n`);
        const end = await session.line(/^(?:TIDEMARK .*"rows"|FAILED)/, { seconds: 500 });
        if (end.startsWith("FAILED")) throw new Error(JSON.parse(end.slice("FAILED ".length)));
        return JSON.parse(end.slice("TIDEMARK ".length)) as SparkReport;
      },
    };
  }

  /** Asks Spark and the local engine for all requests of a scenario. Returns Spark's report. */
  async function compared(
    scenario: Scenario,
    knowledge: Knowledge,
    folder: string,
    { node = process.execPath, hotRows = null }: WarmOptions = {},
  ): Promise<SparkReport> {
    const stores = realStores(folder);
    const definitions = scenarioDefinitions(scenario);
    const store = await openStore({ definitions, offline: { store: stores.offline } });
    const out = join(folder, `out-${knowledge}`);
    const entities = scenario.requests.map((request, i) => ({
      ...requestKeys(scenario, request),
      event_timestamp: micros(request.time),
      odd: `"é😀\n'${i}`,
    }));
    const report = await sparkTrainingSet({
      engine: warmEngine(folder, node, hotRows),
      store,
      offline: stores.offline,
      features: scenario.selected,
      entities,
      knowledge,
      out,
      metadata: true,
    });
    expect(report).toMatchObject({ rows: entities.length, wrote: true });
    const expected = await pathReaders({ ...scenario, derived: [], roles: [] }, stores).history(
      knowledge,
    );
    const rows = await rowsOf(out);
    expect(rows.length).toBe(entities.length);
    scenario.selected.forEach(({ as }, f) => {
      const { values, statuses, times } = expected[f]!;
      rows.forEach((row, i) => {
        const time = Number.isNaN(times[i]!) ? null : times[i]!;
        expect(
          [row.get(as), row.get(`${as}__status`), row.get(`${as}__event_timestamp`)].map(bits),
          `seed ${scenario.seed}, ${knowledge}, row ${i}: ${as}`,
        ).toEqual([values[i]!, statuses[i]!, time].map(bits));
        expect(row.get("odd")).toBe(entities[i]!.odd);
      });
    });
    await store.close();
    return report;
  }

  jobEngineConformance({
    test: (name, run) => {
      test(name, { timeout: 900_000 }, run);
    },
    make: async () => {
      const folder = mkdtempSync(join(tmpdir(), "tidemark-spark-suite-"));
      const offline = deltaOfflineStore(localObjects(lakePath(folder)));
      return {
        offline,
        async compute({ definitions, service, entities, knowledge }) {
          const store = await openStore({ definitions, offline });
          const out = join(folder, `out-${knowledge}`);
          await sparkTrainingSet({
            engine: warmEngine(folder, process.execPath),
            store,
            offline,
            features: collectDefinitions(definitions).services.get(service)!.features,
            entities,
            knowledge,
            out,
            metadata: true,
          });
          return await rowsOf(out);
        },
        async close() {
          await offline.close();
          rmSync(folder, { recursive: true, force: true });
        },
      };
    },
  });

  for (let seed = first; seed < first + runs; seed++)
    test(`seed ${seed}: the bits of the local engine`, { timeout: 900_000 }, async () => {
      const scenario = generateScenario(seed, { everyAggregation: true });
      const names = [...new Set(scenario.views.map(({ name }) => name))];
      await inFolder(async (folder) => {
        await feedFolder(scenario, folder);
        // each view in one of both ways: a job of all views takes long
        for (const [k, knowledge] of (["as-corrected", "as-known"] as const).entries()) {
          const half = scenarioWith(scenario, ({ name }) => names.indexOf(name) % 2 === k);
          await compared(half, knowledge, folder);
        }
      });
    });

  for (let seed = first; seed < first + runs; seed++)
    test(`seed ${seed}: every entity cut by time`, { timeout: 900_000 }, async () => {
      const scenario = generateScenario(seed, { everyAggregation: true });
      await inFolder(async (folder) => {
        await feedFolder(scenario, folder);
        const windows = scenarioWith(scenario, ({ kind }) => kind === "window");
        const names = [...new Set(windows.views.map(({ name }) => name))];
        for (const [k, knowledge] of (["as-known", "as-corrected"] as const).entries()) {
          const half = scenarioWith(windows, ({ name }) => names.indexOf(name) % 2 === k);
          if (half.selected.length > 0) await compared(half, knowledge, folder, { hotRows: 1 });
        }
      });
    });

  for (let seed = first; seed < first + runs; seed++)
    test(`seed ${seed}: materialized days`, { timeout: 900_000 }, () =>
      inFolder(async (folder) => {
        const scenario = generateScenario(seed, { everyAggregation: true });
        const copy = join(folder, "copy");
        mkdirSync(copy);
        await feedFolder(scenario, folder);
        cpSync(lakePath(folder), lakePath(copy), { recursive: true });
        const days = scenario.requests
          .map(({ time }) => Math.floor(time / DAY) * DAY)
          .filter((day) => Math.abs(day) + DAY < NOW);
        const dates = [...new Set([Math.min(...days), Math.max(...days)])].map(formatDay);
        const tables = async (place: string): Promise<readonly unknown[]> => {
          const stores = realStores(place);
          const store = await openStore({
            definitions: scenarioDefinitions(scenario),
            offline: { store: stores.offline },
            clock: () => new Date(NOW / 1000),
          });
          const engine = sparkDays({
            engine: warmEngine(place, process.execPath),
            store,
            offline: stores.offline,
          });
          const views = scenario.views.slice(0, 3).map(({ name }) => name);
          const result = await store.materialize({
            views,
            dates,
            ...(place === copy ? { engine } : {}),
          });
          expect(result.views.map(({ view }) => view)).toEqual(views);
          const all = await Promise.all(
            result.views.map((view) => featuresOf(stores.offline, view.table)),
          );
          await store.close();
          return [result, all];
        };
        const local = await tables(folder);
        expect(await tables(copy)).toEqual(local);
      }),
    );

  test("days of Spark are served, and brought up to date", { timeout: 900_000 }, () =>
    inFolder(async (folder) => {
      const bank = bankTopic(first, 400);
      const topic = join(folder, "topic.jsonl");
      const half = bank.lines.slice(0, 200);
      await writeFile(topic, `${half.join("\n")}\n`);
      const stores = realStores(folder);
      const store = await openStore({
        definitions: bankDefinitions,
        online: { store: stores.online },
        offline: { store: stores.offline },
      });
      const engine = sparkDays({
        engine: warmEngine(folder, process.execPath),
        store,
        offline: stores.offline,
      });
      const { weekly } = bankDefinitions;
      const entities = BANK_USERS.map((user_id) => ({ user_id }));
      await store.run(recordedTopic(topic));
      const day = formatDay(bank.from + 10 * DAY);
      await store.materialize({ views: [weekly], dates: [day], engine });
      const served = await store.getMaterialized({ view: weekly, entities });
      await writeFile(topic, `${bank.lines.join("\n")}\n`);
      await store.run(recordedTopic(topic));
      const to = formatDay(bank.from + 13 * DAY);
      const [result] = (await store.materialize({ views: [weekly], incremental: true, to, engine }))
        .views;
      expect(result!.dates.map(({ state }) => state)).toEqual(["recomputed", "new", "new"]);
      const after = await store.getMaterialized({ view: weekly, entities });
      const table = await featuresOf(stores.offline, result!.table);
      expect(after).not.toEqual(served);
      // this process computes the same
      await store.materialize({ views: [weekly], dates: result!.dates.map(({ date }) => date) });
      expect(await featuresOf(stores.offline, result!.table)).toEqual(table);
      expect(await store.getMaterialized({ view: weekly, entities })).toEqual(after);
      await store.close();
    }),
  );

  test("no kernel holds a hot entity that is cut by time", { timeout: 900_000 }, () =>
    inFolder(async (folder) => {
      const bank = bankTopic(first, 400);
      const hot = BANK_USERS[0]!;
      // two fifths of the events are of one user
      const renamed = (line: string): string =>
        line.replace(String.raw`\"User ID\":\"e\"`, String.raw`\"User ID\":\"${hot}\"`);
      await writeFile(join(folder, "topic.jsonl"), `${bank.lines.map(renamed).join("\n")}\n`);
      const offline = deltaOfflineStore(localObjects(lakePath(folder)));
      const store = await openStore({ definitions: bankDefinitions, offline: { store: offline } });
      await store.run(recordedTopic(join(folder, "topic.jsonl")));
      const events = bank.rows.filter(({ user }) => user === hot || user === "e").length;
      const entities = BANK_USERS.flatMap((user_id) =>
        [1, 0.1, 0.4, 0.7].map((share) => ({
          user_id,
          event_timestamp: micros(Math.floor(bank.from + share * (bank.to - bank.from))),
        })),
      );
      const features = selectedFeatures(bankDefinitions.weekly);
      const sets: Map<string, Value>[][] = [];
      for (const hotRows of [null, 60]) {
        const engine = warmEngine(folder, process.execPath, hotRows);
        const out = join(folder, `out-${hotRows}`);
        const { longestRun } = await sparkTrainingSet({
          engine,
          store,
          offline,
          features,
          entities,
          out,
        });
        sets.push(await rowsOf(out));
        if (hotRows === null) expect(longestRun).toBeGreaterThanOrEqual(events);
        else expect(longestRun).toBeLessThan(0.8 * events);
      }
      expect(sets[1]).toEqual(sets[0]);
      await store.close();
    }),
  );

  /** A scenario with one view of windows. */
  function small(): Scenario {
    const scenario = generateScenario(first);
    const { name } = scenario.views.find(({ kind }) => kind === "window")!;
    return scenarioWith(scenario, (view) => view.name === name);
  }

  test("a killed child is Spark's retry, and in the end a named error", { timeout: 900_000 }, () =>
    inFolder(async (folder) => {
      const scenario = small();
      await feedFolder(scenario, folder);
      const node = join(folder, "node.sh");
      const killed = join(folder, "killed");
      const real = `exec ${process.execPath} "$@"`;
      const version = `if [ "$1" = --version ]; then ${real}; fi`;
      // the child reads some bytes, so that it dies while it is fed
      const death = "head -c 20 > /dev/null; kill -9 $$";
      await writeFile(
        node,
        `#!/bin/sh\n${version}\nif mkdir ${killed}; then ${death}; fi\n${real}\n`,
        { mode: 0o755 },
      );
      await compared(scenario, "as-corrected", folder, { node });
      expect((await stat(killed)).isDirectory()).toBe(true);

      await writeFile(node, `#!/bin/sh\n${version}\n${death}\n`);
      await expect(compared(scenario, "as-known", folder, { node })).rejects.toThrow(
        /KERNEL_DIED: the kernel process ended with -9/,
      );
      await writeFile(node, "#!/bin/sh\necho v22.17.1\n");
      await expect(compared(scenario, "as-known", folder, { node })).rejects.toThrow(
        /KERNEL_MISMATCH: \S+ says v22\.17\.1, and the kernel needs Node 22\.18/,
      );
      await expect(stat(join(folder, "out-as-known"))).rejects.toThrow(/ENOENT/);
    }),
  );

  test("a job that is sent twice is done once; another one is refused", { timeout: 900_000 }, () =>
    inFolder(async (folder) => {
      const scenario = small();
      await feedFolder(scenario, folder);
      const jobs: SparkJob[] = [];
      const out = join(folder, "out");
      const stores = realStores(folder);
      const definitions = scenarioDefinitions(scenario);
      const store = await openStore({ definitions, offline: { store: stores.offline } });
      const warm = warmEngine(folder, process.execPath);
      const engine: SparkEngine = {
        ...warm,
        async run(job) {
          jobs.push(job);
          const report = await warm.run(job);
          expect(await warm.run(job)).toMatchObject({ rows: report.rows, wrote: false });
          await expect(warm.run({ ...job, id: "other" })).rejects.toThrow(/^OUT_EXISTS: /);
          if (job.output.format === "delta") {
            // a job that was killed before its commit is done when it is sent again
            const uri = `${out}-killed`;
            mkdirSync(uri);
            await writeFile(join(uri, "_tidemark.json"), JSON.stringify({ id: job.id }));
            await writeFile(join(uri, "part-0.parquet"), "half a file");
            const killed = { ...job, output: { ...job.output, uri } };
            expect(await warm.run(killed)).toMatchObject({ rows: report.rows, wrote: true });
          }
          return report;
        },
      };
      const entities = scenario.requests.map((request) => ({
        ...requestKeys(scenario, request),
        event_timestamp: micros(request.time),
      }));
      const features = scenario.selected;
      const wanted = { engine, store, offline: stores.offline, features, entities };
      const { rows, wrote } = await sparkTrainingSet({ ...wanted, out });
      expect({ rows, wrote }).toEqual({ rows: entities.length, wrote: true });

      const delta = await sparkTrainingSet({ ...wanted, out: `${out}-delta`, format: "delta" });
      expect(delta).toMatchObject({ rows, wrote: true });
      expect(jobs.map(({ output }) => output.format)).toEqual(["parquet", "delta"]);
      const commits = readdirSync(`${out}-delta/_delta_log`).filter((name) =>
        name.endsWith(".json"),
      );
      expect(commits).toEqual(["00000000000000000000.json"]);
      const lake = deltaOfflineStore(localObjects(folder));
      const columns = [...(await rowsOf(out))[0]!.keys()];
      const table: Map<string, Value>[] = [];
      for await (const batch of lake.scan("out-delta", { columns }))
        for (let i = 0; i < batch.length; i++) table.push(rowAt(batch, i));
      const byRow = table.sort((a, b) => Number(a.get("_row")) - Number(b.get("_row")));
      const texts = (rows: readonly ReadonlyMap<string, Value>[]): unknown =>
        rows.map((row) => [...row].map(([name, value]) => [name, bits(value)]));
      expect(texts(byRow)).toEqual(texts(await rowsOf(out)));

      expect(await lake.describe("out-killed")).toMatchObject({ rows, version: 0 });
      await expect(
        sparkTrainingSet({
          ...wanted,
          entities: entities.map((row) => ({ ...row, "a b": 1 })),
          out: `${out}-spaces`,
          format: "delta",
        }),
      ).rejects.toMatchObject({ code: "COLUMN_NAME" });
      await store.close();
    }),
  );
});

suiteNeeding(sparkReader(), "tidemark training-set --engine", () => {
  test("spark-submit gives the rows of the local engine", { timeout: 900_000 }, () =>
    inFolder(async (folder) => {
      const bank = bankTopic(first, 400);
      await writeFile(join(folder, "topic.jsonl"), `${bank.lines.join("\n")}\n`);
      const store = await openStore({
        definitions: bankDefinitions,
        offline: { store: deltaOfflineStore(localObjects(lakePath(folder))) },
      });
      await store.run(recordedTopic(join(folder, "topic.jsonl")));
      await store.close();
      const entities = join(folder, "labels.jsonl");
      const label = (user_id: string, share: number): string =>
        JSON.stringify({
          label: share,
          user_id,
          event_timestamp: formatTime(Math.floor(bank.from + share * (bank.to - bank.from))),
        });
      const labels = [...BANK_USERS, "nobody"].flatMap((user) =>
        [1, 0.2, 0.6].map((share) => label(user, share)),
      );
      await writeFile(entities, `${labels.join("\n")}\n`);
      const jars = readdirSync(sparkJars).filter((name) => name.endsWith(".jar"));
      const bankEnv = {
        folder,
        submit: join(dirname(python.path), "spark-submit"),
        python: python.path,
        jars: jars.map((jar) => join(sparkJars, jar)).join(","),
      };
      const tidemark = (args: readonly string[], env: object = {}): Child =>
        startNode(join(root, "packages/cli/src/bin.ts"), args, {
          env: { SPARK_BANK: JSON.stringify({ ...bankEnv, ...env }) },
        });
      const asked = [
        "training-set",
        "--config",
        join(import.meta.dirname, BANK_CONFIG),
        "--json",
        "--features",
        "weekly",
        "--knowledge",
        "as-known",
        "--entities",
        entities,
      ];
      const trainingSet = (...args: readonly string[]): Promise<ChildEnd> =>
        tidemark([...asked, ...args]).succeeded();
      const [out, local] = [join(folder, "sets", "spark"), join(folder, "local.parquet")];
      const { stdout } = await trainingSet("--engine", "spark", "--out", out);
      expect(JSON.parse(stdout)).toMatchObject({ rows: labels.length, out });
      await trainingSet("--out", local);
      const rows = (await rowsOf(out)).map((row) => {
        row.delete("_row");
        return row;
      });
      const expected: ReadonlyMap<string, Value>[] = [];
      for await (const batch of (await readParquet(local)).batches())
        for (let i = 0; i < batch.length; i++) expected.push(rowAt(batch, i));
      expect(rows).toEqual(expected);
      // the entity rows and the job are gone
      expect(readdirSync(join(folder, "staging"))).toEqual([]);

      // a cluster gets Node and the kernel in an archive
      const archive = join(folder, "node.tar.gz");
      const kernel = await builtKernel(join(folder, "kernel"));
      const pack = ["engine", "pack", "--kernel", kernel, "--out", archive, "--json"];
      const packed = await tidemark(pack).succeeded();
      expect(JSON.parse(packed.stdout)).toMatchObject({ out: archive, node: process.execPath });
      const cluster = `${out}-cluster`;
      await tidemark([...asked, "--engine", "spark", "--out", cluster], { archive }).succeeded();
      const byCluster = await rowsOf(cluster);
      for (const row of byCluster) row.delete("_row");
      expect(byCluster).toEqual(expected);

      const job = join(folder, "job.json");
      const written = await trainingSet("--engine", "spark", "--out", `${out}-2`, "--job", job);
      expect(JSON.parse(written.stdout).submit.at(-1)).toBe(job);
      const { format, output } = JSON.parse(readFileSync(job, "utf8")) as SparkJob;
      expect({ format, uri: output.uri }).toEqual({ format: 1, uri: `${out}-2` });
    }),
  );
});

const BANK_CONFIG = "spark-bank/tidemark.config.ts";

/** The rows of a features table as texts, in an order of their own. */
async function featuresOf(offline: OfflineStore, table: string): Promise<readonly string[]> {
  const state = await offline.state(table, {});
  const columns = state!.columns.map(({ name }) => name);
  const rows: string[] = [];
  for await (const batch of offline.scan(table, { columns }))
    for (let i = 0; i < batch.length; i++)
      rows.push([...rowAt(batch, i)].map(([name, value]) => `${name}: ${bits(value)}`).join(", "));
  return rows.sort();
}

/** Builds the file of the kernel. */
async function builtKernel(folder: string): Promise<string> {
  const tsup = join(root, "node_modules/tsup/dist/cli-default.js");
  await startProgram(process.execPath, [tsup, "--config", "tsup.kernel.ts", "-d", folder], {
    cwd: join(root, "packages/engine-spark"),
  }).succeeded();
  return join(folder, "kernel.js");
}

/** The rows of a training set in the order of their numbers. */
async function rowsOf(folder: string): Promise<Map<string, Value>[]> {
  const { batches } = await readParquet(folder);
  const rows: Map<string, Value>[] = [];
  for await (const batch of batches())
    for (let i = 0; i < batch.length; i++) {
      const row = rowAt(batch, i);
      const number = Number(row.get("_row"));
      expect(rows[number]).toBeUndefined();
      rows[number] = row;
    }
  return rows;
}

function rowAt(batch: Batch, i: number): Map<string, Value> {
  return new Map(batch.columns.map(({ name }, c) => [name, valueAt(batch.vectors[c]!, i)]));
}

/** A value with every bit, as text. */
function bits(value: Value | undefined): string {
  if (value instanceof Uint8Array) return `bytes ${[...value].join(",")}`;
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(bits).join("; ")}]`;
  return Object.is(value, -0) ? "-0" : `${typeof value} ${String(value)}`;
}
