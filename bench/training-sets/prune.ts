/**
 * Measures which part of the versions a training set reads: that of 1 % of the users over a year,
 * spread over all users or neighbours by key, and that of all users at one date, whose windows are
 * one week.
 *
 *     npm run bench -- prune [--events n] [--users n] [--fresh]
 */
import { openStore } from "@tidemark/core";
import { deltaOfflineStore, localObjects, type ObjectStore } from "@tidemark/delta";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bankLabels, bankLake, type LabelsSize } from "./bank-lake.ts";
import { benchViews } from "./views.ts";
import { writeTrainingSet } from "./write-training-set.ts";

const { values: given } = parseArgs({
  options: {
    events: { type: "string", default: "10000000" },
    users: { type: "string", default: "10000" },
    fresh: { type: "boolean", default: false },
  },
});
const users = Number(given.users);
const lakeSize = { users, events: Number(given.events), updated: 0, days: 365 };
const TABLES = ["transactions/versions", "transactions/changes"] as const;

/** Counts the bytes that are read of the Parquet files of each table. */
function countingObjects(objects: ObjectStore, counts: Map<string, number>): ObjectStore {
  return {
    ...objects,
    async read(key, ...args) {
      const bytes = await objects.read(key, ...args);
      const table = TABLES.find((name) => key.startsWith(`${name}/`));
      if (table !== undefined && key.endsWith(".parquet") && !key.includes("_delta_log"))
        counts.set(table, (counts.get(table) ?? 0) + (bytes?.length ?? 0));
      return bytes;
    },
  };
}

const { folder: lake } = await bankLake(lakeSize, given.fresh);
const tableBytes = new Map<string, number>();
for (const table of TABLES)
  tableBytes.set(table, (await deltaOfflineStore(localObjects(lake)).describe(table))!.bytes);

/** Computes a training set, and gives the parts of the bytes of both tables that were read. */
async function readOf(size: LabelsSize): Promise<{ versions: number; changes: number }> {
  const counts = new Map<string, number>();
  const folder = mkdtempSync(join(tmpdir(), "tidemark-bench-"));
  const store = await openStore({
    definitions: benchViews,
    offline: deltaOfflineStore(countingObjects(localObjects(lake), counts)),
  });
  try {
    await writeTrainingSet(store, {
      view: "weekly_activity",
      entities: await bankLabels(lakeSize, size),
      out: join(folder, "out.parquet"),
      knowledge: "as-corrected",
    });
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const part = (table: (typeof TABLES)[number]): number =>
    Number(((counts.get(table) ?? 0) / tableBytes.get(table)!).toFixed(4));
  return { versions: part("transactions/versions"), changes: part("transactions/changes") };
}

const few = Math.ceil(users / 100);
const ofUsers = await readOf({ kind: "random", labels: few * 100, users: few, every: 100 });
const ofNeighbours = await readOf({ kind: "random", labels: few * 100, users: few });
const ofWeek = await readOf({ kind: "dates", dates: 1, users });
const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;
for (const [what, { versions, changes }] of [
  ["1 % of the users, each hundredth", ofUsers],
  ["1 % of the users, neighbours by key", ofNeighbours],
  ["one week of a year", ofWeek],
] as const)
  console.log(
    `${what}: ${percent(versions)} of the bytes of the versions, ` +
      `${percent(changes)} of those of the change log`,
  );
console.log(
  JSON.stringify({
    bench: "prune",
    users,
    events: lakeSize.events,
    read: { users: ofUsers, neighbours: ofNeighbours, week: ofWeek },
    target: { users: 0.08, week: 0.1 },
  }),
);
