/** Payments on days of March 2026, for tests of profiles and drift. */
import {
  count,
  entity,
  featureView,
  float64,
  int64,
  openStore,
  pushSource,
  string,
  timestamp,
  type Store,
} from "@tidemark/core";
import type { OfflineStore } from "@tidemark/core/spi";
import { memoryOfflineData, memoryOfflineStore } from "@tidemark/core/testing";

const user = entity("user", { keys: { user_id: string() } });
export const payments = pushSource("payments", {
  columns: {
    id: int64({ mode: "number" }),
    user_id: string().describe({ sensitivity: "pii" }),
    vendor: string().nullable(),
    amount: float64().nullable(),
    time: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
export const weekly = featureView("weekly", {
  entity: user,
  source: payments,
  features: { num: count().over("7d") },
});

/** A payment at noon of a day. */
export const row = (
  id: number,
  day: number,
  amount: number | null,
  vendor: string | null = "Food",
) => ({
  id,
  user_id: `user ${id % 3}`,
  vendor,
  amount,
  time: new Date(Date.UTC(2026, 2, day, 12)),
});

/** Opens a store, and a second handle on its history. */
export async function opened(): Promise<{ readonly store: Store; readonly offline: OfflineStore }> {
  const data = memoryOfflineData();
  const store = await openStore({
    definitions: { weekly },
    offline: memoryOfflineStore(data),
    clock: () => new Date("2026-03-10T00:00:00Z"),
  });
  return { store, offline: memoryOfflineStore(data) };
}
