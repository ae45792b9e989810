/**
 * Tests definitions that need more than the stored columns of an online store. They are refused by
 * name, and nothing is half-written.
 */
import {
  avg,
  count,
  countDistinct,
  entity,
  featureService,
  featureView,
  float64,
  int64,
  latest,
  max,
  openStore,
  source,
  string,
  sum,
  timestamp,
  type Store,
} from "@tidemark/core";
import { memoryOnlineData, memoryOnlineStore } from "@tidemark/core/testing";
import { describe, expect, test } from "vitest";
import { valueAt } from "../../src/columns/batch.ts";
import { sourceStateKey } from "../../src/online/source-state.ts";
import { REBUILD_STEP } from "../../src/rebuild-step.ts";
import {
  DAY,
  HOUR,
  ShopLog,
  NOON,
  date,
  payments,
  rejectionOf,
  user,
  weekly,
} from "../support/shop.ts";

const ann = [{ user_id: "ann" }] as const;
const data = () => memoryOnlineData();
type Data = ReturnType<typeof data>;

function open(
  over: Data,
  definitions: { readonly [name: string]: unknown },
  retain: "1d" | "forever" = "1d",
  now = NOON,
): Promise<Store> {
  return openStore({
    definitions,
    online: { store: memoryOnlineStore(over), retention: retain },
    clock: () => date(now),
  });
}

const log = (): ShopLog =>
  new ShopLog()
    .paid({ id: 1, time: NOON - 20 * DAY, amount: 5 })
    .paid({ id: 2, time: NOON - HOUR, amount: 7, vendor: "Hospital" });
const narrow = featureView("narrow", {
  entity: user,
  source: payments,
  features: { paid_l7d: count().over("7d"), largest_l7d: max(payments.amount).over("7d") },
});

async function filled(retain: "1d" | "forever"): Promise<Data> {
  const over = data();
  await (await open(over, { narrow }, retain)).run(log().source());
  return over;
}

function everyCell(over: Data): string {
  return [...over.namespaces.get("default")!.cells.values()]
    .map(
      ({ key, value }) =>
        `${Buffer.from(key).toString("hex")} ${Buffer.from(value).toString("hex")}`,
    )
    .sort()
    .join("\n");
}

describe("a file with a retention", () => {
  const view = featureView("later", {
    entity: user,
    source: payments,
    features: {
      shorter: count().over("1h"),
      other: sum(payments.amount).over("2d"),
      longer: count().over("8d"),
      vendors: countDistinct(payments.vendor).over("1d"),
    },
  });
  const byShop = featureView("by_shop", {
    entity: entity("shop", { keys: { shop_id: int64() } }),
    source: payments,
    features: { sales: count().over("1h") },
  });
  const fact = featureView("fact", {
    entity: user,
    source: payments,
    features: { newest: latest(payments.amount) },
  });

  test("serves definitions at once within its columns, keys and longest window", async () => {
    const store = await open(await filled("1d"), { narrow, view });
    const [row] = await store.getOnlineFeatures({
      features: [view.shorter, view.other],
      entities: ann,
    });
    expect(row).toEqual({ shorter: 1, other: 7 });
  });

  test.each([
    ["a longer window", view.longer, "later.longer needs a window of 8d instead of 7d"],
    ["another column", view.vendors, "later.vendors needs the column vendor"],
    [
      "facts, for rows older than its windows",
      fact.newest,
      "fact.newest needs rows older than its longest window",
    ],
  ])("%s is NEEDS_BACKFILL, never a smaller number", async (_, feature, says) => {
    const over = await filled("1d");
    const store = await open(over, { narrow, view, fact });
    const { code, message } = await rejectionOf(
      store.getOnlineFeatures({ features: [feature], entities: ann }),
    );
    expect([code, message]).toEqual([
      "NEEDS_BACKFILL",
      `memory online store: feature ${says}, which the store does not hold: fill it from the ` +
        "history with `tidemark backfill` (store.backfill), and leave the feature out until " +
        'then, or ask with onMissing: "null"',
    ]);
    // a run does not make it complete
    await store.run(
      log()
        .paid({ id: 3, time: NOON - HOUR })
        .source(),
    );
    expect(
      (await rejectionOf(store.getOnlineFeatures({ features: [feature], entities: ann }))).code,
    ).toBe("NEEDS_BACKFILL");
    expect((await store.getOnlineFeatures({ features: narrow, entities: ann }))[0]).toEqual({
      paid_l7d: 2,
      largest_l7d: 7,
    });
  });

  test("a request names all features that need a backfill, of all views", async () => {
    const store = await open(await filled("1d"), { narrow, view, fact });
    const { code, message } = await rejectionOf(
      store.getOnlineFeatures({ features: [view, fact, narrow], entities: ann }),
    );
    expect([code, message]).toEqual([
      "NEEDS_BACKFILL",
      "memory online store: feature later.longer needs a window of 8d instead of 7d, " +
        "feature " +
        "later.vendors needs the column vendor, feature fact.newest needs rows older than its " +
        "longest window, which the store does not hold: fill them from the history with " +
        "`tidemark backfill` (store.backfill), and leave the features out until then, or ask " +
        'with onMissing: "null"',
    ]);
  });

  test("a window that is not stored decides no status of its view until the backfill", async () => {
    const over = data();
    const bob = log().paid({ id: 3, user: "bob", time: NOON - 3 * DAY });
    await (await open(over, { narrow })).run(bob.source());
    const store = await open(over, { narrow, view });
    const { rows } = await store.getOnlineFeatures({
      features: [view, narrow],
      entities: [{ user_id: "bob" }],
      onMissing: "null",
      metadata: true,
    });
    // the event is in the window of 8 days; the longest stored window of the view has 2 days
    expect(rows[0]).toMatchObject({
      longer: { value: null, status: "NEEDS_BACKFILL", eventTime: null },
      shorter: { value: 0, status: "NOT_FOUND", eventTime: null },
      paid_l7d: { value: 1, status: "PRESENT", eventTime: date(NOON - 3 * DAY) },
    });
  });

  test('onMissing: "null" answers the other features, of the same view too', async () => {
    const store = await open(await filled("1d"), { narrow, view, fact });
    const request = {
      features: [view, fact, narrow],
      entities: [{ user_id: "nobody" }, { user_id: "ann" }],
      onMissing: "null",
    } as const;
    for (let asked = 0; asked < 2; asked++)
      expect(await store.getOnlineFeatures(request)).toEqual([
        {
          shorter: 0,
          other: 0,
          longer: null,
          vendors: null,
          newest: null,
          paid_l7d: 0,
          largest_l7d: null,
        },
        {
          shorter: 1,
          other: 7,
          longer: null,
          vendors: null,
          newest: null,
          paid_l7d: 1,
          largest_l7d: 7,
        },
      ]);
    const { rows } = await store.getOnlineFeatures({ ...request, metadata: true });
    expect(rows[1]).toMatchObject({
      longer: { value: null, status: "NEEDS_BACKFILL", eventTime: null },
      newest: { value: null, status: "NEEDS_BACKFILL", eventTime: null },
      shorter: { value: 1, status: "PRESENT", eventTime: date(NOON - HOUR) },
    });
    const service = featureService("all", [view, fact, narrow]);
    const { answers } = await store.getOnlineColumns({ ...request, features: service });
    expect(answers.map(({ statuses }) => statuses[1])).toEqual([
      "PRESENT",
      "PRESENT",
      "NEEDS_BACKFILL",
      "NEEDS_BACKFILL",
      "NEEDS_BACKFILL",
      "PRESENT",
      "PRESENT",
    ]);
    const batch = await store.getOnlineBatch({ ...request, features: view });
    expect(batch.columns.map(({ name }, i) => [name, valueAt(batch.vectors[i]!, 1)])).toEqual([
      ["shorter", 1n],
      ["other", 7],
      ["longer", null],
      ["vendors", null],
    ]);
  });

  test("a default does not replace what is missing, and onMissing has two words", async () => {
    const counted = featureView("counted", {
      entity: user,
      source: payments,
      features: { mean: avg(payments.fee).over("1d").default(0.5) },
    });
    const store = await open(await filled("1d"), { narrow, counted });
    const request = { features: counted, entity: ann[0] } as const;
    expect(await store.getOnlineFeatures({ ...request, onMissing: "null" })).toEqual({
      mean: null,
    });
    const { code, message } = await rejectionOf(
      store.getOnlineFeatures({ ...request, onMissing: "skip" as "null" }),
    );
    expect([code, message]).toEqual([
      "OPTION_INVALID",
      'onMissing is "skip"; write "error" or "null"',
    ]);
  });

  test("rows by other keys are NEEDS_BACKFILL", async () => {
    const store = await open(await filled("1d"), { narrow, byShop });
    const { code, message } = await rejectionOf(
      store.getOnlineFeatures({ features: byShop, entities: [{ shop_id: 1 }] }),
    );
    expect([code, message]).toEqual([
      "NEEDS_BACKFILL",
      expect.stringContaining("by_shop.sales needs rows by shop_id"),
    ]);
  });
});

describe("a file without a retention", () => {
  test("serves longer windows and facts at once, and keeps them as long as they need", async () => {
    const over = await filled("forever");
    const longer = featureView("longer", {
      entity: user,
      source: payments,
      features: { paid_l30d: count().over("30d") },
    });
    const fact = featureView("fact", {
      entity: user,
      source: payments,
      features: { newest: latest(payments.amount) },
    });
    const store = await open(over, { narrow, longer, fact }, "1d");
    expect((await store.getOnlineFeatures({ features: [longer, fact], entities: ann }))[0]).toEqual(
      { paid_l30d: 2, newest: 7 },
    );
    await store.run(log().deletePayment(2, { committed: NOON }).source());
    expect((await store.getOnlineFeatures({ features: [longer, fact], entities: ann }))[0]).toEqual(
      { paid_l30d: 1, newest: 5 },
    );
  });

  test("a column that it never stored is NEEDS_BACKFILL too", async () => {
    const vendors = featureView("vendors", {
      entity: user,
      source: payments,
      features: { vendors_l1d: countDistinct(payments.vendor).over("1d") },
    });
    const store = await open(await filled("forever"), { narrow, vendors }, "forever");
    expect(
      (await rejectionOf(store.getOnlineFeatures({ features: vendors, entities: ann }))).code,
    ).toBe("NEEDS_BACKFILL");
  });

  test("an earlier runner goes on after another one widened the stored columns", async () => {
    const over = data();
    const changes = log();
    const longer = featureView("longer", {
      entity: user,
      source: payments,
      features: { paid_l30d: count().over("30d"), largest_l30d: max(payments.amount).over("30d") },
    });
    const first = memoryOnlineStore(over);
    const before = await openStore({
      definitions: { narrow },
      online: { store: first, retention: "forever" },
      clock: () => date(NOON),
    });
    await before.run(changes.source({ upTo: 1 }));
    const wider = await open(over, { narrow, longer }, "forever");
    await wider.run(changes.source());
    await before.run(changes.paid({ id: 3, time: NOON - HOUR }).source());
    expect((await wider.getOnlineFeatures({ features: longer, entities: ann }))[0]).toEqual({
      paid_l30d: 3,
      largest_l30d: 7,
    });
    // the wider definitions decide what is deleted afterwards
    await (
      await open(over, { longer }, "1d")
    ).run(changes.paid({ id: 4, time: NOON - 25 * DAY }).source());
    expect(
      (await wider.getOnlineFeatures({ features: longer.paid_l30d, entities: ann }))[0],
    ).toEqual({ paid_l30d: 4 });
  });

  test("if two runners with different definitions create the state, one decides", async () => {
    const over = data();
    const changes = new ShopLog()
      .paid({ id: 1, time: NOON - 20 * DAY, amount: 5 })
      .paid({ id: 2, time: NOON - HOUR, amount: 7 }, { partition: 1 });
    const vendors = featureView("vendors", {
      entity: user,
      source: payments,
      features: { vendors_l1d: countDistinct(payments.vendor).over("1d") },
    });
    const [slow, quick] = [
      await open(over, { vendors }, "forever"),
      await open(over, { narrow }, "forever"),
    ];
    let other: Promise<unknown> | null = null;
    const source = changes.source({ upTo: 1 });
    // The fast runner writes after the slow one has found no state and before it writes its own.
    await slow.run({
      ...source,
      async *changes(options) {
        await (other ??= quick.run({
          ...source,
          async *changes() {
            yield {
              changes: changes.changes.slice(1),
              positions: [{ partition: "t.public.payments:1", offset: 0 }],
            };
          },
        }));
        yield* source.changes(options);
      },
    });
    expect((await quick.getOnlineFeatures({ features: narrow, entities: ann }))[0]).toEqual({
      paid_l7d: 1,
      largest_l7d: 7,
    });
    expect(
      (
        await quick.getOnlineFeatures({
          features: narrow,
          entities: ann,
          asOf: date(NOON - 19 * DAY),
        })
      )[0],
    ).toEqual({ paid_l7d: 1, largest_l7d: 5 });
    expect(
      (await rejectionOf(slow.getOnlineFeatures({ features: vendors, entities: ann }))).code,
    ).toBe("NEEDS_BACKFILL");
  });
});

describe("a source that was stored under another definition", () => {
  const columns = {
    id: int64("id"),
    user_id: string("User ID").nullable(),
    amount: float64("Amount").nullable(),
    time: timestamp("Time", { zone: "UTC" }).nullable(),
    vendor: string("Vendor").nullable(),
  };
  const made = (more: object): { readonly [name: string]: unknown } => {
    const other = source("payments", {
      table: "public.payments",
      columns,
      primaryKey: ["id"],
      eventTime: "time",
      ...more,
    } as never) as typeof payments;
    return {
      view: featureView("narrow", {
        entity: user,
        source: other as never,
        features: { paid_l7d: count().over("7d") } as never,
      }),
    };
  };
  /** The difference; the lack of a feature that counts rows. null: it lacks nothing. */
  const cases: readonly (readonly [string, object, string | null])[] = [
    ["a column's kind", { columns: { ...columns, amount: int64("Amount").nullable() } }, null],
    [
      "a column's name in the database",
      { columns: { ...columns, amount: float64("amount").nullable() } },
      null,
    ],
    [
      "the zone of the event time",
      { columns: { ...columns, time: timestamp("Time", { zone: "Asia/Tokyo" }).nullable() } },
      'the column time as timestamp in Asia/Tokyo of "Time" instead of ' +
        'timestamp in UTC of "Time"',
    ],
    [
      "a column that is gone",
      { columns: { id: columns.id, user_id: columns.user_id, time: columns.time } },
      null,
    ],
    [
      "the primary key",
      { primaryKey: ["user_id", "id"], columns: { ...columns, user_id: string("User ID") } },
      "rows with the primary key user_id, id instead of id",
    ],
    [
      "the event time",
      { columns: { ...columns, at: timestamp("at").nullable() }, eventTime: "at" },
      "rows by the event time at instead of time",
    ],
    [
      "the table",
      { table: "archive.payments" },
      "rows of table archive.payments instead of public.payments",
    ],
    ["the created column", { createdAt: "time" }, null],
  ];
  test.each(cases)("%s: a reader is refused by name, and the rows stay", async (_, more, says) => {
    const over = await filled("forever");
    const before = everyCell(over);
    const definitions = made(more);
    const store = await open(over, definitions, "forever");
    const asked = store.getOnlineFeatures({
      features: definitions["view"] as typeof narrow,
      entities: ann,
    });
    if (says === null) expect((await asked)[0]).toEqual({ paid_l7d: 1 });
    else
      expect(await rejectionOf(asked)).toEqual({
        code: "NEEDS_BACKFILL",
        message: expect.stringContaining(`feature narrow.paid_l7d needs ${says},`) as string,
      });
    expect(await store.quarantine("payments")).toEqual([]);
    expect(everyCell(over)).toBe(before);
    // the definitions of before still work
    const again = await open(over, { narrow }, "forever");
    expect((await again.getOnlineFeatures({ features: narrow, entities: ann }))[0]).toEqual({
      paid_l7d: 1,
      largest_l7d: 7,
    });
  });

  test("added or removed columns that were never stored change nothing", async () => {
    const over = await filled("forever");
    const definitions = made({
      columns: {
        id: columns.id,
        user_id: columns.user_id,
        amount: columns.amount,
        time: columns.time,
        note: string("note").nullable(),
      },
    });
    const store = await open(over, definitions, "forever");
    expect(
      (
        await store.getOnlineFeatures({
          features: definitions["view"] as typeof narrow,
          entities: ann,
        })
      )[0],
    ).toEqual({ paid_l7d: 1 });
  });
});

test("a source's state of an older format is STATE_OLDER_FORMAT, with the next step", async () => {
  const over = await filled("forever");
  const { cells } = over.namespaces.get("default")!;
  const name = Buffer.from(sourceStateKey("default", "payments")).toString("latin1");
  const cell = cells.get(name)!;
  const state = JSON.parse(new TextDecoder().decode(cell.value)) as object;
  const older = new TextEncoder().encode(JSON.stringify({ ...state, format: 1 }));
  cells.set(name, { ...cell, value: older });
  const store = await open(over, { narrow }, "forever");
  const error = await rejectionOf(store.run(log().paid({ id: 3 }).source()));
  expect(error).toMatchObject({
    code: "STATE_OLDER_FORMAT",
    message: expect.stringContaining("store.backfill"),
  });
});

describe("a newer format", () => {
  test(
    "of a source's state is STATE_NEWER_FORMAT for readers and " + "runs, and nothing is written",
    async () => {
      const over = await filled("forever");
      const { cells } = over.namespaces.get("default")!;
      const name = Buffer.from(sourceStateKey("default", "payments")).toString("latin1");
      const cell = cells.get(name)!;
      const state = JSON.parse(new TextDecoder().decode(cell.value)) as { format: number };
      cells.set(name, {
        ...cell,
        value: new TextEncoder().encode(JSON.stringify({ ...state, format: 9 })),
      });
      const before = everyCell(over);
      const store = await open(over, { narrow }, "forever");
      const message =
        `memory online store: the state of source "payments" has format ` +
        "9, this version reads 8: " +
        `use the version of Tidemark that wrote it, or ${REBUILD_STEP}`;
      expect(
        await rejectionOf(store.getOnlineFeatures({ features: narrow, entities: ann })),
      ).toEqual({ code: "STATE_NEWER_FORMAT", message });
      expect(await rejectionOf(store.run(log().paid({ id: 3 }).source()))).toEqual({
        code: "STATE_NEWER_FORMAT",
        message,
      });
      expect(everyCell(over)).toBe(before);
    },
  );

  test("of an entity's cells is STATE_NEWER_FORMAT for a read and for a run", async () => {
    const over = await filled("forever");
    const { cells } = over.namespaces.get("default")!;
    for (const [name, cell] of cells)
      if (name.includes("rows:payments"))
        cells.set(name, { ...cell, value: cell.value.with(0, 3) });
    const before = everyCell(over);
    const store = await open(over, { narrow }, "forever");
    expect(await rejectionOf(store.getOnlineFeatures({ features: narrow, entities: ann }))).toEqual(
      {
        code: "STATE_NEWER_FORMAT",
        message: expect.stringContaining(
          "a cell has format 3, this version reads up to 2",
        ) as string,
      },
    );
    expect((await rejectionOf(store.run(log().paid({ id: 3 }).source()))).code).toBe(
      "STATE_NEWER_FORMAT",
    );
    expect(everyCell(over)).toBe(before);
    expect(
      (await store.getOnlineFeatures({ features: narrow, entities: [{ user_id: "bob" }] }))[0],
    ).toEqual({ paid_l7d: 0, largest_l7d: null });
  });

  test("a truncated cell is STATE_DAMAGED", async () => {
    const over = await filled("forever");
    const { cells } = over.namespaces.get("default")!;
    for (const [name, cell] of cells)
      if (name.includes("rows:payments"))
        cells.set(name, { ...cell, value: cell.value.subarray(0, cell.value.length - 3) });
    const { code } = await rejectionOf(
      (await open(over, { narrow }, "forever")).getOnlineFeatures({
        features: narrow,
        entities: ann,
      }),
    );
    expect(code).toBe("STATE_DAMAGED");
  });
});

test("namespaces share a store and nothing else", async () => {
  const over = data();
  const store = await open(over, { weekly }, "forever");
  await store.run(log().source());
  const other = await openStore({
    definitions: { weekly },
    online: memoryOnlineStore(over),
    namespace: "other",
    clock: () => date(NOON),
  });
  expect(
    (await rejectionOf(other.getOnlineFeatures({ features: weekly.payments_l1w, entities: ann })))
      .code,
  ).toBe("NOT_READY");
  expect((await other.status())[0]!.online!.positions).toEqual([]);
});
