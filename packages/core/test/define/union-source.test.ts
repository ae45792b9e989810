import {
  cast,
  commitTime,
  count,
  decimal,
  derivedSource,
  entity,
  eq,
  explainPlan,
  featureService,
  featureView,
  from,
  gt,
  int64,
  latest,
  lastN,
  lower,
  mul,
  openStore,
  pushSource,
  string,
  sum,
  timestamp,
  unionSource,
  type Expr,
  type Store,
} from "@tidemark/core";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
  mockStore,
} from "@tidemark/core/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { collectDefinitions } from "../../src/define/collect-definitions.ts";
import { js, type Untyped } from "./support/untyped.ts";

const user = entity("user", { keys: { user_id: string() } });
const cards = pushSource("cards", {
  columns: {
    id: int64(),
    user_id: string(),
    shop: string().nullable(),
    cents: int64(),
    time: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const transfers = pushSource("transfers", {
  columns: {
    reference: string(),
    sender: string(),
    euros: int64(),
    at: timestamp(),
    created: timestamp(),
  },
  primaryKey: ["reference"],
  eventTime: "at",
  createdAt: "created",
});
const outgoing = derivedSource("outgoing", { from: transfers, where: gt(transfers.euros, 0) });
const payments = unionSource("payments", {
  columns: { user_id: string(), cents: int64(), shop: string().nullable() },
  of: [
    from(outgoing, {
      user_id: outgoing.sender,
      cents: mul(outgoing.euros, 100),
      shop: cast(outgoing.sender, string()),
    }),
    from(cards, { user_id: cards.user_id, cents: cards.cents, shop: cards.shop }),
  ],
});
const large = derivedSource("large", { from: payments, where: gt(payments.cents, 5000) });

const spending = featureView("spending", {
  entity: user,
  source: payments,
  features: {
    spent: sum(payments.cents).over("7d"),
    n: count().over("1d"),
    by_card: count().where(eq(payments.part, "cards")).over("7d"),
    newest: lastN(payments.cents, 4).over("7d"),
  },
});
const newest = featureView("newest", {
  entity: user,
  source: payments,
  features: { last_part: latest(payments.part) },
});
const big = featureView("big", {
  entity: user,
  source: large,
  features: { big: count().over("7d") },
});

describe("a union", () => {
  test("has the declared columns, and the name of the part", () => {
    expect(Object.keys(payments)).toEqual(["user_id", "cents", "shop", "part"]);
    expectTypeOf(payments.part).toExtend<Expr<"payments", "string", "cards" | "outgoing">>();
    expectTypeOf(payments.shop).toExtend<Expr<"payments", "string", string | null>>();
  });

  test("brings the sources of its parts into the definitions", () => {
    expect([...collectDefinitions({ payments }).sources.keys()].sort()).toEqual([
      "cards",
      "transfers",
    ]);
    expect([...collectDefinitions({ big }).sources.keys()]).toEqual(["cards", "transfers"]);
  });

  test("has a part for each source in the plan", () => {
    expect(explainPlan(big)).toMatchInlineSnapshot(`
      "answers big int64
      needs user_id string
      derive
        big = big
        window by user_id, found in 7d
          big = count() over 7d
          filter cents > 5000
            union cards, outgoing
              project cents
                scan cards: cents
              project cents = mul(euros, 100)
                filter euros > 0
                  scan transfers: euros"
    `);
  });
});

const f = js as Record<string, Untyped>;
const columns = { user_id: string(), cents: int64() };
const ofCards = from(cards, { user_id: cards.user_id, cents: cards.cents });
const profiles = pushSource("profiles", {
  columns: { user_id: string(), cents: int64() },
  primaryKey: ["user_id"],
  eventTime: commitTime(),
});
// prettier-ignore
const refusals: readonly (readonly [what: string, code: string, says: string, call: () => unknown])[] = [
  ["no source", "DEFINITION_INVALID", "the first argument must be a source(...), got undefined",
    () => f["from"]!()],
  ["a part that is a union", "DEFINITION_INVALID", '"payments" is a union, which a union cannot read',
    () => f["from"]!(payments, {})],
  ["a dimension", "DEFINITION_INVALID", 'source "profiles" is a dimension',
    () => f["from"]!(profiles, {})],
  ["a column of another source", "COLUMN_OF_ANOTHER_SOURCE", 'is about source "cards", and must be about "transfers"',
    () => f["from"]!(transfers, { user_id: cards.user_id })],
  ["no parts", "DEFINITION_INVALID", "of must list its parts",
    () => f["unionSource"]!("u", { columns, of: [] })],
  ["a source as a part", "DEFINITION_INVALID", 'of lists parts, such as from(cards, { ... }), got source "cards"',
    () => f["unionSource"]!("u", { columns, of: [cards] })],
  ["two parts of one name", "NAME_TAKEN", 'two parts are called "cards"',
    () => f["unionSource"]!("u", { columns, of: [ofCards, ofCards] })],
  ["a column called part", "NAME_TAKEN", 'column "Part" has the name of the column that says',
    () => f["unionSource"]!("u", { columns: { Part: string() }, of: [ofCards] })],
  ["a column that a part lacks", "DEFINITION_INVALID", 'from(cards, ...) does not say what column "cents" is',
    () => f["unionSource"]!("u", { columns, of: [from(cards, { user_id: cards.user_id })] })],
  ["a column that the union lacks", "COLUMN_UNKNOWN", 'from(cards, ...): "cents" is no column of the union',
    () => f["unionSource"]!("u", { columns: { user_id: string() }, of: [ofCards] })],
  ["another type", "TYPE_MISMATCH", '"cents" is int64, and in the union it is decimal with 2 fraction digits',
    () => f["unionSource"]!("u", { columns: { user_id: string(), cents: decimal({ precision: 9, scale: 2 }) }, of: [ofCards] })],
  ["null where the union has none", "TYPE_MISMATCH", '"user_id" may be null, and in the union it may not',
    () => f["unionSource"]!("u", { columns: { user_id: string() }, of: [from(cards, { user_id: cards.shop })] })],
  ["a feature of a part", "COLUMN_OF_ANOTHER_SOURCE", 'the view reads "payments"',
    () => f["featureView"]!("v", { entity: user, source: payments, features: { s: sum(cards.cents).over("1d") } })],
  ["a key that a part computes", "DEFINITION_INVALID", 'u.user_id is computed in part "cards"',
    () => f["featureView"]!("v", { entity: user, features: { n: count().over("1d") },
      source: unionSource("u", { columns: { user_id: string() }, of: [from(cards, { user_id: lower(cards.user_id) })] }) })],
  ["the name of a source", "DEFINITION_CONFLICT", 'a source and a union source are called "cards"',
    () => collectDefinitions({ cards, u: unionSource("cards", { columns, of: [ofCards] }) })],
  ["another union of the same name", "DEFINITION_CONFLICT", 'two different union sources are called "payments"',
    () => collectDefinitions({ payments, u: unionSource("payments", { columns, of: [ofCards] }) })],
];
test.each(refusals)("%s is refused", (_, code, says, call) => {
  expect(call).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(says) as string }) as Error,
  );
});

const NOON = Date.parse("2026-03-01T12:00:00Z");
const minutesBefore = (minutes: number): Date => new Date(NOON - minutes * 60_000);
const card = (id: number, cents: number, minutes: number) => ({
  id,
  user_id: "ann",
  shop: "x",
  cents,
  time: minutesBefore(minutes),
});
const transfer = (reference: string, euros: number, minutes: number) => ({
  reference,
  sender: "ann",
  euros,
  at: minutesBefore(minutes),
  created: minutesBefore(minutes),
});

test("a view over a union reads the rows of all parts, on every path", async () => {
  let now = NOON;
  const [online, offline] = [memoryOnlineData(), memoryOfflineData()];
  const open = (): Promise<Store> =>
    openStore({
      definitions: { spending, newest, big },
      online: { store: memoryOnlineStore(online), retention: "forever" },
      offline: memoryOfflineStore(offline),
      clock: () => new Date(now),
    });
  const store = await open();
  const features = featureService("all", [spending, newest, big]);
  const answers = async (): Promise<unknown> => {
    now += 1000;
    const request = { features, entities: [{ user_id: "ann" }, { user_id: "ann" }] } as const;
    const [first, second] = await store.getOnlineFeatures(request);
    expect(second).toEqual(first);
    const at = { user_id: "ann", event_timestamp: new Date(now) };
    for (const knowledge of ["as-corrected", "as-known"] as const) {
      const training = await store.getHistoricalFeatures({ features, entities: [at], knowledge });
      expect((await training.rows())[0]).toMatchObject(first!);
    }
    return Object.values(first!);
  };
  expect(await answers()).toEqual([0n, 0, 0, [], null, 0]);
  await store.push(cards, [card(1, 500, 60)]);
  expect(await answers()).toEqual([500n, 1, 1, [500n], "cards", 0]);
  await store.push(transfers, [transfer("a", 70, 30), transfer("b", 10, 60)]);
  // of one time: a row without a created time is before one with it
  expect(await answers()).toEqual([8500n, 3, 1, [7000n, 1000n, 500n], "outgoing", 1]);
  const { views } = await store.materialize({ views: [spending], dates: ["2026-02-28"] });
  expect(views[0]).toMatchObject({ dates: [{ date: "2026-02-28", rows: 0 }] });
  await store.push(transfers, [transfer("a", -70, 30)]);
  await store.push(cards, [card(2, 1, 20)]);
  expect(await answers()).toEqual([1501n, 3, 2, [1n, 1000n, 500n], "cards", 0]);
});

test("a store without the rows of one part says what a feature of the union needs", async () => {
  const [online, offline] = [memoryOnlineData(), memoryOfflineData()];
  const open = (definitions: Record<string, unknown>): Promise<Store> =>
    openStore({
      definitions,
      online: { store: memoryOnlineStore(online), retention: "forever" },
      offline: memoryOfflineStore(offline),
      onDefinitionMismatch: "ignore",
    });
  const ofCardsAlone = featureView("spending", {
    entity: user,
    source: cards,
    features: { spent: sum(cards.cents).over("7d") },
  });
  const before = await open({ ofCardsAlone, transfers });
  await before.push(cards, [card(1, 500, 60)]);
  await before.push(transfers, [transfer("a", 70, 30)]);
  await before.apply();
  const store = await open({ spending });
  const plan = await store.plan();
  expect(plan.changes.find(({ name }) => name === "spending")).toMatchObject({
    action: "changed",
    details: expect.arrayContaining(["source: cards → payments"]) as string[],
  });
  expect(plan.changes.find(({ name }) => name === "spending.spent")?.serving).toMatchObject({
    kind: "backfill",
  });
  expect(plan.work.map(({ source }) => source)).toContain("transfers");
  const ask = { features: spending, entities: [{ user_id: "ann" }] };
  await expect(store.getOnlineFeatures(ask)).rejects.toMatchObject({ code: "NEEDS_BACKFILL" });
  await store.backfill();
  const [answer] = await store.getOnlineFeatures({ ...ask, asOf: new Date(NOON) });
  expect(answer).toMatchObject({ spent: 7500n, newest: [7000n, 500n] });
  await store.apply({ allowDestructive: true });
  expect((await store.plan()).changes).toEqual([]);
});

test("a mock store computes a union, and explains an answer", async () => {
  const bank = mockStore({ spending, newest, big });
  await bank.put(cards, [card(1, 500, 60)], { at: "2026-03-01T11:00:00Z" });
  await bank.put(transfers, [transfer("a", 70, 30)], { at: "2026-03-01T11:30:00Z" });
  const asOf = "2026-03-01T12:00:00Z";
  expect(await bank.ask(spending, { user_id: "ann" }, { asOf })).toMatchObject({
    spent: 7500n,
    newest: [7000n, 500n],
  });
  const explained = await bank.explain(spending.spent, { user_id: "ann" }, { asOf });
  expect(explained.parts[0]!.inside).toMatchObject([
    { source: "cards", row: { part: "cards" } },
    { source: "transfers", row: { part: "outgoing" } },
  ]);
});
