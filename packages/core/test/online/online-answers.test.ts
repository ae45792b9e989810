import {
  collectDefinitions,
  isTidemarkError,
  micros,
  openStore,
  type TimeInput,
} from "@tidemark/core";
import { batchOf } from "@tidemark/core/spi";
import { selectionFrom } from "@tidemark/core/internal";
import { memoryOnlineStore } from "@tidemark/core/testing";
import { describe, expect, test } from "vitest";
import {
  DAY,
  HOUR,
  ShopLog,
  NOON,
  SECOND,
  date,
  definitions,
  everything,
  hospital,
  iso,
  last,
  profile,
  rejectionOf,
  shops,
  weekly,
  openShop,
} from "../support/shop.ts";

/** Three payments of Ann in the week before noon, one of Bob. */
const log = (): ShopLog =>
  new ShopLog()
    .paid({ id: 1, time: NOON - 6 * DAY, amount: 10, vendor: "Hospital", fee: 125n })
    .paid({ id: 2, time: NOON - HOUR, amount: 0.1, fee: 5n })
    .paid({ id: 3, user: "bob", time: NOON - 3 * HOUR, amount: null, vendor: null })
    .paid({ id: 4, time: NOON - SECOND, amount: 0.2, shop: 2 });

async function filled() {
  const made = await openShop();
  await made.store.run(log().source());
  return made;
}

describe("the answer", () => {
  test(
    "answer i belongs to request i: order, duplicates and " +
      "entities never seen are kept (law 8)",
    async () => {
      const { store } = await filled();
      const rows = await store.getOnlineFeatures({
        features: [weekly.payments_l1w, weekly.spent_7d],
        entities: [
          { user_id: "bob" },
          { user_id: "ann" },
          { user_id: "nobody" },
          { user_id: "bob" },
        ],
      });
      expect([...rows]).toEqual([
        { payments_l1w: 1, spent_7d: 0 },
        { payments_l1w: 3, spent_7d: 10.3 },
        { payments_l1w: 0, spent_7d: 0 },
        { payments_l1w: 1, spent_7d: 0 },
      ]);
      expect(rows).toHaveLength(4);
    },
  );

  test("no entities have no answers; metadata still holds the time", async () => {
    const { store } = await filled();
    const request = { features: weekly, entities: [] } as const;
    expect(await store.getOnlineFeatures(request)).toEqual([]);
    expect(await store.getOnlineFeatures({ ...request, metadata: true })).toEqual({
      asOf: iso(NOON),
      rows: [],
    });
  });

  test("the request decides the shape of the answer; no member is hidden", async () => {
    const { store } = await filled();
    const features = weekly.payments_l1w;
    const entity = { user_id: "ann" };
    const told = { payments_l1w: { value: 3, status: "PRESENT", eventTime: date(NOON - SECOND) } };
    const answers = {
      row: await store.getOnlineFeatures({ features, entity }),
      rows: await store.getOnlineFeatures({ features, entities: [entity] }),
      detailedRow: await store.getOnlineFeatures({ features, entity, metadata: true }),
      detailedRows: await store.getOnlineFeatures({ features, entities: [entity], metadata: true }),
    };
    expect(answers).toStrictEqual({
      row: { payments_l1w: 3 },
      rows: [{ payments_l1w: 3 }],
      detailedRow: { asOf: iso(NOON), row: told },
      detailedRows: { asOf: iso(NOON), rows: [told] },
    });
    expect(Reflect.ownKeys(answers.rows)).toEqual(["0", "length"]);
    expect(Reflect.ownKeys(answers.detailedRows.rows)).toEqual(["0", "length"]);
  });

  test("entities as columns have the answers of entities as objects", async () => {
    const { store } = await filled();
    const entities = [{ user_id: "bob" }, { user_id: "ann" }, { user_id: "nobody" }];
    const columns = [
      { name: "user_id", database: "user_id", type: "string", nullable: false },
    ] as const;
    const batches = [entities.slice(0, 1), entities.slice(1)].map((part) =>
      batchOf(
        columns,
        part.map((one) => [one.user_id]),
      ),
    );
    const asColumns = {
      columns,
      batches: async function* () {
        yield* batches;
      },
    };
    expect(await store.getOnlineFeatures({ features: weekly, entities: asColumns })).toEqual(
      await store.getOnlineFeatures({ features: weekly, entities }),
    );
    const more = [
      ...columns,
      { name: "label", database: "label", type: "boolean", nullable: true },
    ];
    await expect(
      store.getOnlineFeatures({
        features: weekly,
        entities: { ...asColumns, columns: more as never },
      }),
    ).rejects.toMatchObject({ code: "KEY_INVALID", message: /label is no key of what is asked/ });
  });

  test.each([
    [{ entity: { user_id: "ann" }, entities: [] }, "OPTION_INVALID", "both entity and entities"],
    [{}, "OPTION_INVALID", "the request names no entity"],
    [{ entities: { user_id: "ann" } }, "OPTION_INVALID", "entities is an object"],
    [{ entities: null }, "OPTION_INVALID", "entities is null"],
    [{ entity: null }, "KEY_INVALID", "it is null"],
    [{ entity: [{ user_id: "ann" }] }, "KEY_INVALID", "key user_id is missing"],
    [{ entity: { user_id: "ann" }, metaData: true }, "OPTION_UNKNOWN", 'did you mean "metadata"'],
  ])("a request of the wrong shape is refused: %j", async (request, code, message) => {
    const { store } = await filled();
    const refused = await rejectionOf(
      store.getOnlineFeatures({ features: weekly, ...request } as never),
    );
    expect([refused.code, refused.message]).toEqual([code, expect.stringContaining(message)]);
  });

  test("values have the type of their column: bigint, decimal text, number, null", async () => {
    const { store } = await filled();
    const [ann, nobody] = await store.getOnlineFeatures({
      features: [weekly, hospital, last],
      entities: [{ user_id: "ann" }, { user_id: "nobody" }],
    });
    expect(ann).toEqual({
      payments_l1w: 3,
      spent_1h: 0.30000000000000004,
      spent_7d: 10.3,
      mean_l1w: 10.3 / 3,
      vendors_l1w: 2,
      fees_l1w: "1.30",
      hospital_l1d: 0,
      last_vendor: "Sport",
      last_amount: 0.2,
    });
    expect(nobody).toEqual({
      payments_l1w: 0,
      spent_1h: 0,
      spent_7d: 0,
      mean_l1w: null,
      vendors_l1w: 0,
      fees_l1w: "0.00",
      hospital_l1d: 0,
      last_vendor: null,
      last_amount: null,
    });
  });

  test(
    "with metadata each member is value, status and event time, floored to the millisecond " +
      "(laws 7, 9)",
    async () => {
      const made = await openShop();
      await made.store.run(
        new ShopLog()
          .paid({ id: 1, time: NOON - 5 * DAY + 1, amount: null })
          .paid({ id: 2, user: "bob", time: NOON - HOUR - 1, vendor: null })
          .source(),
      );
      const { rows } = await made.store.getOnlineFeatures({
        features: [weekly.mean_l1w, last],
        entities: [{ user_id: "ann" }, { user_id: "bob" }, { user_id: "nobody" }],
        metadata: true,
      });
      expect(rows).toEqual([
        {
          mean_l1w: { value: null, status: "NULL_VALUE", eventTime: date(NOON - 5 * DAY) },
          last_vendor: { value: null, status: "OUTSIDE_MAX_AGE", eventTime: date(NOON - 5 * DAY) },
          last_amount: { value: null, status: "OUTSIDE_MAX_AGE", eventTime: date(NOON - 5 * DAY) },
        },
        {
          mean_l1w: { value: 1, status: "PRESENT", eventTime: date(NOON - HOUR - 1000) },
          last_vendor: { value: null, status: "NULL_VALUE", eventTime: date(NOON - HOUR - 1000) },
          last_amount: { value: 1, status: "PRESENT", eventTime: date(NOON - HOUR - 1000) },
        },
        {
          mean_l1w: { value: null, status: "NOT_FOUND", eventTime: null },
          last_vendor: { value: null, status: "NOT_FOUND", eventTime: null },
          last_amount: { value: null, status: "NOT_FOUND", eventTime: null },
        },
      ]);
    },
  );

  test("a request of several entities: each row has the keys of all", async () => {
    const { store } = await filled();
    const rows = await store.getOnlineFeatures({
      features: [weekly.payments_l1w, shops.sales_l1d],
      entities: [
        { user_id: "ann", shop_id: 2n },
        { user_id: "nobody", shop_id: 1 },
      ],
    });
    expect([...rows]).toEqual([
      { payments_l1w: 3, sales_l1d: 1 },
      { payments_l1w: 0, sales_l1d: 2 },
    ]);
  });

  test("as columns: the selection's order, nothing converted", async () => {
    const { store } = await filled();
    const batch = await store.getOnlineBatch({
      features: everything,
      entities: [{ user_id: "ann" }, { user_id: "bob" }],
    });
    expect([batch.length, batch.columns.map((column) => column.name)]).toEqual([
      2,
      [
        "payments_l1w",
        "spent_1h",
        "spent_7d",
        "mean_l1w",
        "vendors_l1w",
        "fees_l1w",
        "hospital_l1d",
        "last_vendor",
        "last_amount",
        "city",
      ],
    ]);
    expect(batch.vectors[5]).toEqual({ kind: "big", values: [130n, 0n], valid: null });
  });

  test("columns with statuses and times have the same answers", async () => {
    const { store } = await filled();
    const features = selectionFrom(
      collectDefinitions(definitions).services.get("everything")!.features,
    );
    const entities = [{ user_id: "ann" }, { user_id: "nobody" }];
    const { columns, answers, asOf } = await store.getOnlineColumns({ features, entities });
    const { rows, ...answer } = await store.getOnlineFeatures({
      features: everything,
      entities,
      metadata: true,
    });
    expect([columns.map(({ name }) => name), iso(asOf)]).toEqual([
      Object.keys(rows[0]!),
      answer.asOf,
    ]);
    expect(
      entities.map((_, i) =>
        answers.map(({ statuses, times }) => [
          statuses[i],
          Number.isNaN(times[i]!) ? null : times[i]! / 1000,
        ]),
      ),
    ).toEqual(
      rows.map((row) =>
        Object.values(row).map(({ status, eventTime }) => [status, eventTime?.getTime() ?? null]),
      ),
    );
    expect(() =>
      selectionFrom(
        [...collectDefinitions({ weekly }).views.values()].flatMap((view) =>
          [0, 0].map(() => ({ view, feature: view.features[0]!, as: "twice" })),
        ),
      ),
    ).toThrow("twice");
  });

  test("before the first run nothing is answered; after it an entity is never seen", async () => {
    const { store } = await openShop();
    const { code, message } = await rejectionOf(
      store.getOnlineFeatures({ features: everything, entity: { user_id: "ann" } }),
    );
    expect([code, message]).toEqual([
      "NOT_READY",
      'memory online store: sources "payments", "customers" were never level with the log or ' +
        "the history, so an answer could be a smaller number: wait for the run that fills the " +
        "store, or fill it from the history with `tidemark backfill` (store.backfill); `tidemark " +
        "status` says what it lacks",
    ]);
    await store.run(new ShopLog().source());
    const { row } = await store.getOnlineFeatures({
      features: everything,
      entity: { user_id: "ann" },
      metadata: true,
    });
    expect(Object.values(row).map(({ status }) => status)).toEqual(Array(10).fill("NOT_FOUND"));
  });
});

describe("the time", () => {
  test("the clock is read once per call, and its reading is returned", async () => {
    const made = await filled();
    let readings = 0;
    const store = await made.reopened({ clock: () => date(NOON + 1000 * readings++) });
    const { asOf } = await store.getOnlineFeatures({
      features: everything,
      entities: [{ user_id: "ann" }, { user_id: "bob" }],
      metadata: true,
    });
    expect([readings, asOf]).toEqual([1, iso(NOON)]);
  });

  test("a window decays as the clock moves, with no event and no job (law 1)", async () => {
    const made = await filled();
    const seen: unknown[] = [];
    for (const now of [
      NOON,
      NOON + DAY,
      NOON + DAY + 1000,
      NOON + 7 * DAY - HOUR,
      NOON + 7 * DAY - HOUR + 1000,
      NOON + 7 * DAY,
    ]) {
      made.now = now;
      const [ann] = await made.store.getOnlineFeatures({
        features: [weekly.payments_l1w, weekly.spent_7d],
        entities: [{ user_id: "ann" }],
      });
      seen.push([ann.payments_l1w, ann.spent_7d]);
    }
    // the payment at NOON − 6 d is in [t − 7 d, t) up to t = NOON + 1 d
    expect(seen).toEqual([
      [3, 10.3],
      [3, 10.3],
      [2, 0.30000000000000004],
      [2, 0.30000000000000004],
      [1, 0.2],
      [0, 0],
    ]);
  });

  test("an event in the future waits for its time: the event at t is not known at t", async () => {
    const made = await openShop();
    await made.store.run(
      new ShopLog().paid({ id: 1, time: NOON + HOUR }, { committed: NOON }).source(),
    );
    const counts: number[] = [];
    for (const asOf of [NOON, NOON + HOUR, NOON + HOUR + 1])
      counts.push(
        (
          await made.store.getOnlineFeatures({
            features: weekly.payments_l1w,
            entities: [{ user_id: "ann" }],
            asOf: micros(asOf),
          })
        )[0].payments_l1w,
      );
    expect(counts).toEqual([0, 0, 1]);
  });

  test(
    "asOf is a Date, an ISO string with a zone or micros(n), and " +
      "comes back to the microsecond",
    async () => {
      const { store } = await filled();
      const at = async (asOf: TimeInput) =>
        store.getOnlineFeatures({
          features: weekly.payments_l1w,
          entity: { user_id: "ann" },
          asOf,
          metadata: true,
        });
      for (const asOf of [
        date(NOON - HOUR),
        iso(NOON - HOUR),
        micros(NOON - HOUR),
        "2026-01-05T12:00:00+01:00",
        { epochNanoseconds: BigInt(NOON - HOUR) * 1000n + 999n },
      ]) {
        const { row, ...answer } = await at(asOf);
        expect([answer.asOf, row.payments_l1w.value]).toEqual(["2026-01-05T11:00:00.000000Z", 1]);
      }
      const { row, asOf } = await at(micros(NOON - HOUR + 1));
      expect([asOf, row.payments_l1w.value]).toEqual(["2026-01-05T11:00:00.000001Z", 2]);
      expect((await at(asOf)).row.payments_l1w.value).toBe(2);
    },
  );

  test.each([
    [NOON as unknown as Date, "bare number"],
    ["2026-01-05 11:00:00", "zone"],
    [new Date(Number.NaN), "invalid"],
    ["2026-02-30T00:00:00Z", "calendar"],
    [null as unknown as Date, "null"],
  ])("asOf %s is TIME_INVALID", async (asOf, says) => {
    const { store } = await filled();
    const { code, message } = await rejectionOf(
      store.getOnlineFeatures({ features: weekly, entities: [{ user_id: "ann" }], asOf }),
    );
    expect([code, message]).toEqual([
      "TIME_INVALID",
      expect.stringMatching(new RegExp(`^asOf: .*${says}`, "i")),
    ]);
  });
});

describe("a key that does not fit is KEY_INVALID and names its row", () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ["missing", {}, "entity row 1: key user_id is missing (it has nothing); give user_id"],
    [
      "misspelt",
      { userid: "ann" },
      "entity row 1: key user_id is missing (it has userid); give user_id",
    ],
    ["undefined", { user_id: undefined }, "entity row 1: key user_id is missing"],
    [
      "superfluous",
      { user_id: "ann", shop_id: 1 },
      "entity row 1: shop_id is no key of what is asked; give only user_id",
    ],
    [
      "null",
      { user_id: null },
      "entity row 1: key user_id: null is not allowed here; give a string",
    ],
    ["of another type", { user_id: 7 }, "entity row 1: key user_id: 7 is not a string"],
    ["no object", "ann", "entity row 1: it is a string; give an object with user_id"],
    ["null instead of a row", null, "entity row 1: it is null; give an object with user_id"],
  ];
  test.each(cases)("%s", async (_, entity, says) => {
    const { store } = await filled();
    const { code, message } = await rejectionOf(
      store.getOnlineFeatures({
        features: weekly,
        entities: [{ user_id: "ann" }, entity as { user_id: string }],
      }),
    );
    expect([code, message]).toEqual(["KEY_INVALID", expect.stringContaining(says)]);
  });

  test.each([
    ["1", '"1"'],
    [1.5, "1.5"],
    [2 ** 53, "9007199254740992"],
    [2n ** 63n, "9223372036854775808"],
  ])("an int64 key of %s", async (key, shown) => {
    const { store } = await filled();
    const { code, message } = await rejectionOf(
      store.getOnlineFeatures({ features: shops, entities: [{ shop_id: key as bigint }] }),
    );
    expect([code, message]).toEqual([
      "KEY_INVALID",
      expect.stringMatching(
        new RegExp(`^entity row 0: key shop_id: .*${shown}.* is not an? int64 `),
      ),
    ]);
  });

  test("1, 1n and a key beyond 2^53 stay exact", async () => {
    const made = await openShop();
    await made.store.run(
      new ShopLog()
        .add("payments", "upsert", [1n, "ann", 2n ** 53n + 1n, "Sport", 1, null, NOON - HOUR], {})
        .source(),
    );
    const rows = await made.store.getOnlineFeatures({
      features: shops.sales_l1d,
      entities: [{ shop_id: 2n ** 53n + 1n }, { shop_id: 2n ** 53n }, { shop_id: 1 }],
    });
    expect(rows.map((row) => row.sales_l1d)).toEqual([1, 0, 0]);
  });
});

test("an aborted signal ends the call with its reason", async () => {
  const { store } = await filled();
  const reason = new Error("the client has gone");
  await expect(
    store.getOnlineFeatures({
      features: weekly,
      entities: [{ user_id: "ann" }],
      signal: AbortSignal.abort(reason),
    }),
  ).rejects.toBe(reason);
});

test("features of other definitions than the store's are answered as defined", async () => {
  const made = await filled();
  const rows = await made.store.getOnlineFeatures({
    features: [profile.city, weekly.payments_l1w],
    entities: [{ user_id: "ann" }],
  });
  expect([...rows]).toEqual([{ city: null, payments_l1w: 3 }]);
});

test("a sum that leaves its type saturates, and is counted (law 3)", async () => {
  const counted: number[] = [];
  const made = await openShop({ onOverflow: (count) => counted.push(count) });
  await made.store.run(
    new ShopLog()
      .paid({ id: 1, time: NOON - HOUR / 2, amount: 1.7e308 })
      .paid({ id: 2, time: NOON - HOUR / 2, amount: 1.7e308 })
      .source(),
  );
  const [ann] = await made.store.getOnlineFeatures({
    features: [weekly.spent_1h, weekly.spent_7d],
    entities: [{ user_id: "ann" }],
  });
  expect([ann, counted]).toEqual([{ spent_1h: Number.MAX_VALUE, spent_7d: Number.MAX_VALUE }, [2]]);
  const training = await made.store.getHistoricalFeatures({
    features: weekly.spent_1h,
    entities: [{ user_id: "ann", event_timestamp: date(NOON) }],
  });
  expect((await training.rows()).map((row) => row.spent_1h)).toEqual([Number.MAX_VALUE]);
  expect(counted).toEqual([2, 1]);
});

describe("a missing part", () => {
  test(
    "reading online without an online store is " + "STORE_MISSING, and says how to give one",
    async () => {
      const store = await openStore({ definitions });
      for (const call of [
        () => store.getOnlineFeatures({ features: weekly, entities: [] }),
        () => store.quarantine("payments"),
        () => store.getHistoricalFeatures({ features: weekly, entities: [] }),
        () => store.run(new ShopLog().source()),
        () => store.compact(),
      ]) {
        expect(await rejectionOf(call())).toEqual({
          code: "STORE_MISSING",
          message: expect.stringMatching(
            new RegExp(
              "^\\w+ needs an (online|offline) store: give openStore\\(\\{ " +
                "(online|offline): … \\}\\), such as (sqlite|delta)",
            ),
          ) as string,
        });
      }
      expect(await store.status()).toEqual(
        ["payments", "customers"].map((source) => ({
          source,
          rowsTaken: null,
          generation: 0,
          resnapshotting: false,
          problem: null,
          online: null,
          history: null,
          lag: null,
          lagUnknown: null,
          lastCommit: null,
          lastEvent: null,
          mismatches: [],
          backpressure: [],
        })),
      );
    },
  );

  test("an unknown source is SOURCE_UNKNOWN, and the known ones are named", async () => {
    const { store } = await openShop();
    expect(await rejectionOf(store.quarantine("payment"))).toEqual({
      code: "SOURCE_UNKNOWN",
      message: 'no source is called "payment"; there are payments, customers',
    });
  });

  test("a closed store refuses by name", async () => {
    const made = await filled();
    await made.store.close();
    const error = await made.store
      .getOnlineFeatures({ features: weekly, entities: [{ user_id: "ann" }] })
      .catch((reason: unknown) => reason);
    expect(isTidemarkError(error, "ONLINE_STORE_NOT_OPEN")).toBe(true);
  });

  test.each([["1 day"], ["0d"], [""], [86_400 as unknown as "1d"]])(
    "retention %s is DURATION_INVALID",
    async (retention) => {
      const { code, message } = await rejectionOf(
        openStore({
          definitions,
          online: { store: memoryOnlineStore(), retention: retention as "1d" },
        }),
      );
      expect([code, message]).toEqual([
        "DURATION_INVALID",
        expect.stringMatching(/^openStore: online.retention: /),
      ]);
    },
  );
});
