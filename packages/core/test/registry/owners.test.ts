import {
  count,
  entity,
  featureService,
  featureView,
  int64,
  openStore,
  source,
  string,
  timestamp,
} from "@tidemark/core";
import { memoryOfflineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";

function definitions(length: "7d" | "14d") {
  const payments = source("payments", {
    table: "public.payments",
    columns: { id: int64(), user_id: string(), time: timestamp() },
    primaryKey: ["id"],
    eventTime: "time",
    owner: "payments team",
  });
  const weekly = featureView("weekly", {
    entity: entity("user", { keys: { user_id: string() } }),
    source: payments,
    owner: "growth",
    features: { number: count().over(length) },
  });
  const fraud = featureService("fraud", [weekly], { owner: "fraud" });
  return { payments, weekly, fraud };
}

test("a plan names the owners of what a change touches", async () => {
  const offline = memoryOfflineStore();
  const first = await openStore({ definitions: definitions("7d"), offline });
  await first.apply();
  const second = await openStore({
    definitions: definitions("14d"),
    offline,
    onDefinitionMismatch: "ignore",
  });
  const { changes } = await second.plan();
  const change = changes.find(({ kind }) => kind === "feature")!;
  expect(change.usedBy).toEqual(["service fraud"]);
  expect(change.owners).toEqual(["fraud", "growth"]);
});
