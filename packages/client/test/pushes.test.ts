/**
 * Tests that a push over HTTP leaves the state of a push to the store: every value type, nulls,
 * deletes, refused rows.
 */
import {
  boolean,
  bytes,
  count,
  date,
  decimal,
  entity,
  featureView,
  float64,
  int32,
  int64,
  isTidemarkError,
  json,
  latest,
  micros,
  openStore,
  pushSource,
  string,
  sum,
  timestamp,
  type Pushes,
  type Store,
} from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { Random } from "@tidemark/testkit";
import { featureServer, type FeatureServer } from "@tidemark/server";
import { createClient } from "@tidemark/client";
import { afterAll, beforeAll, expect, test } from "vitest";

const thing = entity("thing", { keys: { thing_id: int64() } });
const things = pushSource("things", {
  columns: {
    id: int64(),
    thing_id: int64(),
    text: string().nullable(),
    flag: boolean().nullable(),
    small: int32().nullable(),
    large: int64().nullable(),
    real: float64().nullable(),
    exact: decimal({ precision: 20, scale: 4 }).nullable(),
    when: timestamp().nullable(),
    when_micros: timestamp({ mode: "micros" }).nullable(),
    day: date().nullable(),
    raw: bytes().nullable(),
    extra: json<
      string | number | boolean | readonly unknown[] | { readonly a: unknown }
    >().nullable(),
    time: timestamp(),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const facts = featureView("facts", {
  entity: thing,
  source: things,
  features: {
    text: latest(things.text),
    flag: latest(things.flag),
    small: latest(things.small),
    large: latest(things.large),
    real: latest(things.real),
    exact: latest(things.exact),
    when: latest(things.when),
    when_micros: latest(things.when_micros),
    day: latest(things.day),
    raw: latest(things.raw),
    extra: latest(things.extra),
  },
});
const sums = featureView("sums", {
  entity: thing,
  source: things,
  features: {
    n: count().over("1d"),
    total: sum(things.real).over("1d"),
    exact_total: sum(things.exact).over("1d"),
    large_total: sum(things.large).over("1d"),
  },
});
const definitions = { things, facts, sums };

const NOON = Date.UTC(2026, 0, 5, 12);
let [direct, served]: Store[] = [];
let server: FeatureServer;
let client: Pushes["push"];
beforeAll(async () => {
  const open = (): Promise<Store> =>
    openStore({
      definitions,
      online: { store: memoryOnlineStore(), retention: "forever" },
      offline: memoryOfflineStore(),
      clock: () => new Date(NOON),
    });
  [direct, served] = [await open(), await open()];
  server = await featureServer({ store: served, definitions });
  client = createClient({ url: await server.listen({ port: 0 }), timeout: "1m" }).push;
});
afterAll(() => server.close());

function anyRow(random: Random) {
  const maybe = <T>(value: T): T | null => (random.chance(0.2) ? null : value);
  const at = NOON - random.between(1, 80_000_000);
  return {
    id: BigInt(random.between(1, 12)),
    thing_id: random.pick([1, 2n, 9_223_372_036_854_775_807n]),
    text: maybe(random.pick(["", 'a\n"b"', "Hà Nội", "\u2028"])),
    flag: maybe(random.chance(0.5)),
    small: maybe(random.between(-2_147_483_648, 2_147_483_647)),
    large: maybe(random.pick([0n, -9_223_372_036_854_775_808n, 9_007_199_254_740_993n, 5])),
    real: maybe(random.pick([0.1, -0, 1e300, 5e-324, NaN, -Infinity, 2 ** 60])),
    exact: maybe(random.pick(["0", "-12.5", "9999999999999999.9999"])),
    when: maybe(
      random.pick([new Date(at), "2026-01-05T11:00:00.123456+07:00", micros(at * 1000 + 7)]),
    ),
    when_micros: maybe(random.pick([BigInt(at) * 1000n + 1n, new Date(at)])),
    day: maybe(random.pick(["2024-02-29", "1969-12-31"])),
    raw: maybe(random.pick([new Uint8Array(), Uint8Array.of(0, 255, 128)])),
    extra: maybe(random.pick([{ a: [1, null, { "": "é" }] }, "text", 0.5, true, []])),
    time: random.pick([new Date(at), micros(at * 1000 + 999)]),
  };
}

const entities = [1n, 2n, 9_223_372_036_854_775_807n].map((thing_id) => ({ thing_id }));

test.each(Array.from({ length: 10 }, (_, i) => 4_200 + i))(
  "seed %i: a store pushed over HTTP equals a store pushed directly",
  async (seed) => {
    const random = new Random(seed);
    for (let i = 0; i < 5; i++) {
      const rows = Array.from({ length: random.between(1, 5) }, () => anyRow(random));
      const deletes = random.chance(0.4) ? [{ id: BigInt(random.between(1, 12)) }] : [];
      const expected = await direct!.push(things, rows, { deletes });
      expect(await client(things, rows, { deletes })).toEqual(expected);
      const answers = await Promise.all(
        [direct!, served!].map((store) =>
          store.getOnlineFeatures({ features: [facts, sums], entities, metadata: true }),
        ),
      );
      expect(answers[1]!.rows).toStrictEqual(answers[0]!.rows);
    }
    const nonFinite = async (store: Store) =>
      (await store.status()).find(({ source }) => source === "things")!.online!.nonFiniteValues;
    expect(await nonFinite(served!)).toBe(await nonFinite(direct!));
  },
);

test.each<[string, (push: Pushes["push"]) => Promise<unknown>]>([
  [
    "a string for an int64",
    (push) => push(things, [{ id: "1" as never, thing_id: 1, time: new Date(NOON) }]),
  ],
  [
    "a bigint for a string",
    (push) => push(things, [{ id: 1, thing_id: 1, time: new Date(NOON), text: 5n as never }]),
  ],
  [
    "an unknown column",
    (push) => push(things, [{ id: 1, thing_id: 1, time: new Date(NOON), txt: "x" } as never]),
  ],
  ["a row without its event time", (push) => push(things, [{ id: 1, thing_id: 1 } as never])],
  [
    "a decimal with too many digits",
    (push) => push(things, [{ id: 1, thing_id: 1, time: new Date(NOON), exact: "1.23456" }]),
  ],
  ["null in place of a row", (push) => push(things, [null as never])],
  ["an unknown source", (push) => push("thing", [])],
])("%s is refused as the store refuses it", async (_, attempt) => {
  const codeOf = async (push: Pushes["push"]): Promise<unknown> =>
    attempt(push).then(
      () => "none",
      (error: unknown) => (isTidemarkError(error) ? error.code : error),
    );
  const code = await codeOf((source, rows, options) => direct!.push(source, rows, options));
  expect(code).toMatch(/^(PUSH_INVALID|SOURCE_UNKNOWN)$/);
  expect(await codeOf(client)).toBe(code);
});
