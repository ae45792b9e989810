/** Tests that the last results of drift and expectations are kept in the online store. */
import {
  count,
  entity,
  featureView,
  float64,
  gt,
  holds,
  int64,
  openStore,
  pushSource,
  quality,
  string,
  timestamp,
} from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const payments = pushSource("payments", {
  columns: {
    id: int64({ mode: "number" }),
    user_id: string(),
    amount: float64(),
    time: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const weekly = featureView("weekly", {
  entity: user,
  source: payments,
  features: { number: count().over("7d") },
});
const positive = quality("positive", {
  on: payments,
  expect: { amounts: holds(gt(payments.amount, 0)) },
});
const definitions = { weekly, positive };

test("another process reads what drift and quality found last", async () => {
  const online = memoryOnlineStore();
  const offline = memoryOfflineStore();
  let now = "2026-03-09T00:00:00Z";
  const clock = () => new Date(now);
  const store = await openStore({ definitions, online, offline, clock });
  const other = await openStore({ definitions, online, clock });
  expect(await other.checkResults()).toEqual({ drift: [], expectations: [] });
  const push = async (id: number, day: number, amount: number): Promise<void> => {
    const time = new Date(Date.UTC(2026, 2, day, 12));
    await store.push(payments, [{ id, user_id: "ann", amount, time }]);
  };
  for (let id = 0; id < 40; id++) await push(id, 1 + Math.floor(id / 20), id);
  // a check sees what was committed before it
  now = "2026-03-10T00:00:00Z";
  const drift = {
    source: "payments",
    from: "2026-03-02",
    reference: { from: "2026-03-01", to: "2026-03-02" },
    columns: ["amount"],
  };
  await store.drift(drift);
  await store.quality();
  expect(await other.checkResults()).toEqual({
    drift: [
      {
        of: "source payments",
        column: "amount",
        measuredAt: "2026-03-10T00:00:00.000000Z",
        measures: expect.objectContaining({ ks: 1, wasserstein: 20, nullRate: 0 }),
        isDrifted: true,
      },
    ],
    expectations: [
      {
        quality: "positive",
        expectation: "amounts",
        on: "source payments",
        severity: "error",
        holds: false,
        measured: 39 / 40,
        failing: 1,
        checkedAt: "2026-03-10T00:00:00.000000Z",
      },
    ],
  });
  // a check of the past says nothing of now; a new check replaces the last one
  await store.quality({ asOf: "2026-03-01T00:00:00Z" });
  await push(0, 1, 5);
  now = "2026-03-11T00:00:00Z";
  expect((await other.checkResults()).expectations[0]!.holds).toBe(false);
  await store.quality({ names: ["positive"] });
  await store.drift({ ...drift, thresholds: { ks: 1 } });
  const { drift: measured, expectations } = await other.checkResults();
  expect(expectations).toMatchObject([{ holds: true, failing: 0 }]);
  expect(measured).toMatchObject([{ isDrifted: false }]);
});
