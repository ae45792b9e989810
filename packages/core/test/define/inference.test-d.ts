/* oxlint-disable unicorn/no-thenable -- a column or a feature may be called `then` */
import {
  and,
  avg,
  count,
  countDistinct,
  date,
  entity,
  eq,
  featureService,
  featureView,
  float64,
  gt,
  inList,
  int32,
  int64,
  isNull,
  latest,
  lt,
  max,
  micros,
  min,
  not,
  or,
  source,
  string,
  sum,
  timestamp,
  toJson,
  type Answer,
  type EntityColumns,
  type Columns,
  type Condition,
  type Feature,
  type FeatureService,
  type FeatureView,
  type Json,
  type NeedsOf,
  type RowOf,
  type TimeInput,
  type TrainingSet,
} from "@tidemark/core";
import { expectTypeOf, test } from "vitest";
import { fraud, type weekly as activity } from "./features.ts";
import {
  accounts,
  customers,
  type logins,
  profile,
  type pushes,
  store,
  transactions,
  transfers,
  user,
  weekly,
} from "./support/bank.ts";

test("the example of the bank has the right row type", async () => {
  expectTypeOf<RowOf<typeof activity>>().toEqualTypeOf<{
    num_transactions_l1w: number;
    total_amount_l1w: number;
    avg_amount_l1w: number | null;
    min_amount_l1w: number | null;
    max_amount_l1w: number | null;
    num_vendors_l1w: number;
    num_sources_l1w: number;
  }>();
  expectTypeOf(fraud).toEqualTypeOf<
    FeatureService<
      "fraud_v1",
      { num_transactions_l1w: number; total_amount_l1w: number },
      { user_id: string }
    >
  >();
  const [row] = await store.getOnlineFeatures({
    features: fraud,
    entities: [{ user_id: "user_000066" }],
  });
  expectTypeOf(row).toEqualTypeOf<{ num_transactions_l1w: number; total_amount_l1w: number }>();
});

test("each aggregation has the type of its answer", () => {
  const t = transactions;
  const view = featureView("v", {
    entity: user,
    source: t,
    features: {
      rows: count().over("1d"),
      there: count(t.vendor).over("1d"),
      different: countDistinct(t.points).over("1d"),
      sum_int32: sum(t.cents).over("1d"),
      sum_int64: sum(t.account_id).over("1d"),
      sum_number: sum(t.points).over("1d"),
      sum_double: sum(t.amount).over("1d"),
      sum_decimal: sum(t.fee).over("1d"),
      avg_decimal: avg(t.fee).over("1d"),
      avg_zero: avg(t.amount).over("1d").default(0),
      avg_early: avg(t.amount).default(0).over("1d"),
      min_int64: min(t.account_id).over("1d"),
      min_number: min(t.points).over("1d"),
      min_decimal: min(t.fee).over("1d"),
      min_text: min(t.vendor).default("-").over("1d"),
      max_time: max(t.time).over("1d"),
      max_micros: max(t.seen).over("1d"),
      max_day: max(t.day).over("1d"),
      max_ok: max(t.ok).over("1d"),
      max_raw: max(t.raw).over("1d"),
    },
  });
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{
    rows: number;
    there: number;
    different: number;
    sum_int32: bigint;
    sum_int64: bigint;
    sum_number: bigint;
    sum_double: number;
    sum_decimal: string;
    avg_decimal: number | null;
    avg_zero: number;
    avg_early: number;
    min_int64: bigint | null;
    min_number: number | null;
    min_decimal: string | null;
    min_text: string;
    max_time: Date | null;
    max_micros: bigint | null;
    max_day: string | null;
    max_ok: boolean | null;
    max_raw: Uint8Array | null;
  }>();
});

test("latest has the column's type, null included, until it has a default", () => {
  expectTypeOf(profile).toEqualTypeOf<
    FeatureView<
      "profile",
      { city: string | null; age: number },
      { user_id: string },
      { city: "string"; age: "int32" }
    >
  >();
  const view = featureView("v", {
    entity: user,
    source: transactions,
    ttl: "30d",
    features: {
      extra: latest(transactions.extra),
      vendor: latest(transactions.vendor),
      points: latest(transactions.points),
    },
  });
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{
    extra: { tags: string[] } | null;
    vendor: string | null;
    points: number | null;
  }>();
});

test("one window keeps the name, overEach always adds the window", () => {
  expectTypeOf<RowOf<typeof accounts>>().toEqualTypeOf<{
    total: string;
    moves_1h: number;
    moves_1d: number;
  }>();
  const view = featureView("v", {
    entity: user,
    source: transactions,
    features: {
      n: count().overEach("1h"),
      biggest: max(transactions.amount).overEach("1d", "2w").default(0),
    },
  });
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{
    n_1h: number;
    biggest_1d: number;
    biggest_2w: number;
  }>();
});

test("a caller gives the entity's keys, an int64 also as a number, a timestamp as any time", () => {
  expectTypeOf<NeedsOf<typeof weekly>>().toEqualTypeOf<{ user_id: string }>();
  expectTypeOf<NeedsOf<typeof accounts>>().toEqualTypeOf<{
    bank: string;
    account_id: bigint | number;
  }>();
  const slot = entity("slot", { keys: { at: timestamp(), day: date(), kind: int32() } });
  const slots = source("slots", {
    table: "t",
    columns: { at: timestamp(), day: date(), kind: int32() },
    primaryKey: ["at", "day"],
    eventTime: "at",
  });
  const view = featureView("v", {
    entity: slot,
    source: slots,
    features: { n: count().over("1d") },
  });
  expectTypeOf<NeedsOf<typeof view>>().toEqualTypeOf<{
    at: TimeInput;
    day: string;
    kind: number;
  }>();
});

test("a pushed row has every column that is not nullable, and a delete has the primary key", () => {
  expectTypeOf<Parameters<typeof pushes.push<typeof logins>>[1][number]>().toEqualTypeOf<{
    readonly user_id: string;
    readonly nth: bigint | number;
    readonly fee: string;
    readonly time: TimeInput;
    readonly device?: string | null | undefined;
    readonly extra?: { tags: string[] } | null | undefined;
    readonly seen?: TimeInput | bigint | null | undefined;
  }>();
  expectTypeOf<
    NonNullable<NonNullable<Parameters<typeof pushes.push<typeof logins>>[2]>["deletes"]>[number]
  >().toEqualTypeOf<{ readonly user_id: string; readonly nth: bigint | number }>();
  expectTypeOf<Parameters<typeof pushes.push<string>>[1][number]>().toEqualTypeOf<{
    readonly [column: string]: unknown;
  }>();
});

test("keys map to columns of another name", () => {
  const sent = featureView("sent", {
    entity: user,
    source: transfers,
    keys: { user_id: transfers.sender_id },
    features: { total: sum(transfers.amount).over("7d") },
  });
  expectTypeOf(sent).toEqualTypeOf<
    FeatureView<"sent", { total: string }, { user_id: string }, { total: "decimal" }>
  >();
});

test("a service written as an object answers each feature under the object's name", () => {
  const named = featureService("named", {
    city: profile.city,
    average: weekly.mean,
    account_total: accounts.total.as("other"),
  });
  expectTypeOf<RowOf<typeof named>>().toEqualTypeOf<{
    city: RowOf<typeof profile>["city"];
    average: number | null;
    account_total: string;
  }>();
  expectTypeOf<NeedsOf<typeof named>>().toEqualTypeOf<
    NeedsOf<typeof profile> & NeedsOf<typeof accounts> extends infer X
      ? { [K in keyof X]: X[K] }
      : never
  >();
});

test("a feature answers under its name or alias, and a service joins rows and needs", () => {
  expectTypeOf(weekly.mean).toEqualTypeOf<
    Feature<"weekly", "mean", number | null, { user_id: string }, "float64">
  >();
  expectTypeOf<RowOf<typeof weekly.mean>>().toEqualTypeOf<{ mean: number | null }>();
  const average = weekly.mean.as("average");
  expectTypeOf<RowOf<typeof average>>().toEqualTypeOf<{ average: number | null }>();
  const inner = featureService("inner", [weekly.num, average]);
  const outer = featureService("outer", [inner, profile, accounts.total.as("account_total")]);
  expectTypeOf<RowOf<typeof outer>>().toEqualTypeOf<{
    num: number;
    average: number | null;
    city: string | null;
    age: number;
    account_total: string;
  }>();
  expectTypeOf<NeedsOf<typeof outer>>().toEqualTypeOf<{
    user_id: string;
    bank: string;
    account_id: bigint | number;
  }>();
});

test("columns may have any name", () => {
  const odd = source("odd", {
    table: "odd",
    primaryKey: ["name", "length"],
    eventTime: "then",
    columns: {
      name: string(),
      entity: string(),
      source: string(),
      columns: int32(),
      then: timestamp(),
      length: int32(),
      constructor: float64(),
      toString: string(),
      toJSON: string(),
      prototype: string(),
    },
  });
  expectTypeOf(odd.name.type).toEqualTypeOf<"string">();
  expectTypeOf(odd.constructor.type).toEqualTypeOf<"float64">();
  const thing = entity("thing", { keys: { name: string() } });
  const view = featureView("v", {
    entity: thing,
    source: odd,
    features: {
      then: count().over("1d"),
      length: sum(odd.length).over("1d"),
      constructor: max(odd.constructor).over("1d"),
      source: min(odd.entity).over("1d"),
    },
  });
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<{
    then: number;
    length: bigint;
    constructor: number | null;
    source: string | null;
  }>();
  expectTypeOf(view.then.name).toEqualTypeOf<"then">();
});

test("conditions take values of their column, and know their source", () => {
  const t = transactions;
  expectTypeOf(eq(t.vendor, "Hospital")).toEqualTypeOf<Condition<"transactions">>();
  expectTypeOf(
    and(
      eq(t.account_id, 1),
      or(lt(t.account_id, 2n), not(isNull(t.vendor))),
      inList(t.channel, ["a", "b"]),
    ),
  ).toEqualTypeOf<Condition<"transactions">>();
  gt(t.time, new Date());
  gt(t.time, "2026-01-01T00:00:00Z");
  gt(t.time, micros(5n));
  gt(t.time, { epochNanoseconds: 5n });
  gt(t.seen, 5n);
  // @ts-expect-error: a Date column takes no bare bigint
  gt(t.time, 5n);
  // prettier-ignore
  // @ts-expect-error: a condition is about one source
  featureView("v", { entity: user, source: t, features: { n: count().where(eq(customers.city, "x")).over("1d") } });
});

test("answers keep the tuple of the request", async () => {
  const two = await store.getOnlineFeatures({
    features: weekly,
    entities: [{ user_id: "a" }, { user_id: "b" }],
  });
  type Row = { num: number; total: number; mean: number | null };
  expectTypeOf(two).toEqualTypeOf<[Row, Row]>();
  const users = ["a", "b"].map((user_id) => ({ user_id }));
  const many = await store.getOnlineFeatures({ features: weekly, entities: users });
  expectTypeOf(many[0]).toEqualTypeOf<Row | undefined>();
  expectTypeOf(many).toEqualTypeOf<Row[]>();
  const {
    rows: [told],
  } = await store.getOnlineFeatures({
    features: weekly.mean,
    entities: [{ user_id: "a" }],
    metadata: true,
    asOf: micros(1),
    signal: undefined,
  });
  expectTypeOf(told).toEqualTypeOf<{ mean: Answer<number | null> }>();
  const [listed] = await store.getOnlineFeatures({
    features: [weekly.num, accounts.total.as("account_total")],
    entities: [{ user_id: "a", bank: "b", account_id: 7 }],
  });
  expectTypeOf(listed).toEqualTypeOf<{ num: number; account_total: string }>();
});

test("an online request has one of four answers, which its types tell", async () => {
  type Row = { num: number; total: number; mean: number | null };
  type Told = { num: Answer<number>; total: Answer<number>; mean: Answer<number | null> };
  const entity = { user_id: "a" };
  expectTypeOf(await store.getOnlineFeatures({ features: weekly, entity })).toEqualTypeOf<Row>();
  expectTypeOf(
    await store.getOnlineFeatures({ features: weekly, entity: { user_id: "a" }, metadata: false }),
  ).toEqualTypeOf<Row>();
  const one = await store.getOnlineFeatures({ features: weekly, entity, metadata: true });
  expectTypeOf(one.asOf).toEqualTypeOf<string>();
  expectTypeOf(one.row).toEqualTypeOf<Told>();
  const several = await store.getOnlineFeatures({
    features: weekly,
    entities: [entity, entity],
    metadata: true,
  });
  expectTypeOf(several.asOf).toEqualTypeOf<string>();
  expectTypeOf(several.rows).toEqualTypeOf<[Told, Told]>();
  expectTypeOf(
    await store.getOnlineFeatures({
      features: [weekly.num, accounts.total.as("account_total")],
      entity: { user_id: "a", bank: "b", account_id: 7 },
    }),
  ).toEqualTypeOf<{ num: number; account_total: string }>();
  const columns: EntityColumns = {
    columns: [],
    batches: async function* () {
      /* none */
    },
  };
  expectTypeOf(
    await store.getOnlineFeatures({ features: weekly, entities: columns }),
  ).toEqualTypeOf<Row[]>();
  const metadata = Math.random() < 0.5;
  expectTypeOf(
    await store.getOnlineFeatures({ features: weekly, entities: [entity], metadata }),
  ).toEqualTypeOf<[Row] | { readonly asOf: string; readonly rows: [Told] }>();
  // @ts-expect-error: an array has no asOf
  void (await store.getOnlineFeatures({ features: weekly, entities: [entity] })).asOf;
  // @ts-expect-error: one entity or a list of them
  void store.getOnlineFeatures({ features: weekly, entity, entities: [entity] });
  // @ts-expect-error: neither one entity nor a list
  void store.getOnlineFeatures({ features: weekly });
});

test("a training set has the entity row's columns and the features", async () => {
  const labels = [{ user_id: "a", event_timestamp: "2026-01-01T00:00:00Z", label: true }];
  const set = await store.getHistoricalFeatures({
    features: fraud,
    entities: labels,
    knowledge: "as-known",
  });
  expectTypeOf(set).toEqualTypeOf<
    TrainingSet<{
      user_id: string;
      event_timestamp: string;
      label: boolean;
      num_transactions_l1w: number;
      total_amount_l1w: number;
    }>
  >();
  async function* stream(): AsyncGenerator<{ user_id: string; event_timestamp: Date }> {
    yield { user_id: "a", event_timestamp: new Date() };
  }
  const streamed = await store.getHistoricalFeatures({
    features: [weekly.num],
    entities: stream(),
  });
  expectTypeOf(await streamed.rows()).toEqualTypeOf<
    { user_id: string; event_timestamp: Date; num: number }[]
  >();
  const framed = await store.getHistoricalFeatures({
    features: weekly.num,
    entities: {
      columns: [],
      batches: async function* () {
        /* none */
      },
    },
  });
  expectTypeOf((await framed.rows())[0]!.num).toEqualTypeOf<number>();
});

test("toJson has strings for bigints, times and bytes, in tuples too", async () => {
  expectTypeOf<
    Json<{ a: bigint; b: Date | null; c: [1n, "x"]; d: Uint8Array; e: number | null }>
  >().toEqualTypeOf<{
    a: string;
    b: string | null;
    c: [string, "x"];
    d: string;
    e: number | null;
  }>();
  const [row] = toJson(
    await store.getOnlineFeatures({ features: accounts, entities: [{ bank: "b", account_id: 1 }] }),
  );
  expectTypeOf(row).toEqualTypeOf<{ total: string; moves_1h: number; moves_1d: number }>();
});

test("definitions made from data have wide types, and are checked when they run", () => {
  const columns: Columns = { id: int64(), user_id: string(), amount: float64(), at: timestamp() };
  const wide = source("wide", { table: "t", columns, primaryKey: ["id"], eventTime: "at" });
  const features = Object.fromEntries(
    ["1d", "7d"].map((window) => [`total_${window}`, sum(wide["amount"]!).over(window as "1d")]),
  );
  const view = featureView("wide_view", { entity: user, source: wide, features });
  expectTypeOf<RowOf<typeof view>[string]>().toEqualTypeOf<number | bigint | string>();
});

test("a materialized row has the view's features and its time, or is null", async () => {
  const [row] = await store.getMaterialized({ view: weekly, entities: [{ user_id: "a" }] });
  expectTypeOf(row).toEqualTypeOf<
    | (RowOf<typeof weekly> & { readonly event_timestamp: Date } extends infer R
        ? { [K in keyof R]: R[K] }
        : never)
    | null
  >();
  // @ts-expect-error -- user_id is missing
  await store.getMaterialized({ view: weekly, entities: [{ id: "a" }] });
});

test("a renamed feature has its former names in views, services and rows", async () => {
  const view = featureView("renamed_view", {
    entity: user,
    source: transactions,
    features: {
      spent: sum(transactions.amount).over("7d").renamedFrom("total", "sum_amount"),
      mean: avg(transactions.amount).over("7d").default(0).renamedFrom("average"),
    },
  });
  type Row = { spent: number; mean: number; total: number; sum_amount: number; average: number };
  expectTypeOf<RowOf<typeof view>>().toEqualTypeOf<Row>();
  expectTypeOf<RowOf<typeof view.total>>().toEqualTypeOf<{ total: number }>();
  const each = featureView("renamed_each", {
    entity: user,
    source: transactions,
    features: { moves: count().overEach("1h", "1d").renamedFrom("events") },
  });
  expectTypeOf<keyof RowOf<typeof each>>().toEqualTypeOf<
    "moves_1h" | "moves_1d" | "events_1h" | "events_1d"
  >();
  // @ts-expect-error -- a former name is needed
  count().over("7d").renamedFrom();
});
