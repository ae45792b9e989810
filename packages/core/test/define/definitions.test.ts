/* oxlint-disable unicorn/no-thenable -- a column or a feature may be called `then` */
import type { Condition } from "@tidemark/core";
import { inspect } from "node:util";
import {
  and,
  avg,
  calendarSeries,
  collectDefinitions,
  commitTime,
  count,
  current,
  entity,
  eq,
  featureService,
  featureView,
  float64,
  gt,
  inList,
  int32,
  int64,
  isNotNull,
  isNull,
  isTidemarkError,
  lastRows,
  latest,
  lifetime,
  max,
  micros,
  min,
  ne,
  not,
  or,
  previous,
  selectedFeatures,
  series,
  source,
  string,
  sum,
  timestamp,
  toSql,
  window,
} from "@tidemark/core";
import { specOfSource } from "@tidemark/core/spi";
import { specOfEntity, specOfService, specOfView } from "@tidemark/core/internal";
import type { Expression, FeatureSpec } from "../../src/specs.ts";
import { expect, test } from "vitest";
import * as example from "./features.ts";
import {
  accounts,
  customers,
  profile,
  transactions,
  transfers,
  user,
  weekly,
} from "./support/bank.ts";

const DAY = 86_400e6;
const columnOf = ({ arguments: [input] }: FeatureSpec): string | null =>
  input?.op === "column" ? input.name : null;
const whereOf = (condition: Parameters<typeof not>[0]): Expression =>
  specOfView(
    featureView("v", {
      entity: user,
      source: transactions,
      features: {
        n: count()
          .where(condition as Condition<"transactions">)
          .over("1d"),
      },
    }),
  ).features[0]!.where!;

test("the example of the bank has the right specs", () => {
  const { views, sources, entities, services } = collectDefinitions(example);
  expect([...views.keys(), ...sources.keys(), ...entities.keys(), ...services.keys()]).toEqual([
    "weekly_activity",
    "transactions",
    "user",
    "fraud_v1",
  ]);
  expect(sources.get("transactions")).toEqual({
    name: "transactions",
    table: "public.transaction_data",
    primaryKey: ["id"],
    eventTime: { kind: "column", column: "time" },
    createdAt: null,
    columns: [
      { name: "id", database: "id", type: "int64", nullable: false },
      { name: "user_id", database: "User ID", type: "string", nullable: false },
      { name: "vendor", database: "Vendor", type: "string", nullable: true },
      { name: "channel", database: "Sources", type: "string", nullable: true },
      { name: "amount", database: "Amount", type: "float64", nullable: true },
      { name: "time", database: "Time", type: "timestamp", nullable: false, zone: "UTC" },
    ],
  });
  const view = views.get("weekly_activity")!;
  expect(view).toMatchObject({ kind: "window", keyColumns: ["user_id"], ttl: null });
  expect(
    view.features.map((feature) => [
      feature.name,
      feature.aggregate,
      columnOf(feature),
      feature.window,
    ]),
  ).toEqual([
    ["num_transactions_l1w", "count", null, 7 * DAY],
    ["total_amount_l1w", "sum", "amount", 7 * DAY],
    ["avg_amount_l1w", "avg", "amount", 7 * DAY],
    ["min_amount_l1w", "min", "amount", 7 * DAY],
    ["max_amount_l1w", "max", "amount", 7 * DAY],
    ["num_vendors_l1w", "countDistinct", "vendor", 7 * DAY],
    ["num_sources_l1w", "countDistinct", "channel", 7 * DAY],
  ]);
  expect(
    services.get("fraud_v1")!.features.map((one) => [one.view.name, one.feature.name, one.as]),
  ).toEqual([
    ["weekly_activity", "num_transactions_l1w", "num_transactions_l1w"],
    ["weekly_activity", "total_amount_l1w", "total_amount_l1w"],
  ]);
});

test("a result's type follows law 3 (one answer), its nullability law 7 (empty windows)", () => {
  const t = transactions;
  const view = specOfView(
    featureView("v", {
      entity: user,
      source: t,
      features: {
        n: count(t.vendor).over("1d"),
        sum32: sum(t.cents).over("1d"),
        sum64: sum(t.points).over("1d"),
        sumf: sum(t.amount).over("1d"),
        sumd: sum(t.fee).over("1d"),
        avg: avg(t.fee).over("1d"),
        avg0: avg(t.fee).over("1d").default(-0),
        mind: min(t.fee).over("1d").default("-1.5"),
        maxt: max(t.time).over("1d"),
        maxn: max(t.points).over("1d").default(3),
        maxm: max(t.seen).over("1d"),
      },
    }),
  );
  const results = Object.fromEntries(
    view.features.map(({ name, result: { name: named, database, ...rest } }) => {
      expect([named, database]).toEqual([name, name]);
      return [name, rest];
    }),
  );
  expect(results).toEqual({
    n: { type: "int64", nullable: false, mode: "number" },
    sum32: { type: "int64", nullable: false },
    sum64: { type: "int64", nullable: false },
    sumf: { type: "float64", nullable: false },
    sumd: { type: "decimal", nullable: false, precision: 38, scale: 2 },
    avg: { type: "float64", nullable: true },
    avg0: { type: "float64", nullable: false },
    mind: { type: "decimal", nullable: false, precision: 10, scale: 2 },
    maxt: { type: "timestamp", nullable: true, zone: "UTC" },
    maxn: { type: "int64", nullable: false, mode: "number" },
    maxm: { type: "timestamp", nullable: true, mode: "micros" },
  });
  const defaults = Object.fromEntries(
    view.features.map((feature) => [feature.name, feature.default]),
  );
  expect(defaults).toMatchObject({ n: undefined, avg: undefined, mind: -150n, maxn: 3n });
  expect(Object.is(defaults["avg0"], 0), "no −0").toBe(true);
});

test("durations are exact: s, m, h, d of 24 h, w of 7 d", () => {
  const view = specOfView(
    featureView("v", {
      entity: user,
      source: transactions,
      features: { n: count().overEach("1s", "2m", "3h", "4d", "5w", "100000d") },
    }),
  );
  expect(view.features.map((feature) => [feature.name, feature.window])).toEqual([
    ["n_1s", 1e6],
    ["n_2m", 120e6],
    ["n_3h", 10_800e6],
    ["n_4d", 4 * DAY],
    ["n_5w", 35 * DAY],
    ["n_100000d", 100_000 * DAY],
  ]);
});

test("windows by name add the name to the feature's", () => {
  const view = specOfView(
    featureView("v", {
      entity: user,
      source: transactions,
      features: {
        n: count().overNamed({
          week: "7d",
          late: window("7d", { delay: "1h" }),
          plain: window("2d"),
          ever: lifetime(),
          today: current("day", "Asia/Ho_Chi_Minh"),
          months: previous("month", "Europe/Zurich", { count: 3 }),
          last: lastRows(5),
          recent: lastRows(1000, { within: "30d" }),
        }),
        spent: sum(transactions.amount).over(previous("week", "UTC")),
        days: avg(transactions.amount).over(series("1d", 30)),
        months: count().over(calendarSeries("month", "UTC", 12)),
      },
    }),
  );
  expect(view.features.map(({ name, window: spec }) => [name, spec])).toEqual([
    ["n_week", 7 * DAY],
    ["n_late", { kind: "delayed", length: 7 * DAY, delay: DAY / 24 }],
    ["n_plain", 2 * DAY],
    ["n_ever", { kind: "lifetime" }],
    ["n_today", { kind: "current", unit: "day", zone: "Asia/Ho_Chi_Minh" }],
    ["n_months", { kind: "previous", unit: "month", zone: "Europe/Zurich", count: 3 }],
    ["n_last", { kind: "lastRows", count: 5, within: null }],
    ["n_recent", { kind: "lastRows", count: 1000, within: 30 * DAY }],
    ["spent", { kind: "previous", unit: "week", zone: "UTC", count: 1 }],
    ["days", { kind: "series", length: DAY, count: 30 }],
    ["months", { kind: "calendarSeries", unit: "month", zone: "UTC", count: 12 }],
  ]);
  expect(view.features.find(({ name }) => name === "days")!.result).toEqual({
    name: "days",
    database: "days",
    type: "list",
    nullable: false,
    element: { type: "float64", nullable: true },
  });
});

test("a latest view has a ttl or none, and its source is a dimension or has events", () => {
  expect(specOfView(profile)).toMatchObject({
    kind: "latest",
    ttl: null,
    features: [
      { name: "city", aggregate: "latest", window: null, where: null, default: undefined },
      { name: "age", default: 0 },
    ],
  });
  expect(specOfSource(customers)).toMatchObject({
    eventTime: { kind: "committed", since: "created" },
    createdAt: null,
  });
  expect(specOfSource(transactions)).toMatchObject({
    eventTime: { kind: "column", column: "time" },
    createdAt: "seen",
  });
  expect(
    specOfSource(
      source("d", {
        table: "d",
        columns: { id: int64() },
        primaryKey: ["id"],
        eventTime: commitTime(),
      }),
    ).eventTime,
  ).toEqual({ kind: "committed", since: null });
  expect(
    specOfView(
      featureView("v", {
        entity: user,
        source: transactions,
        ttl: "2w",
        features: { vendor: latest(transactions.vendor) },
      }),
    ).ttl,
  ).toBe(14 * DAY);
});

test("keys are columns of equal name, in the entity's order, or those that are mapped", () => {
  expect(specOfView(accounts).keyColumns).toEqual(["bank", "account_id"]);
  const received = featureView("received", {
    entity: user,
    source: transfers,
    keys: { user_id: transfers.receiver_id },
    features: { n: count().over("1d") },
  });
  expect(specOfView(received).keyColumns).toEqual(["receiver_id"]);
});

test("columns and features may have odd names, and a definition can be awaited", async () => {
  const odd = source("odd", {
    table: "odd",
    primaryKey: ["name", "length"],
    eventTime: "at",
    columns: {
      name: string(),
      entity: string(),
      source: string(),
      columns: string(),
      length: int32(),
      constructor: float64(),
      toString: string(),
      toJSON: string(),
      hasOwnProperty: string(),
      at: timestamp(),
      then: timestamp(),
    },
  });
  expect(Object.keys(odd)).toEqual([
    "name",
    "entity",
    "source",
    "columns",
    "length",
    "constructor",
    "toString",
    "toJSON",
    "hasOwnProperty",
    "at",
    "then",
  ]);
  expect(await odd).toBe(odd);
  const thing = entity("thing", { keys: { name: string() } });
  const view = featureView("v", {
    entity: thing,
    source: odd,
    features: {
      length: sum(odd.length).over("1d"),
      constructor: max(odd.constructor).over("1d"),
      toJSON: min(odd.toJSON).over("1d"),
      then: count().over("1d"),
    },
  });
  expect(await view).toBe(view);
  expect(specOfView(view).features.map((feature) => [feature.name, columnOf(feature)])).toEqual([
    ["length", "length"],
    ["constructor", "constructor"],
    ["toJSON", "toJSON"],
    ["then", null],
  ]);
  expect(view.constructor.name).toBe("constructor");
});

test("definitions are frozen, have no prototype, and print their kind and name", () => {
  for (const one of [
    user,
    transactions,
    weekly,
    weekly.num,
    example.fraud,
    transactions.vendor,
    string(),
    count(),
    eq(transactions.vendor, "a"),
    micros(5),
  ]) {
    expect(Object.isFrozen(one)).toBe(true);
    expect(Object.getPrototypeOf(one)).toBeNull();
  }
  expect(() => Object.assign(specOfSource(transactions), { name: "x" })).toThrow(TypeError);
  expect(() => (specOfView(weekly).features as unknown[]).push(1)).toThrow(TypeError);
  expect(inspect(weekly)).toBe("feature view weekly { num, total, mean }");
  expect(inspect({ user })).toBe("{ user: entity user }");
  expect(
    `${String(example.fraud)}, ${String(weekly.num)}, ${String(transactions.vendor)}, ` +
      `${String(sum(transactions.amount))}`,
  ).toBe(
    "feature service fraud_v1, feature weekly.num, column transactions.vendor, " +
      "sum(transactions.amount)",
  );
});

test("JSON of a definition is its spec, digits kept", () => {
  const view = featureView("v", {
    entity: user,
    source: transactions,
    features: {
      n: max(transactions.fee)
        .where(gt(transactions.account_id, 9007199254740993n))
        .over("1d")
        .default("1.00"),
    },
  });
  expect(JSON.parse(JSON.stringify({ user, view }))).toMatchObject({
    user: { name: "user", keys: [{ name: "user_id", type: "string" }] },
    view: {
      name: "v",
      features: [
        {
          name: "n",
          default: "100",
          where: {
            function: "gt",
            arguments: [{ name: "account_id" }, { value: "9007199254740993" }],
          },
        },
      ],
    },
  });
});

test("a spread of a definition is still that definition", () => {
  expect(specOfView({ ...weekly })).toBe(specOfView(weekly));
});

test("conditions hold values in Tidemark's own form", () => {
  const t = transactions;
  const at = new Date("2026-01-01T00:00:00.5Z");
  const vendor = { op: "column", name: "vendor", type: "string", nullable: true };
  expect(whereOf(eq(t.vendor, "Hospital"))).toEqual({
    op: "call",
    function: "eq",
    arguments: [vendor, { op: "literal", value: "Hospital", type: "string", nullable: false }],
    type: "boolean",
    nullable: true,
  });
  const literalIn = (condition: Parameters<typeof whereOf>[0]): unknown => {
    const where = whereOf(condition);
    const [, second] = where.op === "call" ? where.arguments : [];
    return second?.op === "literal" ? second.value : undefined;
  };
  expect(literalIn(gt(t.time, at))).toBe(1_767_225_600_500_000);
  expect(literalIn(gt(t.time, "2026-01-01T01:00:00.500001+01:00"))).toBe(1_767_225_600_500_001);
  expect(literalIn(gt(t.time, { epochNanoseconds: -1n }))).toBe(-1);
  expect(literalIn(gt(t.seen, 7n))).toBe(7);
  expect(literalIn(eq(t.account_id, 7))).toBe(7n);
  expect(literalIn(ne(t.fee, "-0.5"))).toBe(-50n);
  expect(literalIn(eq(t.day, "1969-12-31"))).toBe(-1);
  expect(whereOf(inList(t.channel, ["a", "b"]))).toMatchObject({
    function: "inList",
    arguments: [{ name: "channel" }, { value: "a" }, { value: "b" }],
  });
  expect(whereOf(and(isNull(t.vendor), or(isNotNull(t.extra), not(eq(t.ok, true)))))).toMatchObject(
    {
      function: "and",
      arguments: [
        { function: "isNull", arguments: [vendor], nullable: false },
        {
          function: "or",
          arguments: [
            { function: "isNotNull", arguments: [{ name: "extra", type: "json" }] },
            { function: "not", arguments: [{ function: "eq" }] },
          ],
        },
      ],
    },
  );
});

test("conditions print as SQL", () => {
  const t = transactions;
  const condition = and(
    eq(t.vendor, "O'Neill"),
    or(inList(t.channel, ["a", "b"]), not(and(gt(t.fee, "1.5"), isNotNull(t.user_id)))),
    ne(t.ok, false),
    gt(t.time, "1969-12-31T23:59:59.999999Z"),
    eq(t.day, "2026-01-31"),
    eq(t.raw, new Uint8Array([0, 255])),
  );
  expect(toSql(condition)).toBe(
    `"Vendor" = 'O''Neill' AND ("Sources" IN ('a', 'b') OR NOT ` +
      '("Fee" > 1.50 AND "User ID" IS NOT NULL)) AND "ok" <> FALSE AND "Time" > TIMESTAMP WITH ' +
      `TIME ZONE '1969-12-31 23:59:59.999999+00:00' AND "day" = DATE '2026-01-31' AND "raw" = ` +
      "X'00ff'",
  );
  expect(toSql(isNull(t.vendor))).toBe(`"Vendor" IS NULL`);
  expect(() => toSql({ kind: "null" } as never)).toThrow("is no condition");
});

test("a selection is a feature, a view, a service or a list, in the order asked", () => {
  const names = (features: unknown): string[] =>
    selectedFeatures(features).map((one) => `${one.view.name}.${one.feature.name} as ${one.as}`);
  expect(names(weekly.num)).toEqual(["weekly.num as num"]);
  expect(names(weekly.num.as("a").as("b"))).toEqual(["weekly.num as b"]);
  expect(names(weekly)).toEqual([
    "weekly.num as num",
    "weekly.total as total",
    "weekly.mean as mean",
  ]);
  const inner = featureService("inner", [weekly.mean, weekly.num.as("n")]);
  expect(names(featureService("outer", [profile, inner]))).toEqual([
    "profile.city as city",
    "profile.age as age",
    "weekly.mean as mean",
    "weekly.num as n",
  ]);
  expect(names([inner, accounts.total])).toEqual([
    "weekly.mean as mean",
    "weekly.num as n",
    "accounts.total as total",
  ]);
  expect(specOfService(inner).name).toBe("inner");
});

test("other exports of a module are ignored, and the parts of definitions are found", () => {
  const found = collectDefinitions({
    default: featureService("s", [weekly.num]),
    profile,
    list: [accounts],
    text: "x",
    nothing: null,
    f: () => accounts,
    aliased: weekly,
    column: transactions.vendor,
  });
  expect([...found.services.keys()]).toEqual(["s"]);
  expect([...found.views.keys()]).toEqual(["weekly", "profile"]);
  expect([...found.sources.keys()]).toEqual(["transactions", "customers"]);
  expect([...found.entities.values()]).toEqual([specOfEntity(user)]);
});

test("two different definitions of one name are a conflict, equal ones are one", () => {
  const again = entity("user", { keys: { user_id: string() } });
  expect(collectDefinitions({ user, again }).entities.size).toBe(1);
  const other = entity("user", { keys: { user_id: int64() } });
  try {
    collectDefinitions({ weekly, other });
    expect.unreachable();
  } catch (error) {
    expect(isTidemarkError(error, "DEFINITION_CONFLICT"), String(error)).toBe(true);
    expect((error as Error).message).toBe(
      'two different entities are called "user": one from export weekly ' +
        '(feature view "weekly"), one from export other; rename one',
    );
  }
});

test("conditions that differ in the type of a value are different definitions", () => {
  const one = featureView("v", {
    entity: user,
    source: transactions,
    features: { n: count().where(eq(transactions.account_id, 1n)).over("1d") },
  });
  const two = featureView("v", {
    entity: user,
    source: transactions,
    features: { n: count().where(eq(transactions.account_id, 2n)).over("1d") },
  });
  expect(() => collectDefinitions({ one, two })).toThrow("two different feature views");
});

test("a definition of another format is DEFINITION_VERSION", () => {
  const foreign = Object.freeze({ [Symbol.for("tidemark.definition/2")]: { kind: "view" } });
  expect(() => collectDefinitions({ foreign })).toThrow(
    'a definition of format "tidemark.definition/2" met a @tidemark/core that reads ' +
      '"tidemark.definition/1": install one version',
  );
});

test("definitions of another copy of this package are recognized", () => {
  const symbol = Symbol.for("tidemark.definition/1");
  const copy = { [symbol]: (weekly as unknown as Record<symbol, unknown>)[symbol] };
  expect(selectedFeatures(copy)).toEqual(selectedFeatures(weekly));
});
