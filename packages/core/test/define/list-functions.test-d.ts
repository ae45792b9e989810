import {
  add,
  avg,
  avgOf,
  calendarSeries,
  coalesce,
  contains,
  count,
  derivedView,
  div,
  elementOf,
  featureView,
  gt,
  histogram,
  last,
  lastN,
  max,
  maxBy,
  maxOf,
  member,
  quantileOf,
  series,
  slopeOf,
  stddevOf,
  sum,
  sumOf,
  topK,
  valueAt,
  type Expr,
  type RowOf,
} from "@tidemark/core";
import { expectTypeOf, test } from "vitest";
import { transactions as t, transfers, user } from "./support/bank.ts";

type Windows = "windows of any source" | "windows of transactions";

test("functions of lists have the type of the elements", () => {
  const vendors = lastN(t.vendor, 5).over("90d");
  expectTypeOf(elementOf(vendors, -1)).toEqualTypeOf<Expr<Windows, "string", string | null>>();
  expectTypeOf(contains(vendors, "Hospital")).toEqualTypeOf<Expr<Windows, "boolean", boolean>>();
  expectTypeOf(contains(vendors, max(t.vendor).over("1d"))).toEqualTypeOf<
    Expr<Windows, "boolean", boolean | null>
  >();
  const days = count().over(series("1d", 7));
  expectTypeOf(sumOf(days)).toEqualTypeOf<Expr<"windows of any source", "int64", number>>();
  expectTypeOf(maxOf(days)).toEqualTypeOf<Expr<"windows of any source", "int64", number | null>>();
  expectTypeOf(sumOf(topK(t.fee, 3).over("7d"))).toEqualTypeOf<Expr<Windows, "decimal", string>>();
  expectTypeOf(maxOf(topK(t.fee, 3).over("7d"))).toEqualTypeOf<
    Expr<Windows, "decimal", string | null>
  >();
  const means = avg(t.amount).over(calendarSeries("month", "UTC", 3));
  for (const of of [
    avgOf(means),
    slopeOf(means),
    stddevOf(means, "sample"),
    quantileOf(means, 0.5),
  ])
    expectTypeOf(of).toEqualTypeOf<Expr<Windows, "float64", number | null>>();
});

test("functions of maps and structs have the types of their values", () => {
  const by_vendor = sum(t.fee).by(t.vendor).over("7d");
  expectTypeOf(valueAt(by_vendor, "Hospital")).toEqualTypeOf<
    Expr<Windows, "decimal", string | null>
  >();
  expectTypeOf(valueAt(histogram(t.cents).over("7d"), 5)).toEqualTypeOf<
    Expr<Windows, "int64", number | null>
  >();
  const each = avg(t.amount).byEach(t.vendor, ["web", "app"]).over("7d");
  expectTypeOf(member(each, "web")).toEqualTypeOf<Expr<Windows, "float64", number | null>>();
  const counts = count().byEach(t.vendor, ["web", "app"]).over("7d");
  expectTypeOf(add(member(counts, "app"), 1)).toEqualTypeOf<Expr<Windows, "int64", number>>();
  const by_day = count().by(t.vendor).over(series("1d", 3));
  expectTypeOf(valueAt(elementOf(by_day, 0), "web")).toEqualTypeOf<
    Expr<Windows, "int64", number | null>
  >();
});

test("views and derived views take functions of lists and maps", () => {
  const view = featureView("v", {
    entity: user,
    source: t,
    features: {
      usual_day: avgOf(sum(t.amount).over(series("1d", 30))),
      days: count().over(series("1d", 30)),
      last_vendors: lastN(t.vendor, 5).over("90d"),
      by_vendor: sum(t.amount).by(t.vendor).over("7d"),
      each: count().byEach(t.vendor, ["web", "app"]).over("7d"),
    },
  });
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{
    usual_day: number | null;
    days: readonly number[];
    last_vendors: readonly string[];
    by_vendor: ReadonlyMap<string, number>;
    each: { readonly web: number; readonly app: number };
  }>();
  const derived = derivedView("d", {
    features: {
      today: div(elementOf(view.days, -1), avgOf(view.days)),
      again: contains(view.last_vendors, "Hospital"),
      spent: coalesce(valueAt(view.by_vendor, "Hospital"), 0),
      web: gt(member(view.each, "web"), 3),
    },
  });
  expectTypeOf<RowOf<typeof derived>>().toEqualTypeOf<{
    today: number | null;
    again: boolean;
    spent: number;
    web: boolean;
  }>();
});

test("other types are refused", () => {
  const days = count().over(series("1d", 7));
  const each = count().byEach(t.vendor, ["web", "app"]).over("7d");
  // @ts-expect-error: amount is float64: only a list has elements
  elementOf(t.amount, 0);
  // @ts-expect-error: this is a list of string: this takes a list of numbers
  sumOf(lastN(t.vendor, 5).over("7d"));
  // @ts-expect-error: its elements are int64
  contains(days, "three");
  // @ts-expect-error: its keys are texts
  valueAt(count().by(t.vendor).over("7d"), 5);
  // @ts-expect-error: it has no member "tv"
  member(each, "tv");
  // @ts-expect-error: this is list: only a struct has members
  member(days, "web");
});

test("an object of columns is a struct", () => {
  const newest = last({ vendor: t.vendor, fee: t.fee });
  expectTypeOf(member(newest.over("7d"), "fee")).toEqualTypeOf<
    Expr<Windows, "decimal", string | null>
  >();
  const view = featureView("v", {
    entity: user,
    source: t,
    features: {
      newest: newest.over("7d"),
      newest_three: lastN({ vendor: t.vendor, cents: add(t.cents, 1) }, 3).over("7d"),
      largest: maxBy({ vendor: t.vendor, time: t.time }, t.amount).over("7d"),
      plain: last(t.vendor).over("7d"),
    },
  });
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{
    newest: { readonly vendor: string | null; readonly fee: string } | null;
    newest_three: readonly { readonly vendor: string | null; readonly cents: number }[];
    largest: { readonly vendor: string | null; readonly time: Date } | null;
    plain: string | null;
  }>();
  // @ts-expect-error: a struct is about one source
  last({ vendor: t.vendor, branch: transfers.branch });
  // @ts-expect-error: the second argument is about another source
  maxBy({ vendor: t.vendor }, transfers.amount);
  // @ts-expect-error: it has no member "tv"
  member(newest.over("7d"), "tv");
});
