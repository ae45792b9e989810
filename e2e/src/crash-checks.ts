/**
 * Checks the files of a run that was killed repeatedly and has ended (law 5: position and effect
 * are committed together).
 */
import { type OfflineStore, type SourceSpec, valueAt } from "@tidemark/core/spi";
import {
  compareAnswers,
  differenceText,
  feed,
  mergeHistory,
  smallLayout,
  type Scenario,
} from "@tidemark/testkit";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  databasePath,
  inFolder,
  lakePath,
  ONLINE_URL,
  realStores,
  scenarioTopic,
  type RealStores,
} from "./real-stores.ts";

export interface FilesCheck {
  /** The number of requests whose answers were compared with the oracle's on all paths. */
  readonly requests: number;
  /**
   * The number of Parquet files that no log entry names. Killed processes left them, no reader sees
   * them, and a vacuum removes them.
   */
  readonly orphans: number;
}

/** Throws if the files of a run differ from those of a run that was never killed. */
export async function checkFiles(folder: string, scenario: Scenario): Promise<FilesCheck> {
  integrityOf(folder);
  const stores = realStores(folder);
  await stores.online.open({ namespace: "test" });
  await sameAnswers(scenario, stores);
  await inFolder(async (other) => {
    const clean = realStores(other);
    await feed(scenario, clean, { layoutLimits: smallLayout(1) }, scenarioTopic(other, scenario));
    for (const source of scenario.sources) await sameTables(scenario, source, stores, clean);
    await clean.online.close();
    await clean.offline.close();
  });
  const orphans = await vacuumOrphans(folder, scenario, stores.offline);
  await sameAnswers(scenario, stores);
  await stores.online.close();
  await stores.offline.close();
  return { requests: scenario.requests.length, orphans };
}

/** Runs the check of SQLite. PostgreSQL has none that a client may ask for. */
export function integrityOf(folder: string): void {
  if (process.env[ONLINE_URL] !== undefined) return;
  const database = new DatabaseSync(databasePath(folder), { readOnly: true });
  deepStrictEqual(
    { ...database.prepare("pragma integrity_check").get() },
    { integrity_check: "ok" },
  );
  database.close();
}

async function sameAnswers(scenario: Scenario, stores: RealStores): Promise<void> {
  const differences = await compareAnswers(scenario, stores, {});
  deepStrictEqual(differences.slice(0, 10).map(differenceText), []);
}

async function sameTables(
  scenario: Scenario,
  source: SourceSpec,
  killed: RealStores,
  clean: RealStores,
): Promise<void> {
  const [changes, versions] = [`${source.name}/changes`, `${source.name}/versions`];
  const own = scenario.truth.filter((change) => change.source === source.name);
  const messageIds = [
    ...new Set(own.map(({ topic, partition, offset }) => `${topic}:${partition}:${offset}`)),
  ].sort();
  const columns = ["_topic", "_partition", "_offset"];
  deepStrictEqual(
    (await rowTexts(killed.offline, changes, columns)).map((row) => row.replaceAll("|", ":")),
    messageIds,
    `${source.name}: the log holds each message once`,
  );
  // what a run has learned of a column stands in the format, and a new run begins anew
  const state = await clean.offline.state(changes);
  const logged = state?.columns.map(({ name }) => name).filter((name) => name !== "_format");
  deepStrictEqual(
    await rowTexts(killed.offline, changes, logged),
    await rowTexts(clean.offline, changes, logged),
    `${source.name}: the log`,
  );
  // corrections and time buckets depend on when the history was compacted
  for (const { offline } of [killed, clean]) await mergeHistory(offline, source);
  const derived = (await clean.offline.state(versions))?.columns
    .map(({ name }) => name)
    .filter((name) => name !== "_bucket");
  deepStrictEqual(
    await rowTexts(killed.offline, versions, derived),
    await rowTexts(clean.offline, versions, derived),
    `${source.name}: the versions, derived in one go`,
  );
  for (const table of [changes, versions])
    deepStrictEqual(
      await positionsOf(killed.offline, table),
      await positionsOf(clean.offline, table),
      `the positions of ${table}`,
    );
  const online = byPartition(await killed.online.positions(source.name));
  deepStrictEqual(
    online,
    byPartition(await clean.online.positions(source.name)),
    `the online positions of ${source.name}`,
  );
  deepStrictEqual(
    online,
    await positionsOf(killed.offline, changes),
    `${source.name}: the online store stands where its log does`,
  );
}

async function positionsOf(store: OfflineStore, table: string): Promise<unknown[]> {
  return byPartition((await store.state(table))?.positions ?? []);
}

function byPartition(positions: readonly { readonly partition: string }[]): unknown[] {
  return [...positions].sort((a, b) => (a.partition < b.partition ? -1 : 1));
}

/** Returns rows as sorted text, because their order in files has no meaning. */
async function rowTexts(
  store: OfflineStore,
  table: string,
  columns?: readonly string[],
): Promise<string[]> {
  const state = await store.state(table);
  if (state === null) return [];
  const rows: string[] = [];
  for await (const batch of store.scan(table, {
    columns: columns ?? state.columns.map((column) => column.name),
    version: state.version,
  })) {
    for (let i = 0; i < batch.length; i++)
      rows.push(batch.vectors.map((vector) => textOf(valueAt(vector, i))).join("|"));
  }
  return rows.sort();
}

function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Runs a vacuum that keeps nothing old. Afterwards the log must name every file on the disk. */
async function vacuumOrphans(
  folder: string,
  scenario: Scenario,
  offline: OfflineStore,
): Promise<number> {
  const later = deltaOfflineStore(localObjects(lakePath(folder)), {
    clock: () => Date.now() + 60_000,
  });
  let orphans = 0;
  for (const table of scenario.sources.flatMap((source) => [
    `${source.name}/changes`,
    `${source.name}/versions`,
  ])) {
    const state = await offline.state(table);
    if (state === null) continue;
    const before = dataFiles(folder, table);
    const named = filesInLog(folder, table);
    orphans += before.filter((file) => !named.has(file)).length;
    const { removed } = await later.vacuum(table, { retention: "0s" });
    const left = dataFiles(folder, table);
    strictEqual(left.length, before.length - removed.length);
    deepStrictEqual(
      left.filter((file) => !named.has(file)),
      [],
      `${table}: a vacuum leaves no file that the log does not name`,
    );
  }
  return orphans;
}

function dataFiles(folder: string, table: string): string[] {
  return readdirSync(join(lakePath(folder), table), { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".parquet") && !file.startsWith("_delta_log"),
  );
}

function filesInLog(folder: string, table: string): Set<string> {
  const log = join(lakePath(folder), table, "_delta_log");
  const actions = readdirSync(log)
    .filter((file) => file.endsWith(".json"))
    .flatMap((file) => readFileSync(join(log, file), "utf8").trim().split("\n"))
    .map((line) => JSON.parse(line) as { readonly add?: { readonly path: string } });
  return new Set(
    actions.flatMap(({ add }) => (add === undefined ? [] : [decodeURIComponent(add.path)])),
  );
}
