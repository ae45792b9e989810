/** Computes training sets of generated scenarios in shards, as the commands do. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { collectDefinitions, micros, openStore, type Knowledge } from "@tidemark/core";
import { valueAt, type SelectedFeature, type Value } from "@tidemark/core/spi";
import { entityRowsOf, keysNeeded, toUser } from "@tidemark/core/internal";
import { readParquet, writeParquet } from "@tidemark/delta";
import { scenarioDefinitions, type Scenario } from "@tidemark/testkit";
import { computeShard, type ShardResult } from "../../packages/cli/src/shards/compute-shard.ts";
import { finishJob, type FinishResult } from "../../packages/cli/src/shards/finish-job.ts";
import { readJob, type JobFile } from "../../packages/cli/src/shards/shard-job.ts";
import { writeShardJob } from "../../packages/cli/src/shards/write-shard-job.ts";
import { realStores } from "./real-stores.ts";

const never = new AbortController().signal;

/** All features of a scenario: derived ones and those in roles too. */
export function allFeatures(scenario: Scenario): readonly SelectedFeature[] {
  return [
    ...scenario.selected,
    ...scenario.derived,
    ...scenario.roles.map(({ selected }) => selected),
  ];
}

/** The definitions of all features, with the service "all". */
function allDefinitions(scenario: Scenario): ReturnType<typeof scenarioDefinitions> {
  return scenarioDefinitions({ ...scenario, selected: allFeatures(scenario) as never });
}

/** Writes the requests of a scenario as entity rows. */
async function writeRequests(scenario: Scenario, file: string): Promise<void> {
  const features = allFeatures(scenario);
  const needed = keysNeeded(features);
  const rows = scenario.requests.map((request, i) => ({
    ...Object.fromEntries(
      needed.map((column) => [
        column.name,
        toUser(request.keys[column.name] ?? null, { ...column, mode: undefined }),
      ]),
    ),
    event_timestamp: micros(request.time),
    odd: `"é😀\n'${i}`,
  }));
  const source = await entityRowsOf(rows, needed, features.length);
  const batches = async function* () {
    for await (const block of source.blocks()) yield block.batch();
  };
  await writeParquet(file, { columns: source.columns, batches: batches() });
}

/** Where a job of a folder lies. */
export const jobOf = (folder: string): string => join(folder, "job.json");
export const outOf = (folder: string): string => join(folder, "out.parquet");

/** Writes the job of all features of a scenario. */
export async function writeJob(
  scenario: Scenario,
  folder: string,
  knowledge: Knowledge,
  shards: number,
  onStep?: Parameters<typeof writeShardJob>[0]["onStep"],
): Promise<void> {
  const { offline } = realStores(folder);
  const definitions = allDefinitions(scenario);
  const store = await openStore({ definitions, offline: { store: offline } });
  const entities = join(folder, "requests.parquet");
  await writeRequests(scenario, entities);
  try {
    await writeShardJob({
      store,
      offline,
      definitions: collectDefinitions(definitions),
      definitionsFile: "features.ts",
      features: { service: "all" },
      entities,
      knowledge,
      beforeHistory: "empty",
      zone: null,
      timeUnit: null,
      shards,
      out: outOf(folder),
      force: true,
      metadata: true,
      job: jobOf(folder),
      signal: never,
      onWarning: () => undefined,
      onStep,
    });
  } finally {
    await store.close();
  }
}

/** Computes one shard of the job of a folder. */
export async function runShard(
  scenario: Scenario,
  folder: string,
  shard: number,
  onStep?: Parameters<typeof computeShard>[2]["onStep"],
  signal: AbortSignal = never,
): Promise<ShardResult> {
  const { offline } = realStores(folder);
  try {
    return await computeShard(await readJob(jobOf(folder)), shard, {
      offline,
      definitions: collectDefinitions(allDefinitions(scenario)),
      definitionsFile: "features.ts",
      signal,
      onRows: () => undefined,
      onStep,
    });
  } finally {
    await offline.close();
  }
}

/** Finishes the job of a folder. */
export async function runFinish(
  scenario: Scenario,
  folder: string,
  onStep?: Parameters<typeof finishJob>[1]["onStep"],
): Promise<FinishResult> {
  return finishJob(await readJob(jobOf(folder)), {
    definitions: collectDefinitions(allDefinitions(scenario)),
    definitionsFile: "features.ts",
    signal: never,
    onRows: () => undefined,
    onStep,
  });
}

/** Removes the job of a folder, with its files and its output. */
export async function removeJob(folder: string): Promise<void> {
  const { staging, file }: JobFile = await readJob(jobOf(folder));
  for (const path of [staging, file, outOf(folder)]) rmSync(path, { recursive: true, force: true });
}

/** The rows of a Parquet file, each by name. */
export async function rowsOfFile(file: string): Promise<readonly ReadonlyMap<string, Value>[]> {
  const rows: ReadonlyMap<string, Value>[] = [];
  for await (const { length, columns, vectors } of await readParquet(file))
    for (let i = 0; i < length; i++)
      rows.push(new Map(columns.map(({ name }, c) => [name, valueAt(vectors[c]!, i)])));
  return rows;
}
