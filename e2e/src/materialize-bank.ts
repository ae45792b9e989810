/** Makes a small bank whose days are materialized while processes die. */
import {
  count,
  countDistinct,
  entity,
  featureView,
  float64,
  int64,
  openStore,
  source,
  string,
  sum,
  timestamp,
  type Store,
} from "@tidemark/core";
import type { Change, ChangeSource } from "@tidemark/core/spi";
import { keepingStores, realStores, type Failpoints } from "./real-stores.ts";

const user = entity("user", { keys: { user_id: string() } });
const transactions = source("transactions", {
  table: "public.transactions",
  columns: {
    id: int64(),
    user_id: string(),
    vendor: string(),
    amount: float64(),
    time: timestamp({ zone: "UTC" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
export const weekly = featureView("weekly", {
  entity: user,
  source: transactions,
  features: {
    n: count().over("7d"),
    total: sum(transactions.amount).over("7d"),
    vendors: countDistinct(transactions.vendor).over("7d"),
  },
});
export const USERS = 130;

export function openBank(folder: string, failpoints?: Failpoints): Promise<Store> {
  return openStore({
    definitions: { weekly },
    ...keepingStores(realStores(folder, failpoints), { buckets: 2 }),
    clock: () => new Date("2025-07-01T00:00:00Z"),
  });
}

/** Makes one transaction of each user on each of these days; `from` is the first id. */
export function transactionsOn(days: readonly string[], from: number): ChangeSource {
  const changes = days.flatMap((day, d) =>
    Array.from({ length: USERS }, (_, u): Change => {
      const id = from + d * USERS + u;
      return {
        source: "transactions",
        topic: "t",
        partition: 0,
        offset: id,
        kind: "upsert",
        values: [
          BigInt(id),
          `user ${u}`,
          `vendor ${id % 3}`,
          (id % 100) / 10,
          Date.parse(`${day}T12:00:00Z`) * 1000 + u,
        ],
        oldKey: null,
        unavailable: [],
        invalidColumns: [],
        undecodable: null,
        nonFinite: 0,
        order: BigInt(id),
        committed: Date.parse("2025-06-30T00:00:00Z") * 1000 + id,
        snapshot: false,
        op: "c",
        timestamp: null,
        transaction: null,
        extra: null,
      };
    }),
  );
  return {
    name: "bank",
    async *changes() {
      yield { changes, positions: [{ partition: "t:0", offset: changes.at(-1)!.offset }] };
    },
  };
}
