import {
  asOf,
  count,
  dateOf,
  daysBetween,
  derivedView,
  elapsed,
  featureView,
  gt,
  hourOf,
  last,
  max,
  sum,
  timeSinceLast,
  type Expr,
  type RowOf,
} from "@tidemark/core";
import { expectTypeOf, test } from "vitest";
import { transactions as t, transfers, user } from "./support/bank.ts";

type Clock = "the time of the answer";
type Windows = "windows of any source" | "windows of transactions";

test("asOf() is a timestamp beside windows and features", () => {
  expectTypeOf(asOf()).toEqualTypeOf<Expr<Clock, "timestamp", Date>>();
  expectTypeOf(hourOf(asOf(), "UTC")).toEqualTypeOf<Expr<Clock, "int32", number>>();
  const idle = elapsed("hours", last(t.time).over("90d"), asOf());
  expectTypeOf(idle).toEqualTypeOf<Expr<Windows | Clock, "float64", number | null>>();
  const view = featureView("v", {
    entity: user,
    source: t,
    features: {
      idle,
      long_idle: gt(idle, 72),
      longer: gt(idle, timeSinceLast("hours").over("7d")),
      last_day: max(dateOf(t.time, "UTC")).over("30d"),
      spent: sum(t.amount).over("1d"),
    },
  });
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{
    idle: number | null;
    long_idle: boolean | null;
    longer: boolean | null;
    last_day: string | null;
    spent: number;
  }>();
  const derived = derivedView("d", {
    features: { days: daysBetween(view.last_day, dateOf(asOf(), "UTC")) },
  });
  expectTypeOf<RowOf<typeof derived>>().toEqualTypeOf<{ days: number | null }>();
});

test("asOf() is refused beside rows", () => {
  // @ts-expect-error: rows do not know the time of the answer
  elapsed("hours", t.time, asOf());
  const late = gt(asOf(), "2026-01-01T00:00:00Z");
  // @ts-expect-error: a condition is about rows
  sum(t.amount).where(late);
  // @ts-expect-error: an aggregation is about rows
  featureView("v", { entity: user, source: t, features: { n: count(asOf()).over("7d") } });
  const idle = elapsed("hours", last(transfers.at).over("90d"), asOf());
  // @ts-expect-error: this feature reads windows of another source
  featureView("v", { entity: user, source: t, features: { idle } });
});
