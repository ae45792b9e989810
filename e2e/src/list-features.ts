/** A bank with features of lists and maps, and their values by a plain loop over all rows. */
import {
  count,
  distinctValues,
  featureView,
  histogram,
  micros,
  openStore,
  topK,
  type Store,
} from "@tidemark/core";
import { valueAt, type ColumnSpec, type OfflineStore, type Value } from "@tidemark/core/spi";
import { memoryOnlineStore } from "@tidemark/core/testing";
import { transactions, user } from "@tidemark/testkit/bank/definitions";
import {
  transactionRows,
  transactionSource,
  userName,
  WEEK,
  type Transaction,
} from "@tidemark/testkit/bank/transactions";

const USERS = 12;
const DAY = 86_400_000_000;
const END = Date.parse("2025-06-15T00:00:00Z") * 1000;

/** Weekly habits of a user. */
export const habits = featureView("habits", {
  entity: user,
  source: transactions,
  features: {
    num: count().over("7d"),
    vendors: distinctValues(transactions.vendor, { atMost: 5 }).over("7d"),
    largest: topK(transactions.amount, 3).over("7d"),
    by_vendor: histogram(transactions.vendor).over("7d"),
    recent_ids: topK(transactions.id, 2).over("1d"),
  },
});
/** The names of the features, in the order of `valuesOf`. */
export const FEATURES = ["num", "vendors", "largest", "by_vendor", "recent_ids"] as const;

/** The rows of the bank. Some lack a vendor or an amount. */
const rows: readonly Transaction[] = [
  ...transactionRows({ users: USERS, events: 400, end: END, seed: 3 }),
].map((row) => ({
  ...row,
  vendor: row.id % 11 === 0 ? null : row.vendor,
  amount: row.id % 7 === 0 ? null : row.amount,
}));

/** Entity rows: each user at several times, and a user without rows. */
export const entityRows: readonly { readonly user_id: string; readonly t: number }[] = [
  END - WEEK,
  END - 5 * DAY,
  rows[200]!.time,
  END,
  END + 20 * DAY,
].flatMap((t) => Array.from({ length: USERS + 1 }, (_, u) => ({ user_id: userName(u), t })));

/** The values of the features, by a plain loop. */
export function valuesOf(userId: string, t: number): readonly Value[] {
  const own = rows.filter((row) => row.user === userId && row.time < t);
  const week = own.filter(({ time }) => time >= t - WEEK);
  const vendors = week.map(({ vendor }) => vendor).filter((vendor) => vendor !== null);
  const different = [...new Set(vendors)].sort();
  const amounts = week.map(({ amount }) => amount).filter((amount) => amount !== null);
  const ids = own.filter(({ time }) => time >= t - DAY).map(({ id }) => id);
  return [
    BigInt(week.length),
    different.slice(0, 5),
    amounts.sort((a, b) => b - a).slice(0, 3),
    different.map((vendor) => [vendor, BigInt(vendors.filter((one) => one === vendor).length)]),
    ids
      .sort((a, b) => b - a)
      .slice(0, 2)
      .map(BigInt),
  ];
}

/** Opens the bank's store over a history. */
export async function openHabits(offline: OfflineStore): Promise<Store> {
  const store = await openStore({
    definitions: { habits },
    offline,
    online: memoryOnlineStore(),
    clock: () => new Date("2025-07-01T00:00:00Z"),
  });
  await store.run(transactionSource(rows));
  return store;
}

/** The training set of `entityRows`. */
export async function trainingOf(store: Store) {
  return await store.getHistoricalFeatures({
    features: habits,
    entities: entityRows.map(({ user_id, t }) => ({ user_id, event_timestamp: micros(t) })),
  });
}

/** The rows of the features table, in no order: user, time, and the features. */
export async function featuresTableOf(
  offline: OfflineStore,
): Promise<{
  readonly columns: readonly ColumnSpec[];
  readonly rows: readonly (readonly Value[])[];
}> {
  const { columns } = (await offline.state("habits/features"))!;
  const requested = ["user_id", "event_timestamp", ...FEATURES];
  const found: Value[][] = [];
  for await (const { length, vectors } of offline.scan("habits/features", { columns: requested }))
    for (let i = 0; i < length; i++) found.push(vectors.map((vector) => valueAt(vector, i)));
  const specs = requested.map((name) => columns.find((column) => column.name === name)!);
  return { columns: specs, rows: found };
}
