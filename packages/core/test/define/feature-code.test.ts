/** The printed code of a feature defines the same feature. */
import * as tidemark from "@tidemark/core";
import {
  add,
  approxCountDistinct,
  approxQuantile,
  caseWhen,
  cast,
  clamp,
  coalesce,
  concat,
  count,
  countDistinct,
  covariance,
  current,
  dayOfWeek,
  decayedSum,
  decimal,
  derivedSource,
  derivedView,
  distinctValues,
  div,
  elapsed,
  entity,
  eq,
  featureView,
  float64,
  gt,
  hashBucket,
  inList,
  int64,
  isNotNull,
  json,
  jsonPath,
  last,
  lastN,
  lastRows,
  latest,
  like,
  lifetime,
  matches,
  maxBy,
  maxGap,
  meanSession,
  mul,
  not,
  or,
  previous,
  quantile,
  quantiles,
  ratio,
  requestData,
  round,
  series,
  source,
  splitPart,
  stddev,
  string,
  sub,
  substring,
  sum,
  timeSinceLast,
  timestamp,
  topK,
  transform,
  trend,
  when,
  window,
} from "@tidemark/core";
import { describe, expect, test } from "vitest";
import { dataText } from "../../src/define/data-text.ts";
import { viewSelection } from "../../src/define/former-names.ts";
import { featureCode } from "../../src/define/feature-code.ts";
import { specOfAnyView, specOfView } from "../../src/define/spec-of.ts";
import type { FeatureSpec, SelectedFeature } from "../../src/specs.ts";

const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64(),
    user_id: string(),
    amount: float64(),
    fee: decimal({ precision: 10, scale: 2 }).nullable(),
    items: int64({ mode: "number" }),
    vendor: string().nullable(),
    extra: json().nullable(),
    time: timestamp(),
    shop: string("shop id"),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const user = entity("user", { keys: { user_id: string() } });
const { amount, fee, items, vendor, extra, time } = payments;

/** A view with features by their names. */
function viewOf(features: object) {
  return featureView("spending", { entity: user, source: payments, features: features as never });
}

/** The features that code defines. */
function definedBy(codes: Readonly<Record<string, string>>): readonly FeatureSpec[] {
  const names = Object.keys(tidemark);
  const members = Object.entries(codes).map(([name, code]) => `${name}: ${code}`);
  // the code is the product's own
  const run = new Function(...names, "payments", `return { ${members.join(", ")} };`) as (
    ...all: readonly unknown[]
  ) => object;
  const values = names.map((name) => (tidemark as Readonly<Record<string, unknown>>)[name]);
  return specOfView(viewOf(run(...values, payments))).features;
}

const features = {
  rows: count().over("7d"),
  some: count(vendor).over(window("1d", { delay: "1h" })),
  large: sum(amount).where(gt(amount, 10.5)).over("36h"),
  fees: sum(fee)
    .where(or(gt(fee, "2.50"), eq(vendor, 'A "shop"')))
    .over(lifetime()),
  many: sum(items)
    .where(not(inList(vendor, ["a", "b"])))
    .over(current("day", "Asia/Tokyo")),
  vendors: countDistinct(vendor).over(previous("month", "Europe/Zurich", { count: 3 })),
  newest: lastN(vendor, 3, { distinct: true }).over(lastRows(10, { within: "90d" })),
  both: last({ vendor, amount }).over("1d"),
  by_day: sum(amount).over(series("1d", 30)),
  by_vendor: sum(amount).by(vendor).over("7d"),
  each: count().byEach(vendor, ["Hospital", "Sport"]).over("7d"),
  typical: quantile(amount, 0.25).over("7d"),
  typicals: quantiles(amount, [0.1, 0.9]).over("7d"),
  faded: decayedSum(amount, { halfLife: "3d" }).over("30d"),
  spread: stddev(amount, "sample").over("7d"),
  sessions: meanSession("30m", "seconds").over("7d"),
  age: timeSinceLast("hours").over("7d"),
  top: topK(amount, 5).over("7d"),
  best: maxBy(vendor, amount).over("7d"),
  cents: sum(round(mul(amount, 100), 2)).over("1d"),
  known: sum(coalesce(fee, "0.00")).over("1d"),
  bounded: sum(clamp(amount, 0, 1000)).over("1d"),
  sized: sum(caseWhen([when(gt(amount, 100), 3), when(gt(amount, 10), 2)], 1)).over("1d"),
  text: countDistinct(concat(substring(vendor, 1, 3), splitPart(vendor, "-", 1))).over("1d"),
  weekday: count()
    .where(eq(dayOfWeek(time, "Asia/Tokyo"), 1))
    .over("7d"),
  bucket: countDistinct(hashBucket(vendor, 1000)).over("7d"),
  number: sum(cast(vendor, int64())).over("7d"),
  member: countDistinct(jsonPath(extra, "$.device.os", string())).over("7d"),
  like: count().where(like(vendor, "%Hospital%")).over("7d"),
  matches: count().where(matches(vendor, "[A-Z]{2}-\\d+( .*)?")).over("7d"),
  shop: countDistinct(payments.shop).where(isNotNull(vendor)).over("7d"),
  share: ratio(count().where(gt(amount, 100)), count()).over("7d"),
  change: div(sub(sum(amount).over("1d"), 5), sum(amount).over("7d")),
  about: approxQuantile(amount, 0.5, { error: 0.01 }).over("7d"),
  about_vendors: approxCountDistinct(vendor, { error: 0.02 }).over("7d"),
  together: covariance(amount, items, "population").over("7d"),
  rising: trend(amount, "days").over("7d"),
  listed: distinctValues(vendor, { atMost: 10 }).over("7d"),
  gaps: maxGap("minutes").over("7d"),
  filled: sum(fee).by(vendor).over("1d"),
  replaced: maxBy(vendor, amount).over("7d").default("none"),
};

describe("the code of a feature", () => {
  const view = viewOf(features);
  const selection = viewSelection(specOfView(view));

  test("defines the same feature", () => {
    const codes = Object.fromEntries(
      selection.map((selected): [string, string] => {
        const code = featureCode(selected);
        if (code === null) throw new Error(`${selected.as} has no code`);
        return [selected.as, code];
      }),
    );
    const again = definedBy(codes);
    for (const [i, { feature }] of selection.entries())
      expect([feature.name, dataText(plain(again[i]!))]).toEqual([
        feature.name,
        dataText(plain(feature as FeatureSpec)),
      ]);
    expect(codes["large"]).toBe(
      'sum(payments.amount).where(gt(payments.amount, 10.5)).over("36h")',
    );
  });

  test("names sources and views as the module exports them", () => {
    const [rows] = selection.filter(({ as }) => as === "large");
    expect(featureCode(rows!, (name) => `${name}Table`)).toContain("sum(paymentsTable.amount)");
  });
});

describe("a fact, and a derived feature", () => {
  const profile = featureView("profile", {
    entity: user,
    source: payments,
    features: { vendor: latest(vendor) },
  });
  const spending = viewOf({ spent: sum(amount).over("7d") }) as unknown as {
    readonly spent: typeof features.large;
  };
  const only = (view: object): SelectedFeature => viewSelection(specOfAnyView(view))[0]!;

  test("have code too", () => {
    expect(featureCode(only(profile))).toBe("latest(payments.vendor)");
    const judged = derivedView("judged", {
      features: { doubled: add(spending.spent as never, 1) } as never,
    });
    expect(featureCode(only(judged))).toBe("add(spending.spent, 1)");
  });

  test("features of request data, of transforms and of derived sources have none", () => {
    const asked = requestData("asked", { started: timestamp() });
    const late = derivedView("late", {
      features: { age: elapsed("hours", asked.started, tidemark.asOf()) },
    });
    expect(featureCode(only(late))).toBeNull();
    const scored = transform("scored", {
      version: 1,
      inputs: { spent: spending.spent as never },
      outputs: { points: float64() },
      compute: () => ({ points: 1 }),
    } as never);
    expect(featureCode(only(scored))).toBeNull();
    const sport = derivedSource("sport", { from: payments, where: eq(vendor, "Sport") });
    const sporty = featureView("sporty", {
      entity: user,
      source: sport,
      features: { rows: count().over("7d") },
    });
    expect(featureCode(only(sporty))).toBeNull();
  });
});

/** What a feature means, without symbols and functions. */
function plain(feature: FeatureSpec): unknown {
  return JSON.parse(
    JSON.stringify(feature, (_, value: unknown) =>
      typeof value === "bigint" ? `${value}n` : value,
    ),
  );
}
