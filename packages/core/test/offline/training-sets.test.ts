import {
  type BeforeHistory,
  type Knowledge,
  featureView,
  latest,
  micros,
  openStore,
  type EntityColumns,
  type Store,
} from "@tidemark/core";
import { valueAt, type Batch, type ColumnSpec, type Value, batchOf } from "@tidemark/core/spi";
import { describe, expect, test, vi } from "vitest";
import {
  DAY,
  HOUR,
  ShopLog,
  NOON,
  SECOND,
  customers,
  date,
  definitions,
  everything,
  iso,
  last,
  profile,
  rejectionOf,
  shops,
  user,
  weekly,
  openShop,
} from "../support/shop.ts";

const column = (name: string, type: ColumnSpec["type"]): ColumnSpec => ({
  name,
  database: name,
  type,
  nullable: true,
});

/**
 * Ann's payments at −6 d, −1 h and −1 s. The second comes late and is corrected later. The third is
 * deleted.
 */
const log = (): ShopLog =>
  new ShopLog()
    .paid({ id: 1, time: NOON - 6 * DAY, amount: 10 })
    .paid({ id: 3, time: NOON - SECOND, amount: 2 }, { committed: NOON })
    .paid({ id: 2, time: NOON - HOUR, amount: 5 }, { committed: NOON + HOUR })
    .paid({ id: 2, time: NOON - HOUR, amount: 7 }, { committed: NOON + 2 * HOUR })
    .deletePayment(3, { committed: NOON + 3 * HOUR });

async function filled(): Promise<Store> {
  const { store } = await openShop();
  await store.run(log().source());
  return store;
}

/** Ann's first payment has left the week. */
const LATER = NOON + DAY + 1000;
const at = (time: number, more: object = {}) => ({
  user_id: "ann",
  event_timestamp: micros(time),
  ...more,
});

function frame(
  columns: readonly ColumnSpec[],
  blocks: readonly (readonly (readonly Value[])[])[],
): EntityColumns {
  return {
    columns,
    async *batches() {
      for (const rows of blocks) yield batchOf(columns, rows);
    },
  };
}

const values = ({ length, vectors }: Batch): Value[][] =>
  Array.from({ length }, (_, i) => vectors.map((vector) => valueAt(vector, i)));

async function all(batches: AsyncIterable<Batch>): Promise<Value[][]> {
  const rows: Value[][] = [];
  for await (const batch of batches) rows.push(...values(batch));
  return rows;
}

describe("the rows", () => {
  test(
    "are those of the entity rows, in their order: duplicates, entities never seen, and " +
      "whatever else they hold (law 8)",
    async () => {
      const store = await filled();
      const labels = [
        { ...at(LATER), label: true, weight: 0.5 },
        { user_id: "nobody", event_timestamp: micros(NOON), label: null, weight: 1 },
        { ...at(LATER), label: true, weight: 0.5 },
        { ...at(NOON - 5 * DAY), label: false, weight: 2 },
      ];
      const set = await store.getHistoricalFeatures({
        features: [weekly.payments_l1w, weekly.mean_l1w],
        entities: labels,
      });
      expect(set.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
        "user_id string",
        "event_timestamp timestamp",
        "label boolean",
        "weight float64",
        "payments_l1w int64",
        "mean_l1w float64",
      ]);
      expect(await set.rows()).toEqual([
        { ...labels[0], payments_l1w: 1, mean_l1w: 7 },
        { ...labels[1], payments_l1w: 0, mean_l1w: null },
        { ...labels[2], payments_l1w: 1, mean_l1w: 7 },
        { ...labels[3], payments_l1w: 1, mean_l1w: 10 },
      ]);
    },
  );

  test("have the same values as a list, as a stream and as columns", async () => {
    const store = await filled();
    const entities = [at(NOON), at(LATER), { user_id: "nobody", event_timestamp: date(NOON) }];
    const ask = () =>
      store.getHistoricalFeatures({
        features: [weekly.spent_7d, weekly.fees_l1w, last.last_vendor],
        entities,
      });
    const rows = await (await ask()).rows();
    const oneByOne: unknown[] = [];
    for await (const row of await ask()) oneByOne.push(row);
    expect(oneByOne).toEqual(rows);
    expect(await all((await ask()).batches())).toEqual([
      ["ann", NOON, 17, 0n, "Sport"],
      ["ann", LATER, 7, 0n, "Sport"],
      ["nobody", NOON, 0, 0n, null],
    ]);
    expect(rows.map((row) => [row.spent_7d, row.fees_l1w, row.last_vendor])).toEqual([
      [17, "0.00", "Sport"],
      [7, "0.00", "Sport"],
      [0, "0.00", null],
    ]);
  });

  test("of a set that was read is TRAINING_SET_READ", async () => {
    const set = await (
      await filled()
    ).getHistoricalFeatures({ features: weekly, entities: [at(NOON)] });
    await set.rows();
    for (const again of [
      () => set.rows(),
      () => all(set.batches()),
      async () => {
        for await (const row of set) return row;
      },
    ]) {
      expect(await rejectionOf(again())).toEqual({
        code: "TRAINING_SET_READ",
        message:
          "this training set was read before; ask getHistoricalFeatures again, or keep what " +
          "rows() gave",
      });
    }
  });

  test("with metadata are value, status and event time", async () => {
    const [row] = await (
      await (
        await filled()
      ).getHistoricalFeatures({
        features: [weekly.payments_l1w, last.last_amount],
        entities: [at(NOON + 3 * DAY)],
        metadata: true,
      })
    ).rows();
    expect([row!.payments_l1w, row!.last_amount]).toEqual([
      { value: 1, status: "PRESENT", eventTime: date(NOON - HOUR) },
      { value: null, status: "OUTSIDE_MAX_AGE", eventTime: date(NOON - HOUR) },
    ]);
  });
});

describe("entity rows", () => {
  const rows = [at(NOON), at(LATER)];
  const answer = [
    ["ann", NOON, 2, 17],
    ["ann", LATER, 1, 7],
  ];

  test(
    "may be an array, an async iterable, a generator or " + "columns, in batches of any size",
    async () => {
      const store = await filled();
      const columns = [
        column("event_timestamp", "timestamp"),
        column("note", "json"),
        column("user_id", "string"),
      ];
      async function* generator() {
        yield* rows;
      }
      const inputs: readonly (readonly [unknown, readonly string[]])[] = [
        [rows, ["user_id", "event_timestamp"]],
        [generator(), ["user_id", "event_timestamp"]],
        [
          frame(columns, [[[NOON, "{}", "ann"]], [], [[LATER, null, "ann"]]]),
          ["event_timestamp", "note", "user_id"],
        ],
        [
          {
            timeUnit: "us",
            ...frame(
              [column("user_id", "string"), column("event_timestamp", "int64")],
              [
                [
                  ["ann", BigInt(NOON)],
                  ["ann", BigInt(LATER)],
                ],
              ],
            ),
          },
          ["user_id", "event_timestamp"],
        ],
      ];
      for (const [entities, names] of inputs) {
        const set = await store.getHistoricalFeatures({
          features: [weekly.payments_l1w, weekly.spent_7d],
          entities: entities as typeof rows,
        });
        expect(set.columns.map(({ name }) => name)).toEqual([...names, "payments_l1w", "spent_7d"]);
        const place = (name: string): number => set.columns.findIndex((one) => one.name === name);
        const found = (await all(set.batches())).map((row) =>
          ["user_id", "event_timestamp", "payments_l1w", "spent_7d"]
            .map((name) => row[place(name)])
            .map((value) => (typeof value === "bigint" ? Number(value) : value)),
        );
        expect(found).toEqual(answer);
      }
    },
  );

  test("as columns may be read as objects", async () => {
    const set = await (
      await filled()
    ).getHistoricalFeatures({
      features: weekly.payments_l1w,
      entities: frame(
        [column("user_id", "string"), column("event_timestamp", "timestamp")],
        [[["ann", NOON + 1]]],
      ) as never,
    });
    expect(await set.rows()).toEqual([
      { user_id: "ann", event_timestamp: date(NOON), payments_l1w: 2 },
    ]);
  });

  test("of length 0 give no rows, with all columns", async () => {
    const store = await filled();
    const set = await store.getHistoricalFeatures({ features: weekly.payments_l1w, entities: [] });
    expect([set.columns.map(({ name }) => name), await set.rows()]).toEqual([
      ["user_id", "event_timestamp", "payments_l1w"],
      [],
    ]);
  });

  const bad: readonly (readonly [string, unknown, string, string])[] = [
    [
      "without a time",
      { user_id: "ann" },
      "TIME_INVALID",
      "entity row 1: event_timestamp: undefined is not a time",
    ],
    [
      "with a bare number for a time",
      { user_id: "ann", event_timestamp: NOON },
      "TIME_INVALID",
      "entity row 1: event_timestamp: the bare number 1767614400000000 has no unit",
    ],
    [
      "with text that names no zone",
      { user_id: "ann", event_timestamp: "2026-01-05 12:00:00" },
      "TIME_INVALID",
      "entity row 1: event_timestamp:",
    ],
    [
      "without a key",
      { event_timestamp: date(NOON) },
      "KEY_INVALID",
      "entity row 1: key user_id is missing (it has event_timestamp); give user_id",
    ],
    [
      "with a null key",
      at(NOON, { user_id: null }),
      "KEY_INVALID",
      "entity row 1: key user_id: null is not allowed here",
    ],
    [
      "with a key of another kind",
      at(NOON, { user_id: 1n }),
      "KEY_INVALID",
      "entity row 1: key user_id: 1n is not a string",
    ],
    ["that are no objects", "ann", "KEY_INVALID", "entity row 1: it is a string"],
  ];
  test.each(bad)("%s are refused, and the row is named", async (_, row, code, says) => {
    const found = await rejectionOf(
      (await filled()).getHistoricalFeatures({
        features: weekly,
        entities: [at(NOON), row as ReturnType<typeof at>],
      }),
    );
    expect(found).toEqual({ code, message: expect.stringContaining(says) as string });
  });

  test("whose passed-through members change their type are VALUE_INVALID", async () => {
    const asked = (await filled()).getHistoricalFeatures({
      features: weekly,
      entities: [at(NOON, { label: 1 }), at(NOON, { label: "one" })],
    });
    expect(await rejectionOf(asked.then((set) => set.rows()))).toEqual({
      code: "VALUE_INVALID",
      message: expect.stringMatching(/^entity row 1: label: "one" is not a float64/) as string,
    });
  });

  const columns = [column("user_id", "string"), column("event_timestamp", "timestamp")];
  const badFrames: readonly (readonly [string, EntityColumns, string, string])[] = [
    [
      "without the time",
      frame([columns[0]!], []),
      "KEY_INVALID",
      "entity columns: column event_timestamp is missing (there are user_id); give user_id, " +
        "event_timestamp",
    ],
    [
      "without a key",
      frame([columns[1]!], []),
      "KEY_INVALID",
      "entity columns: column user_id is missing (there are event_timestamp)",
    ],
    [
      "with times of another kind",
      frame([columns[0]!, column("event_timestamp", "boolean")], []),
      "TIME_INVALID",
      "event_timestamp is boolean, which names no instant",
    ],
    [
      "with keys of another kind",
      frame([column("user_id", "int64"), columns[1]!], []),
      "KEY_INVALID",
      "user_id",
    ],
    [
      "with a null time",
      frame(columns, [[["ann", NOON]], [["ann", null]]]),
      "TIME_INVALID",
      "entity row 1: event_timestamp is null",
    ],
    [
      "with a null key",
      frame(columns, [
        [
          ["ann", NOON],
          [null, NOON],
        ],
      ]),
      "KEY_INVALID",
      "entity row 1: key user_id is null",
    ],
  ];
  test.each(badFrames)("as columns %s are refused", async (_, entities, code, says) => {
    const asked = (await filled()).getHistoricalFeatures({
      features: weekly,
      entities: entities as never,
    });
    expect(await rejectionOf(asked.then((set) => set.rows()))).toEqual({
      code,
      message: expect.stringContaining(says) as string,
    });
  });

  test("an aborted signal ends the read with its reason", async () => {
    const controller = new AbortController();
    const set = await (
      await filled()
    ).getHistoricalFeatures({ features: weekly, entities: [at(NOON)], signal: controller.signal });
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(set.rows()).rejects.toBe(reason);
  });
});

test("versions without their change log are HISTORY_LOG_MISSING, never nothing", async () => {
  const { store, offline } = await openShop();
  await store.run(log().source());
  const withoutLog = await openStore({
    definitions,
    offline: {
      ...offline,
      state: async (table, options) =>
        table === "payments/changes" ? null : offline.state(table, options),
    },
  });
  const { code, message } = await rejectionOf(
    withoutLog
      .getHistoricalFeatures({
        features: weekly,
        entities: [{ user_id: "ann", event_timestamp: date(NOON) }],
      })
      .then((training) => training.rows()),
  );
  expect([code, message]).toEqual([
    "HISTORY_LOG_MISSING",
    expect.stringMatching(/payments\/versions has \d+ rows, and its change log .* is gone: put/),
  ]);
});

describe("as corrected and as known", () => {
  test("differ exactly where a change came after the label time (law 6)", async () => {
    const store = await filled();
    const times = [
      NOON - 5 * DAY,
      NOON,
      NOON + 1,
      NOON + HOUR,
      NOON + HOUR + 1,
      NOON + 2 * HOUR + 1,
      NOON + 3 * HOUR,
      NOON + 3 * HOUR + 1,
    ];
    const ask = async (knowledge: Knowledge): Promise<unknown> => {
      const set = await store.getHistoricalFeatures({
        features: [weekly.payments_l1w, weekly.spent_7d],
        entities: times.map((time) => at(time)),
        knowledge,
      });
      return (await set.rows()).map((row) => [row.payments_l1w, row.spent_7d]);
    };
    expect(await ask("as-corrected")).toEqual([[1, 10], ...Array<unknown>(7).fill([2, 17])]);
    expect(await ask("as-known")).toEqual([
      [1, 10],
      [1, 10],
      [2, 12],
      [2, 12],
      [3, 17],
      [3, 19],
      [3, 19],
      [2, 17],
    ]);
  });

  test("a dimension's versions hold from their commit in both", async () => {
    const { store } = await openShop();
    const changes = new ShopLog()
      .customer(1, "Oslo", { committed: NOON })
      .customer(1, "Rome", { committed: NOON + HOUR })
      .add("customers", "delete", [1n, null, null, null], { committed: NOON + 2 * HOUR });
    await store.run(changes.source());
    const times = [
      NOON,
      NOON + 1,
      NOON + HOUR,
      NOON + HOUR + 1,
      NOON + 2 * HOUR,
      NOON + 2 * HOUR + 1,
    ];
    for (const knowledge of ["as-corrected", "as-known"] as const) {
      const rows = await (
        await store.getHistoricalFeatures({
          features: profile.city,
          entities: times.map((time) => at(time)),
          knowledge,
        })
      ).rows();
      expect(rows.map((row) => row.city)).toEqual([null, "Oslo", "Oslo", "Rome", "Rome", null]);
    }
  });

  test(
    "report the time from which each source is known; beforeHistory error refuses " +
      "earlier rows",
    async () => {
      const { store } = await openShop();
      await store.run(
        log()
          .customer(1, "Oslo", { committed: NOON + 5 * HOUR })
          .source(),
      );
      const ask = (times: readonly number[], beforeHistory: BeforeHistory) =>
        store.getHistoricalFeatures({
          features: everything,
          entities: times.map((time) => at(time)),
          knowledge: "as-known",
          beforeHistory,
        });
      const first = iso(NOON - 6 * DAY + SECOND);
      expect((await ask([NOON], "empty")).coverage).toEqual({
        payments: { knownSince: first },
        customers: { knownSince: iso(NOON + 5 * HOUR) },
      });
      expect(
        (await (await ask([NOON - 9 * DAY], "empty")).rows()).map((row) => [
          row.payments_l1w,
          row.city,
        ]),
      ).toEqual([[0, null]]);
      const { code, message } = await rejectionOf(
        (await ask([NOON + DAY, NOON + 5 * HOUR], "error")).rows(),
      );
      expect([code, message]).toEqual([
        "ASKNOWN_BEFORE_HISTORY",
        expect.stringMatching(
          new RegExp(
            "^entity row 1 asks for 2026-01-05T17:00:00.*" +
              'source "customers" is known from 2026-01-05T17:00:00.* ' +
              'on: leave such rows out, or write beforeHistory: "empty"',
          ),
        ),
      ]);
      expect(
        (await (await ask([NOON + 5 * HOUR + 1], "error")).rows()).map((row) => row.city),
      ).toEqual(["Oslo"]);
    },
  );

  test("take a memory limit, and refuse one that is too small", async () => {
    const { store } = await openShop();
    await store.run(log().customer(1, "Oslo", { committed: NOON }).source());
    const ask = async (memoryLimit: number) =>
      (
        await store.getHistoricalFeatures({
          features: profile.city,
          entities: [at(NOON + HOUR)],
          memoryLimit,
        })
      ).rows();
    expect((await ask(64 * 2 ** 20)).map((row) => row.city)).toEqual(["Oslo"]);
    for (const wrong of [1_000, 2 ** 30 + 0.5]) {
      const { code, message } = await rejectionOf(ask(wrong));
      expect([code, message]).toEqual([
        "OPTION_INVALID",
        `memoryLimit is ${wrong}; write a whole number of bytes, 67108864 or more`,
      ]);
    }
  });

  test(
    "before anything ran there is no history: a warning, empty answers, coverage null, and " +
      'nothing that beforeHistory: "error" lets through',
    async () => {
      const { store } = await openShop();
      const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
      const set = await store.getHistoricalFeatures({
        features: everything,
        entities: [at(NOON)],
        knowledge: "as-known",
        metadata: true,
      });
      expect(warned.mock.calls).toEqual([
        [
          'memory offline store: there is no history of sources "payments", "customers", so this ' +
            "training set has empty features: run the source into this store with tidemark run " +
            "(store.run), or correct the store's path. " +
            'beforeHistory: "error" refuses such rows, and "empty" takes them without this warning',
          { type: "TidemarkWarning", code: "HISTORY_EMPTY" },
        ],
      ]);
      warned.mockRestore();
      expect(set.coverage).toEqual({
        payments: { knownSince: null },
        customers: { knownSince: null },
      });
      const [row] = await set.rows();
      expect([row!.payments_l1w, row!.city, row!.mean_l1w]).toEqual([
        { value: 0, status: "NOT_FOUND", eventTime: null },
        { value: null, status: "NOT_FOUND", eventTime: null },
        { value: null, status: "NOT_FOUND", eventTime: null },
      ]);
      const { code, message } = await rejectionOf(
        (
          await store.getHistoricalFeatures({
            features: weekly,
            entities: [at(NOON)],
            beforeHistory: "error",
          })
        ).rows(),
      );
      expect([code, message]).toEqual([
        "ASKNOWN_BEFORE_HISTORY",
        expect.stringContaining('source "payments" has no history yet'),
      ]);
    },
  );

  test("are the same between two compactions as after them", async () => {
    const made = await openShop({ history: { commit: { rows: 2 }, buckets: 2 } });
    const entities = [NOON, NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR, NOON + 4 * HOUR].flatMap(
      (time) => [at(time), at(time + 1)],
    );
    const ask = async (knowledge: Knowledge): Promise<unknown> =>
      (
        await made.store.getHistoricalFeatures({
          features: everything,
          entities,
          knowledge,
          metadata: true,
        })
      ).rows();
    const changes = log();
    await made.store.run(changes.source({ upTo: 2 }));
    const compacted = (await made.store.status())[0]!.history!.versions;
    // the run fails after its changes were committed, so the reader compacts them
    const source = changes.source({ batch: 2 });
    await expect(
      made.store.run({
        ...source,
        async *changes(options) {
          yield* source.changes(options);
          throw new Error("gone");
        },
      }),
    ).rejects.toThrow("gone");
    expect((await made.store.status())[0]!.history).toMatchObject({
      changes: 4,
      versions: compacted,
    });
    const between = [await ask("as-corrected"), await ask("as-known")];
    await made.store.compact();
    expect((await made.store.status())[0]!.history!.versions).toBeGreaterThan(compacted);
    expect([await ask("as-corrected"), await ask("as-known")]).toEqual(between);
    await made.store.run(source);
    expect(await ask("as-known")).toEqual(
      await (async () =>
        (
          await (
            await filled()
          ).getHistoricalFeatures({
            features: everything,
            entities,
            knowledge: "as-known",
            metadata: true,
          })
        ).rows())(),
    );
  });

  test("a view defined after the history was written reads it, with its columns", async () => {
    const made = await openShop();
    await made.store.run(log().customer(1, "Oslo").source());
    const later = featureView("later", {
      entity: user,
      source: customers,
      features: { since: latest(customers.since), id: latest(customers.id) },
    });
    const store = await openStore({
      definitions: { ...definitions, later },
      offline: made.offline,
    });
    const [row] = await (
      await store.getHistoricalFeatures({ features: later, entities: [at(NOON + DAY)] })
    ).rows();
    expect([row!.since, row!.id]).toEqual([null, 1n]);
  });
});

test("rows of several entities join each view by its own keys", async () => {
  const store = await filled();
  const entities = [
    { user_id: "ann", shop_id: 1, event_timestamp: date(LATER - 2 * HOUR) },
    { user_id: "nobody", shop_id: 1n, event_timestamp: date(NOON) },
  ];
  const rows = await (
    await store.getHistoricalFeatures({ features: [weekly.payments_l1w, shops], entities })
  ).rows();
  expect(rows.map((row) => [row.payments_l1w, row.sales_l1d, row.largest_l1d])).toEqual([
    [2, 1, 7],
    [0, 1, 7],
  ]);
});
