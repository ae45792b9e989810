/** What a user of `store.push` meets. */
import { committed, count, decimal, entity, featureView, float64, int64, latest, openStore, pushSource, source, string, sum, timestamp, type Store, type StoreOptions } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";
import { date, HOUR, iso, NOON } from "./shop.ts";

const user = entity("user", { keys: { user_id: string() } });
const logins = pushSource("logins", {
  columns: { id: int64(), user_id: string(), device: string("Device").nullable(), cost: decimal({ precision: 10, scale: 2 }).nullable(), score: float64(), time: timestamp() }, primaryKey: ["id"], eventTime: "time",
});
const profiles = pushSource("profiles", { columns: { user_id: string(), city: string().nullable() }, primaryKey: ["user_id"], eventTime: committed() });
const payments = source("payments", { table: "public.payments", columns: { id: int64(), user_id: string(), time: timestamp() }, primaryKey: ["id"], eventTime: "time" });
const recent = featureView("recent", { entity: user, source: logins, features: { logins_1d: count().over("1d"), cost_1d: sum(logins.cost).over("1d"), score_1d: sum(logins.score).over("1d") } });
const profile = featureView("profile", { entity: user, source: profiles, features: { city: latest(profiles.city) } });
const paid = featureView("paid", { entity: user, source: payments, features: { paid_1d: count().over("1d") } });
const definitions = { recent, profile, paid };
const ann = [{ user_id: "ann" }] as const;
const login = (id: number, more: { readonly user_id?: string; readonly cost?: string; readonly time?: Date } = {}) => ({ id, user_id: "ann", score: 1, time: date(NOON - HOUR), ...more });

async function open(options: Partial<StoreOptions> = {}): Promise<Store> {
  return openStore({ definitions, online: memoryOnlineStore(), offline: memoryOfflineStore(), clock: () => date(NOON), retain: "forever", ...options });
}
test("pushed rows are served, and the history holds them from their commit on", async () => {
  const store = await open();
  expect(await store.push(logins, [login(1, { cost: "2.50" }), login(2)])).toEqual({ rows: 2, deletes: 0, position: 1, committed: iso(NOON) });
  expect(await store.getOnlineFeatures({ features: recent, entities: ann })).toEqual([{ logins_1d: 2, cost_1d: "2.50", score_1d: 2 }]);
  for (const [asKnown, at, logins_1d] of [[false, NOON, 2], [true, NOON, 0], [true, NOON + 1, 2]] as const) {
    const [row] = await (await store.getHistoricalFeatures({ features: recent.logins_1d, entities: [{ user_id: "ann", event_timestamp: iso(at) }], asKnown })).rows();
    expect(row).toMatchObject({ logins_1d });
  }
});
