/** A bank that is small enough for tests. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { openStore, type Store } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { recordedTopic, type RecordedTopic } from "@tidemark/source-debezium";
import { bankCommits, DAY, type BankSettings, type Transaction } from "../src/bank.ts";
import { writeChangeLog, type ChangeLog } from "../src/change-log.ts";
import * as definitions from "../src/features.ts";

export const SMALL: BankSettings = {
  seed: 7,
  users: 40,
  transactionsPerDay: 200,
  days: 12,
  start: new Date("2025-06-01T00:00:00Z"),
  invalidEvery: 300,
};
export const END = new Date(SMALL.start.getTime() + SMALL.days * DAY);

/** Makes a directory that is removed after the test. */
export async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "tidemark-demo-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Opens both stores with the bank's whole log. */
export async function streamedBank(
  settings: BankSettings,
): Promise<{
  readonly store: Store;
  readonly log: ChangeLog;
  readonly topic: RecordedTopic;
  readonly changes: number;
}> {
  const directory = await scratch();
  const log = await writeChangeLog(settings, join(directory, "topics"));
  const store = await openStore({
    definitions,
    online: { store: sqliteOnlineStore(join(directory, "online.db")), retention: "forever" },
    offline: deltaOfflineStore(localObjects(join(directory, "lake"))),
    clock: () => END,
  });
  onTestFinished(() => store.close());
  const topic = recordedTopic(log.files);
  const { changes } = await store.run(topic);
  return { store, log, topic, changes };
}

/** Returns the rows of public.transaction_data after the last commit. */
export function finalTransactions(settings: BankSettings): readonly Transaction[] {
  const rows = new Map<number, Transaction>();
  for (const { changes } of bankCommits(settings)) {
    for (const change of changes) {
      if (change.table !== "transaction_data") continue;
      if (change.after === null) rows.delete(change.before!.id);
      else rows.set(change.after.id, change.after);
    }
  }
  return [...rows.values()];
}
