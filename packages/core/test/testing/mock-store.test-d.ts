import {
  commitTime,
  count,
  derivedView,
  entity,
  featureView,
  float64,
  gt,
  int64,
  latest,
  pushSource,
  requestData,
  source,
  string,
  timestamp,
  type JsonValue,
} from "@tidemark/core";
import { mockStore, type MockStore } from "@tidemark/core/testing";
import { expectTypeOf, test } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const payments = source("payments", {
  table: "public.payments",
  columns: { id: int64(), user_id: string(), amount: float64().nullable(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const users = source("users", {
  table: "public.users",
  columns: { user_id: string(), city: string() },
  primaryKey: ["user_id"],
  eventTime: commitTime(),
});
const logins = pushSource("logins", {
  columns: { id: string(), user_id: string(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const weekly = featureView("weekly", {
  entity: user,
  source: payments,
  features: { num: count().over("7d") },
});
const profile = featureView("profile", {
  entity: user,
  source: users,
  features: { city: latest(users.city) },
});
const order = requestData("order", { price: float64() });
const judged = derivedView("judged", { features: { high: gt(order.price, weekly.num) } });
const bank: MockStore = mockStore({ payments, users, logins, weekly, profile, judged });
const asOf = "2026-03-26T00:00:00Z";

test("rows are typed as their source", () => {
  bank.put(payments, [{ id: 1n, user_id: "a", amount: 1, time: new Date() }]);
  bank.put(payments, [{ id: 1, user_id: "a", time: asOf }], { at: asOf });
  // @ts-expect-error the user is missing
  bank.put(payments, [{ id: 1, time: asOf }]);
  // @ts-expect-error an amount is a number
  bank.put(payments, [{ id: 1, user_id: "a", amount: "1", time: asOf }]);
  // @ts-expect-error there is no such column
  bank.put(payments, [{ id: 1, user_id: "a", time: asOf, vendor: "x" }]);
  // @ts-expect-error a view is no source
  bank.put(weekly, []);
});

test("a dimension says when it was committed", () => {
  bank.put(users, [{ user_id: "a", city: "Bern" }], { at: asOf });
  // @ts-expect-error a version holds from its commit on
  bank.put(users, [{ user_id: "a", city: "Bern" }]);
  // @ts-expect-error so does its end
  bank.remove(users, [{ user_id: "a" }]);
});

test("a removal takes keys", () => {
  bank.remove(payments, [{ id: 1 }]);
  bank.remove(logins, [{ id: "x" }], { at: asOf });
  // @ts-expect-error the primary key is id
  bank.remove(logins, [{ user_id: "a" }]);
});

test("answers are typed as those of getOnlineFeatures", async () => {
  expectTypeOf(await bank.ask(weekly, { user_id: "a" }, { asOf })).toEqualTypeOf<{ num: number }>();
  expectTypeOf(
    await bank.ask([weekly, profile.city, judged], { user_id: "a", price: 1 }, { asOf }),
  ).toEqualTypeOf<{ num: number; city: string | null; high: boolean }>();
  const { row } = await bank.ask(weekly.num, { user_id: "a" }, { asOf, metadata: true });
  expectTypeOf(row.num.value).toEqualTypeOf<number>();
  // @ts-expect-error request data stand beside the keys
  await bank.ask(judged, { user_id: "a" }, { asOf });
  // @ts-expect-error a question says its time
  await bank.ask(weekly, { user_id: "a" }, {});
  // @ts-expect-error a bare number has no unit
  await bank.ask(weekly, { user_id: "a" }, { asOf: 5 });
});

test("an explanation is of one feature", async () => {
  const { value, parts } = await bank.explain(weekly.num, { user_id: "a" }, { asOf });
  expectTypeOf(value).toEqualTypeOf<JsonValue>();
  expectTypeOf(parts[0]!.start).toEqualTypeOf<string | null>();
});
