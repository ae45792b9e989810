import {
  count,
  entity,
  featureService,
  featureView,
  int64,
  latest,
  pushSource,
  source,
  string,
  timestamp,
  type Answer,
} from "@tidemark/core";
import { createClient } from "@tidemark/client";
import { expectTypeOf, test } from "vitest";

const user = entity("user", { keys: { user_id: string(), bank: int64() } });
const logins = pushSource("logins", {
  columns: {
    id: int64(),
    user_id: string(),
    bank: int64(),
    device: string().nullable(),
    time: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const payments = source("payments", {
  table: "t",
  columns: { id: int64(), user_id: string(), bank: int64(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const activity = featureView("activity", {
  entity: user,
  source: logins,
  features: { n: count().over("1d") },
});
const profile = featureView("profile", {
  entity: user,
  source: logins,
  features: { device: latest(logins.device) },
});
const fraud = featureService("fraud_v1", [activity.n, profile.device.as("phone")]);
const other = featureService("other", [activity]);
const definitions = {
  user,
  logins,
  payments,
  activity,
  profile,
  fraud,
  other,
  something: 5,
  helper: () => "x",
};

const client = createClient<typeof definitions>({ url: "http://a" });
const entities = [{ user_id: "ann", bank: 1n }] as const;

test("the answer has the types of a store's", async () => {
  const rows = await client.getOnlineFeatures({ features: fraud, entities });
  expectTypeOf(rows).toEqualTypeOf<[{ n: number; phone: string | null }]>();
  type Told = { n: Answer<number>; device: Answer<string | null> };
  const answer = await client.getOnlineFeatures({
    features: [activity.n, profile],
    entities,
    metadata: true,
  });
  expectTypeOf(answer).toEqualTypeOf<{ readonly asOf: string; readonly rows: [Told] }>();
  const [entity] = entities;
  expectTypeOf(await client.getOnlineFeatures({ features: fraud, entity })).toEqualTypeOf<{
    n: number;
    phone: string | null;
  }>();
  expectTypeOf(
    await client.getOnlineFeatures({ features: [activity.n, profile], entity, metadata: true }),
  ).toEqualTypeOf<{ readonly asOf: string; readonly row: Told }>();
});

test('with onMissing: "null" every value may be null', async () => {
  const [entity] = entities;
  const onMissing = "null";
  expectTypeOf(
    await client.getOnlineFeatures({ features: fraud, entity, onMissing }),
  ).toEqualTypeOf<{ n: number | null; phone: string | null }>();
  const { rows } = await client
    .service("other")
    .getOnlineFeatures({ entities: [entity], onMissing, metadata: true });
  expectTypeOf(rows).toEqualTypeOf<[{ n: Answer<number | null> }]>();
  // @ts-expect-error there is no such word
  void client.getOnlineFeatures({ features: fraud, entity, onMissing: "skip" });
});

test("a service by its name has its row and its keys", async () => {
  const [row] = await client
    .service("fraud_v1")
    .getOnlineFeatures({ entities: [{ user_id: "ann", bank: 5 }] });
  expectTypeOf(row).toEqualTypeOf<{ n: number; phone: string | null }>();
  const other = client.service("other");
  const entity = { user_id: "ann", bank: 5 };
  expectTypeOf(await other.getOnlineFeatures({ entity })).toEqualTypeOf<{ n: number }>();
  expectTypeOf(await other.getOnlineFeatures({ entity, metadata: true })).toEqualTypeOf<{
    readonly asOf: string;
    readonly row: { n: Answer<number> };
  }>();
  expectTypeOf(
    await other.getOnlineFeatures({ entities: [entity], metadata: true }),
  ).toEqualTypeOf<{ readonly asOf: string; readonly rows: [{ n: Answer<number> }] }>();
});

test("misspelt features, services and members, and missing keys do not compile", () => {
  // @ts-expect-error there is no such feature
  void client.getOnlineFeatures({ features: activity.m, entities });
  // @ts-expect-error a source is no feature
  void client.getOnlineFeatures({ features: payments, entities });
  // @ts-expect-error the key bank is missing
  void client.getOnlineFeatures({ features: fraud, entities: [{ user_id: "ann" }] });
  // @ts-expect-error a key of another type
  void client.getOnlineFeatures({ features: fraud, entities: [{ user_id: 5, bank: 5 }] });
  // @ts-expect-error one entity or a list of them
  void client.getOnlineFeatures({ features: fraud, entities, entity: entities[0] });
  // @ts-expect-error neither one entity nor a list of them
  void client.service("fraud_v1").getOnlineFeatures({});
  // @ts-expect-error a bare number is no time
  void client.getOnlineFeatures({ features: fraud, entities, asOf: 5 });
  // @ts-expect-error there is no such service
  void client.service("fraud_v2");
  // @ts-expect-error the key bank is missing
  void client.service("fraud_v1").getOnlineFeatures({ entities: [{ user_id: "ann" }] });
});

test("rows of a push are those of its source", () => {
  void client.push(logins, [{ id: 1n, user_id: "ann", bank: 1, time: new Date() }]);
  // @ts-expect-error the column time is missing
  void client.push(logins, [{ id: 1n, user_id: "ann", bank: 1 }]);
  // @ts-expect-error a log feeds it
  void client.push(payments, []);
});

test("without the definitions, any service and untyped rows", async () => {
  const [row] = await createClient({ url: "http://a" })
    .service("anything")
    .getOnlineFeatures({ entities: [{ a: 1 }] });
  expectTypeOf(row).toEqualTypeOf<Readonly<Record<string, unknown>>>();
});
