/**
 * Tests a history whose definition changes: every answer is that of a history which was taken under
 * the reader's definition from the beginning (law 11).
 */
import {
  commitTime,
  count,
  countDistinct,
  decimal,
  entity,
  featureView,
  float64,
  int64,
  latest,
  openStore,
  source,
  string,
  sum,
  timestamp,
  type Store,
} from "@tidemark/core";
import { changeReader, jsonFormat, specOfView } from "@tidemark/core/internal";
import { type ChangeSource, formatTime, type OfflineStore, specOfSource } from "@tidemark/core/spi";
import { memoryOfflineData, memoryOfflineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";
import { HOUR, NOON, ShopLog, date, user } from "../support/shop.ts";

const columns = {
  id: int64("id"),
  user_id: string("user_id").nullable(),
  amount: decimal("amount", { precision: 12, scale: 2 }).nullable(),
  time: timestamp("time", { zone: "UTC" }).nullable(),
};
const table = { table: "public.payments", primaryKey: ["id"], eventTime: "time" } as const;
const payments = source("payments", { ...table, columns });

const MINUTE = 60e6;

interface Row {
  readonly id: number;
  readonly user_id?: string;
  readonly amount?: string;
  readonly note?: string | null;
  readonly at?: number;
}

/** A change whose message has all members, whatever the definition declares. */
function log(...rows: readonly Row[]): ShopLog {
  const changes = new ShopLog();
  for (const { id, user_id = "ann", amount = "1.50", note = "x", at = NOON - HOUR } of rows) {
    const members = { id, user_id, amount, note, time: formatTime(at), created: formatTime(NOON) };
    const logged = {
      row: JSON.stringify(members),
      key: null,
      oldKey: null,
      format: jsonFormat(specOfSource(payments)),
    };
    const values = [BigInt(id), user_id, BigInt(amount.replace(".", "")), at];
    const committed = NOON - 40 * MINUTE + changes.changes.length * 10 * MINUTE;
    changes.add("payments", "upsert", values, { committed, change: { logged } });
  }
  return changes;
}

const taken: readonly Row[] = [
  { id: 1, amount: "47.90" },
  { id: 2, amount: "2.10", note: null },
  { id: 3, user_id: "bob", at: NOON - 50 * HOUR },
  { id: 1, amount: "4.79", note: "y" },
];
const changes = log(...taken);

/** The log as a change source of these definitions decodes it. */
// oxlint-disable-next-line typescript/no-explicit-any
function decodedUnder(view: any): ChangeSource {
  const decoded = new ShopLog();
  const { source: own } = specOfView(view)!;
  decoded.changes.push(...changes.changes.map(changeReader(own)));
  return decoded.source();
}

const features = (of: typeof payments) => ({
  n: count().over("7d"),
  total: sum(of.amount).over("7d"),
});
const views = {
  weekly: featureView("weekly", { entity: user, source: payments, features: features(payments) }),
};

async function history(offline: OfflineStore): Promise<Store> {
  const store = await openStore({ definitions: views, offline: { store: offline, buckets: 2 } });
  await store.run(changes.source());
  await store.compact();
  return store;
}

// oxlint-disable-next-line typescript/no-explicit-any
async function rows(store: Store, view: any): Promise<readonly unknown[]> {
  const entities = ["ann", "bob"].map((user_id) => ({ user_id, event_timestamp: date(NOON) }));
  const answers: unknown[] = [];
  for (const knowledge of ["as-corrected", "as-known"] as const)
    answers.push(
      ...(await (
        await store.getHistoricalFeatures({ features: view, entities, knowledge })
      ).rows()),
    );
  return answers;
}

const scaled = source("payments", {
  ...table,
  columns: { ...columns, amount: decimal("amount", { precision: 12, scale: 3 }).nullable() },
});
const noted = source("payments", {
  ...table,
  columns: { ...columns, note: string("note").nullable() },
});
const narrow = source("payments", {
  ...table,
  columns: { id: columns.id, user_id: columns.user_id, time: columns.time },
});
const floats = source("payments", {
  ...table,
  columns: { ...columns, amount: float64("amount").nullable() },
});
const byUser = source("payments", {
  ...table,
  columns: { ...columns, user_id: string("user_id") },
  primaryKey: ["user_id"],
});
const created = source("payments", {
  ...table,
  columns: { ...columns, created: timestamp("created", { zone: "UTC" }).nullable() },
  eventTime: "created",
});
const moved = source("payments", { ...table, columns, table: "public.other" });

const changed = {
  "another scale": featureView("scaled", {
    entity: user,
    source: scaled,
    features: { total: sum(scaled.amount).over("7d") },
  }),
  "a declared column": featureView("noted", {
    entity: user,
    source: noted,
    features: { n: count(noted.note).over("7d"), notes: countDistinct(noted.note).over("7d") },
  }),
  "a dropped column": featureView("narrow", {
    entity: user,
    source: narrow,
    features: { n: count().over("7d") },
  }),
  "another type": featureView("floats", {
    entity: user,
    source: floats,
    features: { total: sum(floats.amount).over("7d") },
  }),
  "another primary key": featureView("by_user", {
    entity: user,
    source: byUser,
    features: { n: count().over("7d") },
  }),
  "another event time": featureView("created", {
    entity: user,
    source: created,
    features: { n: count().over("7d") },
  }),
  "another table": featureView("moved", {
    entity: user,
    source: moved,
    features: { n: count().over("7d") },
  }),
};

for (const [what, view] of Object.entries(changed)) {
  test(`${what}: each reader has its own answers, before and after a rewrite`, async () => {
    const offline = memoryOfflineStore(memoryOfflineData());
    const before = await history(offline);
    const expected = await rows(before, views.weekly);

    const wanted = await rowsOfLog(view);
    const after = await openStore({ definitions: { view }, offline });
    expect(await rows(after, view)).toEqual(wanted);
    await after.compact();
    expect(await rows(after, view)).toEqual(wanted);
    expect(await rows(before, views.weekly)).toEqual(expected);
    await before.run(log(...taken, { id: 9, amount: "100.00" }).source());
    expect(await rows(before, views.weekly)).not.toEqual(expected);
  });

  /** The answers of a history that was taken under the definition from the beginning. */
  // oxlint-disable-next-line typescript/no-explicit-any
  async function rowsOfLog(own: any): Promise<readonly unknown[]> {
    const store = await openStore({ definitions: { own }, offline: memoryOfflineStore() });
    if (what !== "another table") await store.run(decodedUnder(own));
    return rows(store, own);
  }
}

test("a dimension that declares a column later has the versions of all its columns", async () => {
  const shape = { table: "public.payments", primaryKey: ["id"], eventTime: commitTime() } as const;
  const { id, user_id } = columns;
  const less = source("payments", { ...shape, columns: { id, user_id } });
  const more = source("payments", {
    ...shape,
    columns: { id, user_id, note: string("note").nullable() },
  });
  const card = entity("card", { keys: { id: int64() } });
  const seen = (of: typeof less) =>
    featureView("seen", {
      entity: card,
      source: of,
      features: { user: latest(of.user_id) },
      ttl: "20m",
    });
  const open = (of: typeof less, offline: OfflineStore): Promise<Store> =>
    openStore({ definitions: { seen: seen(of) }, offline });
  const times = async (store: Store, of: typeof less): Promise<unknown> =>
    (
      await store.getHistoricalFeatures({
        features: seen(of),
        entities: [{ id: 1n, event_timestamp: date(NOON) }],
      })
    ).rows();

  const offline = memoryOfflineStore(memoryOfflineData());
  const before = await open(less, offline);
  await before.run(decodedUnder(seen(less)));
  await before.compact();
  const clean = await open(more as unknown as typeof less, memoryOfflineStore());
  await clean.run(decodedUnder(seen(more as unknown as typeof less)));
  const wanted = await times(clean, more as unknown as typeof less);
  expect(wanted).not.toEqual(await times(before, less));
  const after = await open(more as unknown as typeof less, offline);
  expect(await times(after, more as unknown as typeof less)).toEqual(wanted);
  await after.compact();
  expect(await times(after, more as unknown as typeof less)).toEqual(wanted);
});
