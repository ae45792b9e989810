/** Profiles and drift of what a service answered, from the serving log. */
import {
  avg,
  count,
  entity,
  featureService,
  featureView,
  float64,
  int64,
  max,
  openStore,
  pushSource,
  string,
  timestamp,
} from "@tidemark/core";
import { batchOf, type Batch, type ColumnSpec } from "@tidemark/core/spi";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const payments = pushSource("payments", {
  columns: { id: int64(), user_id: string(), amount: float64(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const weekly = featureView("weekly", {
  entity: user,
  source: payments,
  features: {
    num: count().over("7d"),
    mean: avg(payments.amount).over("7d"),
    last: max(payments.time).over("7d"),
  },
});
const fraud = featureService("fraud", [weekly]);

test("answers by day, read once, and gone with an erased entity", async () => {
  let now = new Date("2026-03-01T12:00:00Z");
  const store = await openStore({
    definitions: { fraud },
    online: memoryOnlineStore(),
    offline: memoryOfflineStore(),
    servingLog: {},
    clock: () => now,
  });
  const ask = async (...users: readonly string[]): Promise<void> => {
    await store.getOnlineFeatures({
      features: fraud,
      entities: users.map((user_id) => ({ user_id })),
    });
    await store.servingLog!.flush();
  };
  expect((await store.profile({ service: fraud })).all.rows).toBe(0);
  await store.push(payments, [
    { id: 1n, user_id: "ann", amount: 10, time: new Date("2026-03-01T10:00:00Z") },
    { id: 2n, user_id: "ann", amount: 20, time: new Date("2026-03-01T11:00:00Z") },
    { id: 3n, user_id: "bob", amount: 5, time: new Date("2026-03-01T11:00:00Z") },
  ]);
  await ask("ann", "bob", "eve");
  // without a service
  await store.getOnlineFeatures({ features: [weekly.num], entities: [{ user_id: "ann" }] });
  const first = await store.profile({ service: fraud });
  expect(first).toMatchObject({
    of: { kind: "service", name: "fraud" },
    table: "serving-log/fraud/profiles",
    counted: 1,
    days: [
      {
        day: "2026-03-01",
        rows: 3,
        columns: [
          { column: "num", min: 0, max: 2, nulls: 0, mean: 1 },
          { column: "mean", min: 5, max: 15, nulls: 1 },
          { column: "last", nulls: 1, max: "2026-03-01T11:00:00.000000Z" },
        ],
      },
    ],
  });
  now = new Date("2026-03-02T12:00:00Z");
  await ask("ann");
  const second = await store.profile({ service: "fraud" });
  expect([second.counted, second.all.rows]).toEqual([1, 4]);
  expect((await store.profile({ service: "fraud" })).counted).toBe(0);

  const columns: ColumnSpec[] = [
    { name: "num", database: "", type: "int64", nullable: true },
    { name: "mean", database: "", type: "float64", nullable: true },
  ];
  const rows = {
    columns,
    async *batches(): AsyncGenerator<Batch> {
      yield batchOf(columns, [
        [2n, 15],
        [1n, 5],
        [0n, null],
      ]);
    },
  };
  const reference = { rows };
  const of = { service: fraud, to: "2026-03-02", reference };
  expect(await store.drift(of)).toMatchObject({
    table: "serving-log/fraud/drift",
    columns: [
      { column: "num", ks: 0, psi: 0 },
      { column: "mean", ks: 0, psi: 0, nullRate: 0 },
    ],
  });

  await store.erase({ entity: "user", key: { user_id: "ann" } });
  expect((await store.profile({ service: fraud })).all.rows).toBe(2);
  await expect(store.profile({ service: "fruad" })).rejects.toMatchObject({
    code: "SERVICE_UNKNOWN",
  });
});
