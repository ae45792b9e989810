import {
  add,
  and,
  avg,
  between,
  binOf,
  caseWhen,
  cast,
  clamp,
  coalesce,
  concat,
  count,
  dateOf,
  decimal,
  div,
  elapsed,
  elementOf,
  eq,
  feature,
  featureView,
  float64,
  gt,
  hashBucket,
  hourOf,
  int32,
  int64,
  isNull,
  jsonPath,
  least,
  like,
  list,
  log,
  lower,
  matches,
  max,
  member,
  min,
  mod,
  mul,
  nullIf,
  round,
  splitPart,
  string,
  struct,
  sub,
  sum,
  sumOf,
  timestamp,
  trim,
  upper,
  vectorAvg,
  vectorSum,
  when,
  type Condition,
  type Expr,
  type ListType,
  type RowOf,
  type StructType,
} from "@tidemark/core";
import { expectTypeOf, test } from "vitest";
import { transactions as t, transfers, user } from "./support/bank.ts";

type T = "transactions";

test("arithmetic has the type of the language: float64 before decimal before int64", () => {
  expectTypeOf(add(t.cents, 1)).toEqualTypeOf<Expr<T, "int64", number>>();
  expectTypeOf(add(t.points, t.cents)).toEqualTypeOf<Expr<T, "int64", number>>();
  expectTypeOf(add(t.account_id, 1)).toEqualTypeOf<Expr<T, "int64", bigint>>();
  expectTypeOf(sub(t.fee, 0.1)).toEqualTypeOf<Expr<T, "decimal", string>>();
  expectTypeOf(mul(t.fee, "1.25")).toEqualTypeOf<Expr<T, "decimal", string>>();
  expectTypeOf(mul(t.amount, t.fee)).toEqualTypeOf<Expr<T, "float64", number | null>>();
  expectTypeOf(div(t.cents, 100)).toEqualTypeOf<Expr<T, "float64", number | null>>();
  expectTypeOf(mod(t.cents, 100)).toEqualTypeOf<Expr<T, "int64", number | null>>();
});

test("functions that choose keep the type of their first value", () => {
  expectTypeOf(coalesce(t.vendor, "unknown")).toEqualTypeOf<Expr<T, "string", string>>();
  expectTypeOf(nullIf(t.cents, 0)).toEqualTypeOf<Expr<T, "int32", number | null>>();
  expectTypeOf(least(t.amount, 10)).toEqualTypeOf<Expr<T, "float64", number | null>>();
  expectTypeOf(clamp(t.cents, 0, 100)).toEqualTypeOf<Expr<T, "int32", number>>();
  expectTypeOf(
    caseWhen([when(gt(t.amount, 100), "large"), when(gt(t.amount, 10), "medium")], "small"),
  ).toEqualTypeOf<Expr<T, "string", "large" | "medium" | "small">>();
  expectTypeOf(caseWhen([when(gt(t.amount, 100), t.cents)])).toEqualTypeOf<
    Expr<T, "int32", number | null>
  >();
  expectTypeOf(caseWhen([when(gt(t.amount, 100), t.fee)], 0)).toEqualTypeOf<
    Expr<T, "decimal", string>
  >();
});

test("functions of one value, of texts and of times", () => {
  expectTypeOf(round(t.fee, 1)).toEqualTypeOf<Expr<T, "decimal", string>>();
  expectTypeOf(log(t.cents, 10)).toEqualTypeOf<Expr<T, "float64", number | null>>();
  expectTypeOf(binOf(t.amount, [10, 100])).toEqualTypeOf<Expr<T, "int32", number | null>>();
  expectTypeOf(concat(t.vendor, "!")).toEqualTypeOf<Expr<T, "string", string | null>>();
  expectTypeOf(like(t.user_id, "a%")).toEqualTypeOf<Expr<T, "boolean", boolean>>();
  expectTypeOf(matches(t.vendor, "a+")).toEqualTypeOf<Expr<T, "boolean", boolean | null>>();
  expectTypeOf(splitPart(t.user_id, "-", 0)).toEqualTypeOf<Expr<T, "string", string | null>>();
  expectTypeOf(hourOf(t.time, "Europe/Zurich")).toEqualTypeOf<Expr<T, "int32", number>>();
  expectTypeOf(dateOf(t.time, "UTC")).toEqualTypeOf<Expr<T, "date", string>>();
  expectTypeOf(elapsed("hours", t.time, t.seen)).toEqualTypeOf<Expr<T, "float64", number>>();
  gt(hourOf(t.time, "Europe/Zurich"), 22);
  // @ts-expect-error: this takes a timestamp
  hourOf(t.vendor, "UTC");
  // @ts-expect-error: this takes text
  trim(t.amount);
});

test("functions that make a value of another type", () => {
  expectTypeOf(lower(t.vendor)).toEqualTypeOf<Expr<T, "string", string | null>>();
  expectTypeOf(upper(t.user_id)).toEqualTypeOf<Expr<T, "string", string>>();
  expectTypeOf(cast(t.vendor, int64())).toEqualTypeOf<Expr<T, "int64", bigint | null>>();
  expectTypeOf(cast(t.vendor, int64({ mode: "number" }))).toEqualTypeOf<
    Expr<T, "int64", number | null>
  >();
  expectTypeOf(cast(t.ok, int32())).toEqualTypeOf<Expr<T, "int32", number | null>>();
  expectTypeOf(cast(t.vendor, timestamp({ zone: "UTC" }))).toEqualTypeOf<
    Expr<T, "timestamp", Date | null>
  >();
  expectTypeOf(cast(t.amount, decimal({ precision: 12, scale: 2 }))).toEqualTypeOf<
    Expr<T, "decimal", string | null>
  >();
  expectTypeOf(cast(t.time, string())).toEqualTypeOf<Expr<T, "string", string | null>>();
  expectTypeOf(jsonPath(t.extra, "$.tags[0]", string())).toEqualTypeOf<
    Expr<T, "string", string | null>
  >();
  expectTypeOf(jsonPath(t.extra, "$.tags", list(string()))).toEqualTypeOf<
    Expr<T, ListType<"string">, readonly (string | null)[] | null>
  >();
  const items = jsonPath(t.extra, "$.items", list(struct({ product: string("p"), n: int32() })));
  expectTypeOf(items).toEqualTypeOf<
    Expr<
      T,
      ListType<StructType<{ readonly product: "string"; readonly n: "int32" }>>,
      readonly ({ readonly product: string | null; readonly n: number | null } | null)[] | null
    >
  >();
  expectTypeOf(member(elementOf(items, 0), "n")).toEqualTypeOf<Expr<T, "int32", number | null>>();
  expectTypeOf(sumOf(jsonPath(t.extra, "$.prices", list(float64())))).toEqualTypeOf<
    Expr<T, "float64", number | null>
  >();
  const none = coalesce(
    items,
    jsonPath(t.extra, "$.gifts", list(struct({ product: string(), n: int32() }))),
  );
  expectTypeOf(member(elementOf(none, 0), "product")).toEqualTypeOf<
    Expr<T, "string", string | null>
  >();
  const prices = jsonPath(t.extra, "$.prices", list(decimal({ precision: 12, scale: 2 })));
  const vectors = featureView("vectors", {
    entity: user,
    source: t,
    features: { total: vectorSum(prices, 3).over("7d"), usual: vectorAvg(prices, 3).over("7d") },
  });
  expectTypeOf<RowOf<typeof vectors>["total"]>().toEqualTypeOf<readonly string[]>();
  expectTypeOf<RowOf<typeof vectors>["usual"]>().toEqualTypeOf<readonly number[] | null>();
  expectTypeOf(hashBucket(t.vendor, 100)).toEqualTypeOf<Expr<T, "int32", number | null>>();
  expectTypeOf(hashBucket(t.time, 100)).toEqualTypeOf<Expr<T, "int32", number>>();
});

test("conditions are expressions, and expressions are compared with expressions", () => {
  expectTypeOf(gt(mul(t.cents, 2), t.points)).toEqualTypeOf<Expr<T, "boolean", boolean>>();
  expectTypeOf(eq(t.vendor, t.channel)).toEqualTypeOf<Condition<T>>();
  expectTypeOf(between(t.fee, 1, "2.50")).toEqualTypeOf<Expr<T, "boolean", boolean>>();
  expectTypeOf(and(t.ok, isNull(t.vendor))).toEqualTypeOf<Expr<T, "boolean", boolean>>();
});

test("aggregations take expressions of rows", () => {
  const view = featureView("v", {
    entity: user,
    source: t,
    features: {
      spent: sum(mul(t.fee, t.cents)).over("7d"),
      least_net: min(sub(t.amount, t.fee)).where(t.ok).over("7d"),
      longest: max(caseWhen([when(t.ok, "yes")], "no")).over("7d"),
      large: count(nullIf(t.cents, 0)).over("1d"),
    },
  });
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{
    spent: string;
    least_net: number | null;
    longest: "yes" | "no" | null;
    large: number;
  }>();
  // @ts-expect-error: an expression is about one source
  add(t.amount, transfers.branch);
  // prettier-ignore
  // @ts-expect-error: a feature reads the source of its view
  featureView("v", { entity: user, source: transfers, keys: { user_id: transfers.sender_id }, features: { n: sum(mul(t.fee, 2)).over("1d") } });
});

test("functions of windows", () => {
  type Windows = "windows of any source" | `windows of ${T}`;
  const spent = sum(t.amount);
  expectTypeOf(div(count().over("1h"), count().over("7d"))).toEqualTypeOf<
    Expr<"windows of any source", "float64", number | null>
  >();
  expectTypeOf(sub(sum(t.fee).over("1d"), "0.50")).toEqualTypeOf<
    Expr<Windows, "decimal", string>
  >();
  expectTypeOf(add(count().over("1d"), sum(t.cents).over("1d"))).toEqualTypeOf<
    Expr<Windows, "int64", bigint>
  >();
  expectTypeOf(gt(spent.over("1d"), 100)).toEqualTypeOf<Expr<Windows, "boolean", boolean>>();
  expectTypeOf(coalesce(avg(t.amount).over("7d"), 0)).toEqualTypeOf<
    Expr<Windows, "float64", number>
  >();
  expectTypeOf(coalesce(max(t.vendor).over("7d"), "none")).toEqualTypeOf<
    Expr<Windows, "string", string>
  >();
  const view = featureView("v", {
    entity: user,
    source: t,
    features: {
      burst: div(count().over("1h"), count().over("7d")),
      mean: feature(avg(t.amount).over("7d")).default(0),
      fewer: feature(div(spent.over("1d"), spent.over("7d")))
        .default(0)
        .renamedFrom("less"),
      spent: spent.overEach("1d", "7d"),
      level: caseWhen([when(gt(spent.where(t.ok).over("1d"), 9), "high")], "low"),
      rare: isNull(max(t.vendor).over("30d")),
    },
  });
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{
    burst: number | null;
    mean: number;
    fewer: number;
    less: number;
    spent_1d: number;
    spent_7d: number;
    level: "high" | "low";
    rare: boolean;
  }>();
});
