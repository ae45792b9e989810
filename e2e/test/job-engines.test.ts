/**
 * Shards and the kernel process are held to the conformance suite of engines that run whole jobs.
 * The suite finds planted faults.
 */
import { collectDefinitions, openStore } from "@tidemark/core";
import { entityRowsOf, keysNeeded, localEngine, openOfflineReader } from "@tidemark/core/internal";
import {
  ENGINE_STATUSES,
  valueAt,
  type ComputeEngine,
  type OfflineStore,
  type Value,
} from "@tidemark/core/spi";
import {
  jobEngineConformance,
  memoryOfflineData,
  memoryOfflineStore,
  type JobEngineUnderTest,
  type JobQuestion,
} from "@tidemark/core/testing";
import { deltaOfflineStore, localObjects, writeParquet } from "@tidemark/delta";
import { processEngine } from "@tidemark/engine-spark";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { computeShard } from "../../packages/cli/src/shards/compute-shard.ts";
import { finishJob } from "../../packages/cli/src/shards/finish-job.ts";
import { readJob } from "../../packages/cli/src/shards/shard-job.ts";
import { writeShardJob } from "../../packages/cli/src/shards/write-shard-job.ts";
import { rowsOfFile } from "../src/shards.ts";

type Rows = readonly ReadonlyMap<string, Value>[];

/** The rows of a question, as a compute engine answers them. */
async function rowsOf(
  offline: OfflineStore,
  engine: ComputeEngine,
  { definitions, service, entities, knowledge }: JobQuestion,
): Promise<Rows> {
  const selection = collectDefinitions(definitions).services.get(service)!.features;
  const source = await entityRowsOf(entities, keysNeeded(selection), selection.length);
  const rows: Map<string, Value>[] = [];
  const reader = openOfflineReader(offline, engine);
  for await (const { keys, times, length } of source.blocks()) {
    const answers = await reader.read({ selection, keys, times, knowledge, since: null });
    for (let i = 0; i < length; i++)
      rows.push(
        new Map(
          answers.flatMap(({ values, statuses, times: eventTimes }, f): [string, Value][] => [
            [selection[f]!.as, valueAt(values, i)],
            [`${selection[f]!.as}__status`, ENGINE_STATUSES[statuses[i]!]!],
            [
              `${selection[f]!.as}__event_timestamp`,
              Number.isNaN(eventTimes[i]!) ? null : eventTimes[i]!,
            ],
          ]),
        ),
      );
  }
  return rows;
}

/** An engine over a history in memory. */
function inMemory(compute: (offline: OfflineStore, question: JobQuestion) => Promise<Rows>) {
  return async (): Promise<JobEngineUnderTest> => {
    const offline = memoryOfflineStore(memoryOfflineData());
    return { offline, compute: (question) => compute(offline, question), close: async () => {} };
  };
}

/** The rows of a question, from the shards of a job. */
async function inShards(
  folder: string,
  offline: OfflineStore,
  { definitions, service, entities, knowledge }: JobQuestion,
  shards: number,
): Promise<Rows> {
  const collected = collectDefinitions(definitions);
  const { features } = collected.services.get(service)!;
  const given = join(folder, "entities.parquet");
  const source = await entityRowsOf(entities, keysNeeded(features), features.length);
  const batches = async function* () {
    for await (const block of source.blocks()) yield block.batch();
  };
  await writeParquet(given, { columns: source.columns, batches: batches() });
  const shared = {
    definitions: collected,
    definitionsFile: "features.ts",
    signal: new AbortController().signal,
    onRows: () => undefined,
  };
  const [job, out] = [join(folder, `job-${knowledge}.json`), join(folder, `${knowledge}.parquet`)];
  const store = await openStore({ definitions, offline });
  await writeShardJob({
    ...shared,
    store,
    offline,
    features: { service },
    entities: given,
    knowledge,
    beforeHistory: "empty",
    zone: null,
    timeUnit: null,
    shards,
    out,
    force: false,
    metadata: true,
    job,
    onWarning: () => undefined,
  });
  const file = await readJob(job);
  for (let shard = 0; shard < shards; shard++)
    await computeShard(file, shard, { ...shared, offline });
  await finishJob(file, shared);
  return rowsOfFile(out);
}

for (const count of [1, 3, 40])
  describe(`${count} shards`, () => {
    jobEngineConformance({
      test,
      make: async () => {
        const folder = mkdtempSync(join(tmpdir(), "tidemark-jobs-"));
        const offline = deltaOfflineStore(localObjects(join(folder, "lake")));
        return {
          offline,
          compute: (question) => inShards(folder, offline, question, count),
          async close() {
            await offline.close();
            rmSync(folder, { recursive: true, force: true });
          },
        };
      },
    });
  });

describe("the kernel process", () => {
  jobEngineConformance({
    test,
    make: inMemory((offline, question) => rowsOf(offline, processEngine(), question)),
  });
});

/** The names of the tests that fail for an engine. */
async function failures(change: (rows: Rows) => Rows): Promise<readonly string[]> {
  const declared: (readonly [string, () => Promise<void>])[] = [];
  jobEngineConformance({
    test: (name, run) => void declared.push([name, run]),
    make: inMemory(async (offline, question) =>
      change(await rowsOf(offline, localEngine(), question)),
    ),
  });
  const failed: string[] = [];
  for (const [name, run] of declared) await run().catch(() => failed.push(name));
  return failed;
}

/** Changes what `isChanged` accepts. */
const changed =
  (name: RegExp, next: (value: Value) => Value) =>
  (rows: Rows): Rows =>
    rows.map(
      (row) =>
        new Map(
          [...row].map(([column, value]) => [column, name.test(column) ? next(value) : value]),
        ),
    );

describe("the suite", () => {
  test("has nothing against the local engine", async () => {
    expect(await failures((rows) => rows)).toEqual([]);
  });
  test.each<readonly [string, (rows: Rows) => Rows]>([
    ["a row that is left out", (rows) => rows.slice(1)],
    ["rows in another order", (rows) => rows.toReversed()],
    ["a status", changed(/__status$/, (status) => (status === "NULL_VALUE" ? "PRESENT" : status))],
    [
      "a microsecond of an event time",
      changed(/__event_timestamp$/, (time) => (time === null ? null : (time as number) + 1)),
    ],
    ["the sign of zero", changed(/^real$/, (value) => (value === Number.MIN_VALUE ? -0 : value))],
    ["a null that is zero", changed(/^mean$/, (value) => value ?? 0)],
    [
      "the last bit of a sum",
      changed(/^total$/, (value) => (value as number) * (1 + Number.EPSILON)),
    ],
  ])("finds %s", async (_, change) => {
    expect(await failures(change)).not.toEqual([]);
  });
});
