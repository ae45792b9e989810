/**
 * Tests what errors about a damaged table advise: delta-rs restores the table to a version without
 * the damage, and the next run takes the rest of the log again.
 */
import { count, entity, featureView, int64, openStore, source, sum } from "@tidemark/core";
import {
  float64,
  pushSource,
  string,
  timestamp,
  type RunOptions,
  type Store,
} from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { recordedTopic } from "@tidemark/source-debezium";
import { pythonReaders, suiteNeeding } from "@tidemark/testkit/needs";
import { startPython } from "@tidemark/testkit/python-program";
import {
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inFolder, keepingStores, lakePath, realStores, topicPath } from "../src/real-stores.ts";

const python = pythonReaders();
const client = entity("client", { keys: { client_id: string() } });
const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64("id"),
    client_id: string("client_id"),
    amount: float64("amount").nullable(),
    paid_at: timestamp("paid_at"),
  },
  primaryKey: ["id"],
  eventTime: "paid_at",
});
const activity = featureView("activity", {
  entity: client,
  source: payments,
  features: { n_7d: count().over("7d"), total_7d: sum(payments.amount).over("7d") },
});

const START = 1_749_114_000_000_000;
const HOUR = 3_600_000_000;
const CLIENTS = ["c-0", "c-1", "c-2"];

/** Message i: payment i, or an update or a delete of an earlier one. */
function message(i: number): string {
  const id = i % 5 === 4 ? i - 4 : i;
  const isDelete = i % 15 === 14;
  const time = START + id * HOUR;
  const row = { id, client_id: CLIENTS[id % 3], amount: i + 0.25, paid_at: time };
  const value = {
    before: null,
    after: isDelete ? null : row,
    source: { schema: "public", table: "payments", ts_us: START + i * HOUR, lsn: 1000 + i },
    op: isDelete ? "d" : id === i ? "c" : "u",
    ts_ms: (START + i * HOUR) / 1000,
  };
  return JSON.stringify({
    topic: "bank.public.payments",
    partition: i % 1,
    offset: i,
    timestamp: (START + i * HOUR) / 1000,
    key: JSON.stringify({ id }),
    value: JSON.stringify(value),
  });
}

const MESSAGES = 40;
const labels = CLIENTS.map((client_id) => ({
  client_id,
  event_timestamp: new Date((START + 60 * HOUR) / 1000),
}));

async function withStore<T>(folder: string, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore({
    definitions: { activity },
    ...keepingStores(realStores(folder)),
  });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Runs over the first messages of the log, and compacts the history. */
async function runUpTo(
  folder: string,
  messages: number,
  compact: boolean,
  options: RunOptions = {},
): Promise<void> {
  const lines = Array.from({ length: messages }, (_, i) => message(i));
  writeFileSync(topicPath(folder), `${lines.join("\n")}\n`);
  await withStore(folder, async (store) => {
    await store.run(recordedTopic(topicPath(folder)), options);
    if (compact) await store.compact();
  });
}

async function answers(folder: string) {
  return await withStore(folder, async (store) => {
    const corrected = await store.getHistoricalFeatures({ features: activity, entities: labels });
    const known = await store.getHistoricalFeatures({
      features: activity,
      entities: labels,
      knowledge: "as-known",
    });
    const online = await store.getOnlineFeatures({
      features: activity,
      entities: CLIENTS.map((client_id) => ({ client_id })),
      asOf: new Date((START + 60 * HOUR) / 1000),
    });
    return { corrected: await corrected.rows(), known: await known.rows(), online };
  });
}

async function versionOf(folder: string, table: string): Promise<number> {
  const offline = deltaOfflineStore(localObjects(lakePath(folder)));
  return (await offline.state(`payments/${table}`))!.version;
}

async function restore(folder: string, table: string, version: number): Promise<void> {
  await deltaRs("restore_table.py", folder, table, String(version), "checkpoint");
}

async function deltaRs(
  script: string,
  folder: string,
  table: string,
  ...args: readonly string[]
): Promise<void> {
  const program = join(import.meta.dirname, "python", script);
  const path = join(lakePath(folder), "payments", table);
  await startPython(python.path, [program, path, ...args], {}).succeeded();
}

suiteNeeding(python, "a history that delta-rs restored", () => {
  for (const tables of [["changes"], ["versions"], ["changes", "versions"]])
    test(`${tables.join(" and ")}: the next run ends in the right numbers`, async () => {
      await inFolder(async (whole) => {
        await runUpTo(whole, MESSAGES, true);
        const expected = await answers(whole);
        await inFolder(async (folder) => {
          await runUpTo(folder, 14, true);
          const versions: number[] = [];
          for (const table of tables) versions.push(await versionOf(folder, table));
          await runUpTo(folder, 27, true);
          await runUpTo(folder, MESSAGES, true);
          expect(await answers(folder)).toEqual(expected);
          for (const [t, table] of tables.entries()) await restore(folder, table, versions[t]!);
          await runUpTo(folder, MESSAGES, false);
          expect(await answers(folder)).toEqual(expected);
          await runUpTo(folder, MESSAGES, true);
          expect(await answers(folder)).toEqual(expected);
        });
      });
    });

  test("OPTIMIZE and VACUUM of delta-rs change no answer, DELETE stays", async () => {
    await inFolder(async (folder) => {
      await runUpTo(folder, 14, true);
      await runUpTo(folder, 27, true);
      for (const table of ["changes", "versions"])
        await deltaRs("change_table.py", folder, table, "optimize");
      await runUpTo(folder, MESSAGES, true);
      const all = await answers(folder);
      await inFolder(async (whole) => {
        await runUpTo(whole, MESSAGES, true);
        expect(all).toEqual(await answers(whole));
      });
      const rows = { changes: `_row LIKE '%"client_id":"c-1"%'`, versions: "client_id = 'c-1'" };
      for (const [table, of] of Object.entries(rows))
        await deltaRs("change_table.py", folder, table, of);
      await runUpTo(folder, MESSAGES, true);
      const { corrected } = await answers(folder);
      const erased = { n_7d: 0, total_7d: 0 };
      expect(corrected).toEqual(
        all.corrected.map((row) => (row.client_id === "c-1" ? { ...row, ...erased } : row)),
      );
    });
  });

  test("pushes to a restored history are refused until it has all pushes again", async () => {
    const logins = pushSource("logins", {
      columns: { id: int64(), client_id: string(), time: timestamp() },
      primaryKey: ["id"],
      eventTime: "time",
    });
    const view = featureView("logins_7d", {
      entity: client,
      source: logins,
      features: { logins: count().over("7d") },
    });
    const time = new Date(Date.now() - 60_000);
    await inFolder(async (folder) => {
      const push = async (id: number): Promise<unknown> => {
        const store = await openStore({
          definitions: { view },
          ...keepingStores(realStores(folder)),
        });
        try {
          await store.push(logins, [{ id, client_id: "c-0", time }]);
          const entities = [{ client_id: "c-0", event_timestamp: new Date() }];
          const set = await store.getHistoricalFeatures({ features: view, entities });
          return (await set.rows()).map((row) => row.logins);
        } finally {
          await store.close();
        }
      };
      const table = join(lakePath(folder), "logins", "changes");
      const restoreTo = async (version: number): Promise<void> => {
        const program = join(import.meta.dirname, "python", "restore_table.py");
        await startPython(python.path, [program, table, String(version)], {}).succeeded();
      };
      expect(await push(1)).toEqual([1]);
      expect(await push(2)).toEqual([2]);
      await restoreTo(0);
      await expect(push(3)).rejects.toMatchObject({ code: "PUSH_HISTORY_LACKS" });
      await restoreTo(1);
      expect(await push(3)).toEqual([3]);
    });
  });

  test("the advice about a damaged file, followed, ends in the right numbers", async () => {
    await inFolder(async (folder) => {
      await runUpTo(folder, 20, false);
      const version = await versionOf(folder, "versions");
      await runUpTo(folder, MESSAGES, false);
      const expected = await answers(folder);
      truncateSync(await newestFile(folder, "versions"), 100);
      await expect(answers(folder)).rejects.toMatchObject({
        code: "PARQUET_DAMAGED",
        message: expect.stringContaining("or restore the table to a version without it"),
      });
      await restore(folder, "versions", version);
      await runUpTo(folder, MESSAGES, false);
      expect(await answers(folder)).toEqual(expected);
    });
  });

  test("a damaged file of the log matters to no answer whose rows the versions hold", async () => {
    await inFolder(async (folder) => {
      await runUpTo(folder, 20, false);
      const version = await versionOf(folder, "changes");
      await runUpTo(folder, MESSAGES, false);
      const expected = await answers(folder);
      truncateSync(await newestFile(folder, "changes"), 100);
      expect(await answers(folder)).toEqual(expected);
      await restore(folder, "changes", version);
      await runUpTo(folder, MESSAGES, false);
      expect(await answers(folder)).toEqual(expected);
    });
  });

  test("a newest entry that is damaged may be moved aside, and so may the changes", async () => {
    await inFolder(async (folder) => {
      await runUpTo(folder, 20, true);
      await runUpTo(folder, MESSAGES, false);
      const expected = await answers(folder);
      const changes = join(lakePath(folder), "payments", "changes");
      const log = join(changes, "_delta_log");
      const entry = readdirSync(log)
        .filter((name) => name.endsWith(".json"))
        .sort()
        .at(-1)!;
      truncateSync(join(log, entry), 50);
      await expect(answers(folder)).rejects.toMatchObject({
        code: "DELTA_LOG_DAMAGED",
        message: expect.stringContaining("if it is the newest entry and there is no copy, stop"),
      });
      rmSync(join(log, entry));
      await runUpTo(folder, MESSAGES, false);
      expect(await answers(folder)).toEqual(expected);
      rmSync(changes, { recursive: true });
      await expect(runUpTo(folder, MESSAGES, true)).rejects.toMatchObject({
        code: "HISTORY_MISSING",
      });
      await runUpTo(folder, MESSAGES, true, { newHistory: true });
      expect(await answers(folder)).toEqual(expected);
    });
  });
});

/** The data file of the newest commit. */
async function newestFile(folder: string, table: string): Promise<string> {
  const path = join(lakePath(folder), "payments", table);
  const log = join(path, "_delta_log");
  const entries = readdirSync(log)
    .filter((name) => name.endsWith(".json"))
    .sort();
  for (const entry of entries.toReversed()) {
    const lines = readFileSync(join(log, entry), "utf8").trim().split("\n");
    for (const { add } of lines.map((line) => JSON.parse(line)))
      if (add !== undefined && existsSync(join(path, add.path))) return join(path, add.path);
  }
  throw new Error("no commit has a file");
}
