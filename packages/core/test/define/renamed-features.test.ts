/** Tests that a renamed feature is answered under its former names. */
import {
  count,
  entity,
  featureService,
  featureView,
  int64,
  openStore,
  pushSource,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { expect, onTestFinished, test } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const logins = pushSource("logins", {
  columns: { id: int64(), user_id: string(), bytes: int64(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const view = featureView("activity", {
  entity: user,
  source: logins,
  features: {
    traffic: sum(logins.bytes).over("7d").renamedFrom("volume", "amount"),
    number: count().overEach("1d", "7d").renamedFrom("logins"),
  },
});
const NOON = new Date("2026-01-05T12:00:00Z");

test("online answers, training sets and services have both names and the same values", async () => {
  const service = featureService("risk_v1", [view.volume, view.traffic.as("bytes")]);
  const store = await openStore({
    definitions: { view, service },
    online: memoryOnlineStore(),
    offline: memoryOfflineStore(),
    clock: () => NOON,
  });
  onTestFinished(() => store.close());
  await store.push(logins, [
    { id: 1n, user_id: "a", bytes: 5n, time: "2026-01-05T11:00:00Z" },
    { id: 2n, user_id: "a", bytes: 7n, time: "2026-01-03T11:00:00Z" },
  ]);
  const entities = [{ user_id: "a" }];
  const all = {
    traffic: 12n,
    number_1d: 1,
    number_7d: 2,
    volume: 12n,
    amount: 12n,
    logins_1d: 1,
    logins_7d: 2,
  };
  expect((await store.getOnlineFeatures({ features: view, entities }))[0]).toEqual(all);
  expect((await store.getOnlineFeatures({ features: service, entities }))[0]).toEqual({
    volume: 12n,
    bytes: 12n,
  });
  const training = await store.getHistoricalFeatures({
    features: view,
    entities: [{ user_id: "a", event_timestamp: "2026-01-05T12:00:00Z" }],
  });
  expect(await training.rows()).toEqual([expect.objectContaining(all)]);
});

const names = (features: Readonly<Record<string, unknown>>) => () =>
  featureView("activity", { entity: user, source: logins, features: features as never });
const over = count().over("7d");

test.each([
  ["the name of another feature", { a: over, b: over.renamedFrom("a") }, "NAME_TAKEN", '"a" has'],
  ["its own name", { a: over.renamedFrom("a") }, "NAME_TAKEN", '"a" has this name'],
  [
    "the former name of another feature",
    { a: over.renamedFrom("c"), b: over.renamedFrom("c") },
    "NAME_TAKEN",
    '"a" was renamed from it',
  ],
  ["a key of the entity", { a: over.renamedFrom("user_id") }, "NAME_TAKEN", "is a key"],
  ["no name for a feature", { a: over.renamedFrom("two words") }, "NAME_INVALID", "two words"],
  [
    "a name that overEach makes",
    { a_1d: over, n: count().overEach("1d").renamedFrom("a") },
    "NAME_TAKEN",
    '"a_1d" has this name',
  ],
])("a former name that is %s is refused", (_, features, code, text) => {
  expect(names(features)).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(text) as string }) as Error,
  );
});

test("renamedFrom without a name, or twice, is refused", () => {
  const invalid = expect.objectContaining({ code: "DEFINITION_INVALID" }) as Error;
  expect(() => (over.renamedFrom as () => unknown)()).toThrow(invalid);
  const twice = over.renamedFrom("a") as unknown as typeof over;
  expect(() => twice.renamedFrom("b")).toThrow(invalid);
});

const table = (renamedFrom: unknown) => () =>
  source("payments", {
    table: "public.payments_2024",
    renamedFrom: renamedFrom as string,
    columns: { id: int64(), time: timestamp() },
    primaryKey: ["id"],
    eventTime: "time",
  });

test.each([
  ["a number", 1, "DEFINITION_INVALID"],
  ["an empty list", [], "DEFINITION_INVALID"],
  ["the table itself", "public.payments_2024", "NAME_TAKEN"],
  ["one table twice", ["public.payments", "public.payments"], "NAME_TAKEN"],
])("former tables of a source: %s is refused", (_, renamedFrom, code) => {
  expect(table(renamedFrom)).toThrow(expect.objectContaining({ code }) as Error);
});
