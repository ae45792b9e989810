/** Definitions and a generated log for the tests of backups, and every answer of a store. */
import {
  commitTime,
  count,
  countDistinct,
  entity,
  featureService,
  featureView,
  float64,
  int64,
  latest,
  openStore,
  source,
  string,
  sum,
  timestamp,
  type Store,
} from "@tidemark/core";
import type { ChangeBatch, ChangeSource, OfflineStore, OnlineStore } from "@tidemark/core/spi";
import { sqliteOnlineStore } from "@tidemark/adapter-sqlite";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { Random } from "@tidemark/testkit";
import { databasePath, lakePath } from "./real-stores.ts";

const user = entity("user", { keys: { user_id: string() } });
const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64("id"),
    user_id: string("user_id").nullable(),
    vendor: string("vendor").nullable(),
    amount: float64("amount").nullable(),
    time: timestamp("time", { zone: "UTC" }).nullable(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const customers = source("customers", {
  table: "public.customers",
  columns: { id: int64("id"), user_id: string("user_id"), city: string("city").nullable() },
  primaryKey: ["id"],
  eventTime: commitTime(),
});
const weekly = featureView("weekly", {
  entity: user,
  source: payments,
  features: {
    payments_l1w: count().over("7d"),
    spent_l1w: sum(payments.amount).over("7d"),
    vendors_l1w: countDistinct(payments.vendor).over("7d"),
  },
});
const profile = featureView("profile", {
  entity: user,
  source: customers,
  features: { city: latest(customers.city) },
});
const everything = featureService("everything", [weekly, profile]);
export const definitions = { user, payments, customers, weekly, profile, everything };

const USERS = ["ann", "bob", "cleo", "dan"];
const PARTITIONS = 3;
const NOW: number = Date.UTC(2026, 0, 5, 12);
const HOUR = 3600_000;

/** A log of payments and customers: inserts, updates and deletes. */
export function generatedLog(seed: number, changes: number): readonly ChangeBatch[] {
  const random = new Random(seed);
  const offsets = new Map<string, number>();
  return Array.from({ length: changes }, (_, i): ChangeBatch => {
    const isPayment = random.chance(0.9);
    const name = isPayment ? "payments" : "customers";
    const topic = `t.public.${name}`;
    const id = BigInt(random.between(1, isPayment ? changes / 2 : USERS.length));
    const isDelete = random.chance(0.15);
    const partition = Number(id % BigInt(PARTITIONS));
    const key = `${topic}:${partition}`;
    const offset = (offsets.get(key) ?? -1) + 1;
    offsets.set(key, offset);
    const committed = (NOW - 3 * HOUR) * 1000 + i * 1_000_000;
    const values = isPayment
      ? [
          id,
          isDelete ? null : random.pick(USERS),
          isDelete ? null : random.pick(["Sport", "Food", "Hospital"]),
          isDelete ? null : random.between(1, 10_000) / 8,
          isDelete ? null : (NOW - random.between(1, 200) * HOUR) * 1000,
        ]
      : [id, isDelete ? null : USERS[Number(id) - 1]!, isDelete ? null : random.pick(["A", "B"])];
    return {
      changes: [
        {
          source: name,
          topic,
          partition,
          offset,
          kind: isDelete ? "delete" : "upsert",
          values,
          oldKey: null,
          unavailable: [],
          invalidColumns: [],
          undecodable: null,
          nonFinite: 0,
          order: BigInt(1000 + i),
          committed,
          snapshot: false,
          op: null,
          timestamp: null,
          transaction: null,
        },
      ],
      positions: [{ partition: key, offset }],
    };
  });
}

/** A change source of the first batches of a log. It waits a moment before each. */
export function logSource(
  log: readonly ChangeBatch[],
  {
    upTo = log.length,
    wait = async () => undefined,
  }: { readonly upTo?: number; readonly wait?: (batch: number) => Promise<void> } = {},
): ChangeSource {
  return {
    name: "generated log",
    bounded: true,
    async *changes({ after, signal }) {
      const reached = new Map(after.map(({ partition, offset }) => [partition, offset]));
      for (const [i, batch] of log.slice(0, upTo).entries()) {
        const [position] = batch.positions;
        if (position!.offset <= (reached.get(position!.partition) ?? -1)) continue;
        signal?.throwIfAborted();
        await wait(i);
        yield batch;
      }
    },
  };
}

export function stores(
  folder: string,
  lake: string = lakePath(folder),
): { readonly online: OnlineStore; readonly offline: OfflineStore } {
  return {
    online: sqliteOnlineStore(databasePath(folder)),
    offline: deltaOfflineStore(localObjects(lake), { checkpointEvery: 5 }),
  };
}

export function openIn(folder: string, lake?: string, clock?: () => Date): Promise<Store> {
  return openOver(stores(folder, lake), clock);
}

export function openOver(
  { online, offline }: { readonly online: OnlineStore; readonly offline: OfflineStore },
  clock: () => Date = () => new Date(NOW),
): Promise<Store> {
  return openStore({
    definitions,
    online: { store: online, retention: "forever" },
    offline: { store: offline, commit: { rows: 40 } },
    clock,
  });
}

/** Every answer of a store, as text. */
export async function answers(store: Store): Promise<string> {
  const online = await store.getOnlineFeatures({
    features: everything,
    entities: USERS.map((user_id) => ({ user_id })),
    metadata: true,
  });
  const entities = USERS.flatMap((user_id) =>
    [0, 1, 30, 100].map((hours) => ({ user_id, event_timestamp: new Date(NOW - hours * HOUR) })),
  );
  const past = await Promise.all(
    (["as-corrected", "as-known"] as const).map(async (knowledge) =>
      (
        await store.getHistoricalFeatures({
          features: everything,
          entities,
          knowledge,
          metadata: true,
        })
      ).rows(),
    ),
  );
  return JSON.stringify([online.rows, past], (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
}
