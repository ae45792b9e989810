/** A small seeded bank in real stores, with a server that has the console. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { gt, holds, isNotNull, openStore, quality, type Store } from "@tidemark/core";
import { deltaOfflineStore, localObjects, readParquet, writeParquet } from "@tidemark/delta";
import { writeChangeLog } from "@tidemark/demo-pipeline/change-log";
import * as features from "@tidemark/demo-pipeline/features";
import { featureServer, type ServerOptions } from "@tidemark/server";
import { recordedTopic } from "@tidemark/source-debezium";
import { consoleFiles } from "@tidemark/ui";

const { customer360, transactions, weekly } = features;
/** One expectation holds, and one does not. */
const transactionsQuality = quality("transactions_quality", {
  on: transactions,
  expect: {
    has_vendor: holds(isNotNull(transactions.vendor)),
    more_than_a_coffee: holds(gt(transactions.amount, 5)),
  },
});
const definitions = { ...features, transactionsQuality };
const DAY = 86_400_000;

/** The settings of the bank: ten days of June 2025. */
export const BANK = {
  seed: 66,
  users: 12,
  transactionsPerDay: 90,
  days: 10,
  start: new Date("2025-06-01T00:00:00Z"),
  invalidEvery: 200,
} as const;

/** The end of the bank's days, at which the clock stands. */
export const END = new Date(BANK.start.getTime() + BANK.days * DAY);

/** A user with transactions. */
export const USER = "user_000003";

export interface Bank {
  readonly store: Store;
  /** The address of the console. */
  readonly address: string;
  readonly definitions: typeof definitions;
  /** Takes the changes that were held back. */
  takeMore(): Promise<void>;
  close(): Promise<void>;
}

/** The settings of `openBank`. */
interface BankOptions extends Partial<ServerOptions> {
  /** The folder of the stores, which is removed at the end. Default: a new one. */
  readonly folder?: string;
  /** The number of changes that are taken at first. Default: all. */
  readonly firstChanges?: number;
}

/** Fills the stores, asks for some features, and serves the console. */
export async function openBank({
  folder: givenFolder,
  firstChanges = Infinity,
  ...options
}: BankOptions = {}): Promise<Bank> {
  const folder = givenFolder ?? (await mkdtemp(join(tmpdir(), "tidemark-console-")));
  const log = await writeChangeLog(BANK, join(folder, "topics"));
  const store = await openStore({
    definitions,
    online: { store: sqliteOnlineStore(join(folder, "online.db")), retention: "forever" },
    offline: deltaOfflineStore(localObjects(join(folder, "lake"))),
    servingLog: { sample: 1 },
    audit: { by: "the bank" },
    clock: () => END,
  });
  await store.apply({ by: "the console's test" });
  const recorded = recordedTopic(log.files, { batchChanges: 100 });
  const enough = new AbortController();
  const running = store.run(recorded, {
    signal: enough.signal,
    onProgress: ({ changes }) => {
      if (changes >= firstChanges) enough.abort();
    },
  });
  await running.catch((error: unknown) => {
    if (!enough.signal.aborted) throw error;
  });
  if (firstChanges === Infinity) await lookAtData(store);
  const server = await featureServer({
    store,
    definitions,
    consoleFiles,
    trainingSets: { parquet: { readParquet, writeParquet }, clock: () => END },
    ...options,
  });
  const address = `${await server.listen({ port: 0 })}/console/`;
  return {
    store,
    address,
    definitions,
    async takeMore() {
      await store.run(recorded);
    },
    async close() {
      await server.close();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Materializes days, asks a service, and measures drift. */
async function lookAtData(store: Store): Promise<void> {
  await store.materialize({
    views: [weekly],
    dates: ["2025-06-05", "2025-06-06", "2025-06-07", "2025-06-08", "2025-06-09"],
  });
  await store.getOnlineFeatures({ features: customer360, entity: { user_id: USER } });
  await store.quality();
  await store.drift({
    view: weekly,
    from: "2025-06-08",
    reference: { from: "2025-06-05", to: "2025-06-07" },
  });
}
