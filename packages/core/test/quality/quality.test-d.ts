import {
  count,
  derivedSource,
  entity,
  featureService,
  featureView,
  float64,
  fresh,
  gt,
  holds,
  int64,
  isNotNull,
  json,
  pushSource,
  quality,
  string,
  timestamp,
  unique,
  volume,
  type PushSource,
  type Quality,
} from "@tidemark/core";
import { expectTypeOf, test } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const columns = {
  id: int64(),
  user_id: string(),
  amount: float64().nullable(),
  extra: json(),
  time: timestamp(),
};
const payments = pushSource("payments", { columns, primaryKey: ["id"], eventTime: "time" });
const refunds = pushSource("refunds", { columns, primaryKey: ["id"], eventTime: "time" });
const large = derivedSource("large", { from: payments, where: gt(payments.amount, 100) });
const weekly = featureView("weekly", {
  entity: user,
  source: payments,
  features: { num: count().over("7d") },
});
const service = featureService("service", [weekly]);

test("expectations about a source, a derived source, a view and a service", () => {
  const all = quality("all", {
    on: payments,
    severity: "warning",
    expect: {
      positive: holds(gt(payments.amount, 0), { share: 0.99 }),
      there: holds(isNotNull(payments.user_id)),
      once: unique(payments.user_id, payments.time),
      on_time: fresh("15m"),
      usual: volume("1d", { atLeast: 10 }),
    },
  });
  expectTypeOf(all).toEqualTypeOf<Quality<"all">>();
  quality("x", { on: large, expect: { a: holds(gt(large.amount, 1)), b: fresh("1h") } });
  quality("x", { on: weekly, expect: { a: holds(gt(weekly.num, 1)), b: unique(weekly.num) } });
  quality("x", { on: service, expect: { a: holds(gt(weekly.num, 1)) } });
});

test("an expectation about something else is refused at its place", () => {
  quality("x", {
    on: payments,
    expect: {
      // @ts-expect-error this is about refunds
      a: holds(gt(refunds.amount, 0)),
    },
  });
  quality("x", {
    on: payments,
    expect: {
      good: fresh("1h"),
      // @ts-expect-error this is about features
      a: holds(gt(weekly.num, 0)),
    },
  });
  quality("x", {
    on: weekly,
    expect: {
      // @ts-expect-error this is about payments
      a: unique(payments.id),
    },
  });
  quality("x", {
    on: weekly,
    expect: {
      // @ts-expect-error this is about the rows of a source
      a: fresh("1h"),
    },
  });
  quality("x", {
    on: payments,
    expect: {
      // @ts-expect-error this is about payments, and the second about refunds
      a: unique(payments.id, refunds.id),
    },
  });
});

test("arguments of expectations", () => {
  // @ts-expect-error an expectation is a condition
  holds(payments.amount);
  // @ts-expect-error a json column has no order
  unique(payments.extra);
  // @ts-expect-error this is no duration
  fresh("15 minutes");
  // @ts-expect-error the bounds are missing
  volume("1d");
  quality("x", { on: payments, expect: { a: gt(payments.amount, 1) } });
  // @ts-expect-error a condition about refunds
  quality("x", { on: payments, expect: { a: gt(refunds.amount, 1) } });
  // @ts-expect-error an amount is no condition
  quality("x", { on: payments, expect: { a: payments.amount } });
  // @ts-expect-error a severity is error or warning
  quality("x", { on: payments, expect: { a: fresh("1h") }, severity: "fatal" });
});

test("what a source expects of each row", () => {
  const source = pushSource("orders", {
    columns,
    primaryKey: ["id"],
    eventTime: "time",
    expect: (row) => ({
      positive: gt(row.amount, 0),
      there: holds(isNotNull(row.user_id), { onViolation: "quarantine" }),
    }),
  });
  expectTypeOf(source.amount).toEqualTypeOf<
    PushSource<"orders", typeof columns, "event", "id">["amount"]
  >();
  pushSource("orders", {
    columns,
    primaryKey: ["id"],
    eventTime: "time",
    // @ts-expect-error the columns are those of payments
    expect: () => ({ positive: gt(payments.amount, 0) }),
  });
  pushSource("orders", {
    columns,
    primaryKey: ["id"],
    eventTime: "time",
    // @ts-expect-error an amount is no condition
    expect: (row) => ({ positive: row.amount }),
  });
  pushSource("orders", {
    columns,
    primaryKey: ["id"],
    eventTime: "time",
    // @ts-expect-error there is no such column
    expect: (row) => ({ positive: gt(row.amounts, 0) }),
  });
  // @ts-expect-error rows are flagged, quarantined, or end the run
  holds(gt(payments.amount, 0), { onViolation: "drop" });
});
