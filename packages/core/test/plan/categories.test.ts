/** Categories in the plan of a selection, and in the fingerprints of the registry. */
import {
  avg,
  collectDefinitions,
  concat,
  count,
  entity,
  explainPlan,
  featureView,
  float64,
  gt,
  int64,
  lower,
  source,
  string,
  sum,
  timestamp,
} from "@tidemark/core";
import { expect, test } from "vitest";
import { definedObjects } from "../../src/registry/normalized-definitions.ts";

const user = entity("user", { keys: { user_id: string() } });
const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64(),
    user_id: string(),
    time: timestamp(),
    amount: float64(),
    channel: string(),
    city: string(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const { amount, channel, city } = payments;
const viewOf = (features: object): Parameters<typeof explainPlan>[0] =>
  featureView("v", { entity: user, source: payments, features } as never);

test("explainPlan says the categories; equal ones are computed once", () => {
  const view = viewOf({
    spent: sum(amount).by(channel).over("7d"),
    again: sum(amount).by(channel).over("7d"),
    listed: sum(amount).byEach(channel, ["web"]).over("7d"),
  });
  expect(explainPlan(view)).toMatchInlineSnapshot(`
    "answers spent map(string, float64), again map(string, float64), listed struct(web float64)
    needs user_id string
    derive
      spent = spent
      again = spent
      listed = listed
      window by user_id, found in 7d
        spent = sum(amount) by channel over 7d
        listed = sum(amount) by channel in ("web") over 7d
        scan payments: amount, channel"
  `);
});

test("explainPlan says the key, the members, and what replaces null", () => {
  const view = viewOf({
    usual: avg(amount).default(0).where(gt(amount, 1)).by(concat(channel, city)).over("7d"),
    listed: sum(amount).byEach(channel, ["web", "app"]).over("7d"),
  });
  expect(explainPlan(view)).toMatchInlineSnapshot(`
    "answers usual map(string, float64), listed struct(web float64, app float64)
    needs user_id string
    derive
      usual = usual
      listed = listed
      window by user_id, found in 7d
        usual = avg(amount) where amount > 1 by concat(channel, city), null is 0, over 7d
        listed = sum(amount) by channel in ("web", "app") over 7d
        scan payments: amount, channel, city"
  `);
});

/** The fingerprint of the feature `f`. */
function fingerprintOf(f: unknown): string {
  const objects = definedObjects(collectDefinitions({ view: viewOf({ f }) }));
  return objects.get("feature v.f")!.fingerprint;
}

test("the categories are a part of the fingerprint", () => {
  const features = [
    avg(amount).over("7d"),
    avg(amount).by(channel).over("7d"),
    avg(amount).by(city).over("7d"),
    avg(amount).by(lower(city)).over("7d"),
    avg(amount).default(0).by(city).over("7d"),
    avg(amount).default(1).by(city).over("7d"),
    avg(amount).byEach(city, ["a"]).over("7d"),
    avg(amount).byEach(city, ["a", "b"]).over("7d"),
    avg(amount).byEach(city, ["b", "a"]).over("7d"),
    count().by(city).over("7d"),
  ];
  expect(new Set(features.map(fingerprintOf)).size).toBe(features.length);
  expect(fingerprintOf(avg(amount).by(city).over("7d"))).toBe(fingerprintOf(features[2]));
});
