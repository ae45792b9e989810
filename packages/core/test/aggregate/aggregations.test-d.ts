import {
  all,
  any,
  boolean,
  changes,
  bottomK,
  bottomKBy,
  correlation,
  covariance,
  currentStreak,
  decayedAvg,
  decayedCount,
  decayedSum,
  decimal,
  drawdown,
  distinctValues,
  entity,
  entropy,
  eq,
  featureView,
  first,
  firstN,
  float64,
  histogram,
  int64,
  kurtosis,
  last,
  lastN,
  maxBy,
  longestStreak,
  maxSession,
  meanGap,
  median,
  minBy,
  mode,
  mostFrequent,
  quantile,
  sessionCount,
  quantiles,
  share,
  skewness,
  slope,
  source,
  stddev,
  string,
  timeSinceFirst,
  timeSinceLast,
  timestamp,
  trend,
  topK,
  topKBy,
  variance,
  type RowOf,
  avg,
  sum,
  series,
  calendarSeries,
  lastRows,
} from "@tidemark/core";
import { expectTypeOf, test } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const payments = source("payments", {
  table: "public.payments",
  columns: {
    id: int64(),
    user_id: string(),
    time: timestamp(),
    amount: float64().nullable(),
    fee: decimal({ precision: 9, scale: 2 }),
    vendor: string().nullable(),
    blocked: boolean(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});

const refunds = source("refunds", {
  table: "public.refunds",
  columns: { id: int64(), user_id: string(), time: timestamp(), amount: float64() },
  primaryKey: ["id"],
  eventTime: "time",
});

test("what aggregations answer", () => {
  const view = featureView("v", {
    entity: user,
    source: payments,
    features: {
      any: any(payments.blocked).over("1d"),
      all: all(payments.blocked).overEach("1d", "7d"),
      share: share(payments.blocked).over("1d"),
      filled: share(payments.blocked).over("1d").default(0),
      variance: variance(payments.amount, "sample").over("1d"),
      stddev: stddev(payments.fee, "population").over("1d"),
      skewness: skewness(payments.amount).over("1d"),
      kurtosis: kurtosis(payments.amount).over("1d"),
      covariance: covariance(payments.amount, payments.fee, "sample").over("1d"),
      related: correlation(payments.amount, payments.id).over("1d"),
      grown: slope(payments.amount, payments.fee).over("1d").default(0),
      growth: trend(payments.amount, "days").over("1d"),
      dearest: maxBy(payments.vendor, payments.fee).over("1d"),
      cheapest: minBy(payments.fee, payments.time).over("1d").default("0.00"),
      spread: entropy(payments.vendor).over("1d"),
      quantile: quantile(payments.fee, 0.9).over("1d"),
      median: median(payments.id).over("1d"),
      vendor: mode(payments.vendor).over("1d"),
      price: mode(payments.fee).over("1d").default("0.00"),
      moment: mode(payments.time).over("1d"),
      first: first(payments.vendor).over("1d"),
      last: last(payments.id).overEach("1d", "7d"),
      known: last(payments.vendor).where(eq(payments.blocked, true)).over("1d").default("none"),
      age: timeSinceFirst("days").over("90d"),
      gap: meanGap("hours").over("7d"),
      sessions: sessionCount("30m").over("7d"),
      longest: maxSession("30m", "minutes").over("7d").default(0),
      streak: currentStreak(payments.blocked).over("7d"),
      changed: changes(payments.vendor).over("7d"),
      lately: decayedSum(payments.amount, { halfLife: "7d" }).over("90d"),
      active: decayedCount({ halfLife: "12h" }).over("90d"),
      usual: decayedAvg(payments.fee, { halfLife: "7d" }).over("90d").default(0),
      fall: drawdown(payments.fee).over("7d"),
      idle: timeSinceLast("hours").where(eq(payments.vendor, "a")).over("1d").default(24),
    },
  });
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{
    any: boolean;
    all_1d: boolean;
    all_7d: boolean;
    share: number | null;
    filled: number;
    variance: number | null;
    stddev: number | null;
    skewness: number | null;
    kurtosis: number | null;
    covariance: number | null;
    related: number | null;
    grown: number;
    growth: number | null;
    dearest: string | null;
    cheapest: string;
    spread: number | null;
    quantile: number | null;
    median: number | null;
    vendor: string | null;
    price: string;
    moment: Date | null;
    first: string | null;
    last_1d: bigint | null;
    last_7d: bigint | null;
    known: string;
    age: number | null;
    gap: number | null;
    sessions: number;
    longest: number;
    streak: number;
    changed: number;
    lately: number;
    active: number;
    usual: number;
    fall: number | null;
    idle: number;
  }>();
});

test("lists and maps are never null", () => {
  const view = featureView("v", {
    entity: user,
    source: payments,
    features: {
      vendors: distinctValues(payments.vendor, { atMost: 20 }).over("1d"),
      usual: mostFrequent(payments.vendor, 3).where(eq(payments.blocked, false)).over("1d"),
      counts: histogram(payments.vendor).over("1d"),
      by_id: histogram(payments.id).over("1d"),
      quartiles: quantiles(payments.fee, [0.25, 0.5, 0.75]).over("1d"),
      newest: lastN(payments.vendor, 5, { distinct: true }).over("1d"),
      oldest: firstN(payments.time, 2).over("1d"),
      largest: topK(payments.fee, 3).overEach("1d", "7d"),
      smallest: bottomK(payments.amount, 1000, { distinct: true }).over("1d"),
      dearest: topKBy(payments.vendor, payments.fee, 3).over("1d"),
      cheapest: bottomKBy({ vendor: payments.vendor, fee: payments.fee }, payments.time, 2).over(
        "1d",
      ),
      by_day: sum(payments.amount).over(series("1d", 30)),
      usual_by_month: avg(payments.amount).over(calendarSeries("month", "UTC", 12)),
      newest_by_day: lastN(payments.vendor, 3).over(series("1d", 7)),
      recent: avg(payments.amount).over(lastRows(5)),
    },
  });
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{
    vendors: readonly string[];
    usual: readonly string[];
    counts: ReadonlyMap<string, number>;
    by_id: ReadonlyMap<bigint, number>;
    quartiles: readonly number[];
    newest: readonly string[];
    oldest: readonly Date[];
    largest_1d: readonly string[];
    largest_7d: readonly string[];
    smallest: readonly number[];
    dearest: readonly string[];
    cheapest: readonly { readonly vendor: string | null; readonly fee: string }[];
    by_day: readonly number[];
    usual_by_month: readonly (number | null)[];
    newest_by_day: readonly (readonly string[])[];
    recent: number | null;
  }>();
  const known: number = 3;
  topK(payments.fee, known);
  // @ts-expect-error -- 0 is no number of elements: give a whole number from 1 to 1000
  topK(payments.fee, 0);
  // @ts-expect-error -- 1001 is no number of elements: give a whole number from 1 to 1000
  mostFrequent(payments.fee, 1001);
  // @ts-expect-error -- 12000 is no number of elements: give a whole number from 1 to 1000
  bottomK(payments.fee, 12000);
  // @ts-expect-error -- 0 is no number of elements: give a whole number from 1 to 1000
  topKBy(payments.vendor, payments.fee, 0);
  // @ts-expect-error -- the number of elements is missing
  bottomKBy(payments.vendor, payments.fee);
  // @ts-expect-error -- 2.5 is no number of elements: give a whole number from 1 to 1000
  mostFrequent(payments.fee, 2.5);
  // @ts-expect-error -- -1 is no number of elements: give a whole number from 1 to 1000
  distinctValues(payments.fee, { atMost: -1 });
  // @ts-expect-error -- 0 is no number of elements: give a whole number from 1 to 1000
  lastN(payments.vendor, 0);
  // @ts-expect-error -- atMost is missing
  distinctValues(payments.fee, {});
  // @ts-expect-error -- there is no option distinkt
  topK(payments.fee, 3, { distinkt: true });
  // @ts-expect-error -- amount is a float64 column, and its values are no keys of a map
  histogram(payments.amount);
  // @ts-expect-error -- vendor is a string column: this aggregation takes int32, int64, float64 …
  quantiles(payments.vendor, [0.5]);
  // @ts-expect-error -- never null, so it takes no default
  histogram(payments.vendor).over("1d").default(new Map());
});

test("what aggregations refuse", () => {
  // @ts-expect-error -- vendor is a string column: this aggregation takes a boolean column
  share(payments.vendor);
  // @ts-expect-error -- vendor is a string column: this aggregation takes int32, int64, float64 …
  median(payments.vendor);
  // @ts-expect-error -- say whether the rows are a sample or the population
  variance(payments.amount);
  // @ts-expect-error -- neither "sample" nor "population"
  stddev(payments.amount, "both");
  // @ts-expect-error -- say whether the rows are a sample or the population
  covariance(payments.amount, payments.fee);
  // @ts-expect-error -- a second argument is missing
  correlation(payments.amount);
  // @ts-expect-error -- vendor is a string column: this aggregation takes int32, int64, float64 …
  slope(payments.amount, payments.vendor);
  // @ts-expect-error -- this is about refunds, the first argument about payments
  correlation(payments.amount, refunds.amount);
  // @ts-expect-error -- the unit is seconds, minutes, hours or days
  timeSinceLast("weeks");
  // @ts-expect-error -- this is about refunds, the first argument about payments
  maxBy(payments.vendor, refunds.amount);
  // @ts-expect-error -- this is about refunds, the first argument about payments
  topKBy(payments.vendor, refunds.amount, 3);
  // @ts-expect-error -- the unit is seconds, minutes, hours or days
  trend(payments.amount, "years");
  // @ts-expect-error -- '30 minutes' is not a duration
  sessionCount("30 minutes");
  // @ts-expect-error -- '0d' is no length of time
  decayedCount({ halfLife: "0d" });
  // @ts-expect-error -- vendor is a string column: this aggregation takes int32, int64, float64 …
  decayedSum(payments.vendor, { halfLife: "7d" });
  // @ts-expect-error -- vendor is a string column: this aggregation takes a boolean column
  longestStreak(payments.vendor);
  // @ts-expect-error -- a number of sessions is never null, so it takes no default
  sessionCount("30m").over("1d").default(0);
  // @ts-expect-error -- never null, so it takes no default
  any(payments.blocked).over("1d").default(false);
});
