/** Generates the transactions of the demo's bank as changes while they are read. */
import {
  avg,
  count,
  countDistinct,
  entity,
  featureView,
  float64,
  int64,
  max,
  min,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";
import type { Change, ChangeBatch, ChangeSource } from "@tidemark/core/spi";

export const user = entity("user", { keys: { user_id: string() } });

export const transactions = source("transactions", {
  table: "public.transaction_data",
  columns: {
    id: int64("id"),
    user_id: string("User ID"),
    vendor: string("Vendor").nullable(),
    channel: string("Sources").nullable(),
    amount: float64("Amount").nullable(),
    time: timestamp("Time", { zone: "UTC" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});

export const weekly = featureView("weekly_activity", {
  entity: user,
  source: transactions,
  features: {
    num_transactions_l1w: count().over("7d"),
    total_amount_l1w: sum(transactions.amount).over("7d"),
    avg_amount_l1w: avg(transactions.amount).over("7d"),
    min_amount_l1w: min(transactions.amount).over("7d"),
    max_amount_l1w: max(transactions.amount).over("7d"),
    num_vendors_l1w: countDistinct(transactions.vendor).over("7d"),
    num_sources_l1w: countDistinct(transactions.channel).over("7d"),
  },
});

export const VENDORS = [
  "Online Shopping",
  "Hospital",
  "Sport",
  "Grocery",
  "Restaurant",
  "Transportation",
  "Sending Out",
];
export const CHANNELS = ["Current Account", "Credit Card", "Debit Card"];
export const WEEK = 604_800_000_000;
/** The moment that the features are computed for: all events lie in the week before it. */
export const NOW = 1_741_600_000_000_000;

export function userName(n: number): string {
  return `user_${String(n).padStart(6, "0")}`;
}

/** Makes a small generator (mulberry32), so that runs are alike. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Makes a source of `events` transactions in the order of their times, of random users. */
export function bankChanges(users: number, events: number, batch = 2000): ChangeSource {
  return {
    name: "bank",
    async *changes(): AsyncIterable<ChangeBatch> {
      const next = random(7);
      for (let first = 0; first < events; first += batch) {
        const changes: Change[] = [];
        for (let id = first; id < Math.min(first + batch, events); id++) {
          const time = NOW - WEEK + Math.floor((id / events) * WEEK);
          const amount = Math.round(next() * 100_000) / 100;
          changes.push({
            source: "transactions",
            topic: "bank.public.transaction_data",
            partition: 0,
            offset: id,
            kind: "upsert",
            oldKey: null,
            unavailable: [],
            invalidColumns: [],
            undecodable: null,
            nonFinite: 0,
            values: [
              BigInt(id),
              userName(Math.floor(next() * users)),
              VENDORS[Math.floor(next() * 7)]!,
              CHANNELS[Math.floor(next() * 3)]!,
              amount,
              time,
            ],
            order: BigInt(1_000_000 + id * 200),
            committed: time + 1000,
            snapshot: false,
            op: "c",
            timestamp: null,
            transaction: null,
            extra: null,
          });
        }
        yield {
          changes,
          positions: [
            { partition: "bank.public.transaction_data:0", offset: first + changes.length - 1 },
          ],
        };
      }
    },
  };
}
