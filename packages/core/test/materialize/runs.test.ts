/** Runs of materialize that meet each other, fail, or are refused, and runs after a late row. */
import { expect, test } from "vitest";
import {
  avg,
  count,
  countDistinct,
  entity,
  featureView,
  float64,
  int64,
  latest,
  source,
  string,
  sum,
  timestamp,
} from "../../src/index.ts";
import { openStore } from "../../src/store/store.ts";
import type { Store } from "../../src/store/store-types.ts";
import type { StoreOptions } from "../../src/store/store-options.ts";
import {
  valueAt,
  type Change,
  type ChangeSource,
  type OfflineStore,
  type OnlineStore,
} from "../../src/spi.ts";
import { memoryOfflineData, memoryOfflineStore } from "../../src/testing/memory-offline.ts";
import { memoryOnlineData, memoryOnlineStore } from "../../src/testing/memory-online.ts";
import { isTidemarkError, TidemarkError } from "../../src/errors.ts";
import { strictStore } from "./strict-store.ts";

const user = entity("user", { keys: { user_id: string() } });
const transactions = source("transactions", {
  table: "public.transactions",
  columns: {
    id: int64(),
    user_id: string(),
    amount: float64(),
    vendor: string(),
    time: timestamp({ zone: "UTC" }),
  },
  primaryKey: ["id"],
  eventTime: "time",
});
const weekly = featureView("weekly", {
  entity: user,
  source: transactions,
  features: {
    n: count().over("7d"),
    total: sum(transactions.amount).over("7d"),
    vendors: countDistinct(transactions.vendor).over("7d"),
  },
});
const newest = featureView("newest", {
  entity: user,
  source: transactions,
  features: { amount: latest(transactions.amount) },
});

const at = (text: string): number => Date.parse(`${text}Z`) * 1000;
let offset = 0;

function row(
  id: number,
  user_id: string,
  amount: number,
  time: string,
  kind: "upsert" | "delete" = "upsert",
): Change {
  offset++;
  return {
    source: "transactions",
    topic: "t",
    partition: 0,
    offset,
    kind,
    values: [BigInt(id), user_id, amount, "Hospital", at(time)],
    oldKey: null,
    unavailable: [],
    invalidColumns: [],
    undecodable: null,
    nonFinite: 0,
    order: BigInt(offset),
    committed: at("2025-06-20T00:00:00") + offset,
    snapshot: false,
    op: "c",
    timestamp: null,
    transaction: null,
  };
}

function changes(...list: readonly Change[]): ChangeSource {
  return {
    name: "test",
    async *changes() {
      yield { changes: list, positions: [{ partition: "t:0", offset: list.at(-1)!.offset }] };
    },
  };
}

const NOW = "2025-06-21T12:00:00Z";
const open = (
  options: Partial<StoreOptions> & { readonly definitions?: StoreOptions["definitions"] },
): Promise<Store> =>
  openStore({
    definitions: { weekly },
    clock: () => new Date(NOW),
    offline: memoryOfflineStore(),
    online: { store: memoryOnlineStore(), retention: "forever" },
    ...options,
  });

async function rowsOf(
  offline: OfflineStore,
  view = "weekly",
  columns = ["date", "user_id", "n", "total"],
): Promise<string[]> {
  const rows: string[] = [];
  for await (const { length, vectors } of offline.scan(`${view}/features`, { columns })) {
    for (let i = 0; i < length; i++)
      rows.push(vectors.map((vector) => String(valueAt(vector, i))).join(" "));
  }
  return rows.sort();
}

const asked = (store: Store, ...users: string[]) =>
  store.getMaterialized({ view: weekly, entities: users.map((user_id) => ({ user_id })) });

test("a late row computes the days of its week again, and no others", async () => {
  const offline = memoryOfflineStore();
  const store = await open({ offline });
  await store.run(
    changes(row(1, "a", 10, "2025-06-01T10:00:00"), row(2, "a", 5, "2025-06-18T10:00:00")),
  );
  await store.materialize({ from: "2025-06-01", to: "2025-06-19" });
  const before = await rowsOf(offline);
  // By event time, as Feast decides, this row lies before everything that comes next.
  await store.run(changes(row(3, "a", 100, "2025-06-04T10:00:00")));
  const {
    views: [result],
  } = await store.materialize({ incremental: true, to: "2025-06-20" });
  expect(result!.dates.map(({ date, state }) => `${date} ${state}`)).toEqual([
    ...["04", "05", "06", "07", "08", "09", "10"].map((day) => `2025-06-${day} recomputed`),
    "2025-06-19 new",
  ]);
  expect(result!.unchanged).toBe(11);
  const now = await rowsOf(offline);
  expect(now.filter((one) => one.startsWith("2025-06-05"))).toEqual(["2025-06-05 a 2 110"]);
  expect(now.filter((one) => one.startsWith("2025-06-12"))).toEqual(
    before.filter((one) => one.startsWith("2025-06-12")),
  );
  const twin = memoryOfflineStore();
  const fresh = await open({ offline: twin });
  offset = 0;
  await fresh.run(
    changes(
      row(1, "a", 10, "2025-06-01T10:00:00"),
      row(2, "a", 5, "2025-06-18T10:00:00"),
      row(3, "a", 100, "2025-06-04T10:00:00"),
    ),
  );
  await fresh.materialize({ from: "2025-06-01", to: "2025-06-20" });
  expect(now).toEqual(await rowsOf(twin));
});

test("a user's first row makes rows of zeros, and its delete removes them", async () => {
  const offline = memoryOfflineStore();
  const store = await open({ offline });
  await store.run(changes(row(1, "a", 10, "2025-06-18T10:00:00")));
  await store.materialize({ dates: ["2025-06-18", "2025-06-19"] });
  const gone = row(2, "old", 7, "2020-01-01T00:00:00");
  await store.run(changes(gone));
  await store.materialize({ incremental: true, to: "2025-06-20" });
  expect(await rowsOf(offline)).toEqual([
    "2025-06-18 a 1 10",
    "2025-06-18 old 0 0",
    "2025-06-19 a 1 10",
    "2025-06-19 old 0 0",
  ]);
  expect(await asked(store, "old")).toEqual([
    { event_timestamp: new Date("2025-06-20T00:00:00Z"), n: 0, total: 0, vendors: 0 },
  ]);
  await store.run(changes(row(2, "old", 7, "2020-01-01T00:00:00", "delete")));
  await store.materialize({ incremental: true, to: "2025-06-20" });
  expect(await rowsOf(offline)).toEqual(["2025-06-18 a 1 10", "2025-06-19 a 1 10"]);
  expect(await asked(store, "old", "a")).toEqual([
    null,
    { event_timestamp: new Date("2025-06-20T00:00:00Z"), n: 1, total: 10, vendors: 1 },
  ]);
});

test("a truncated table makes every day stale", async () => {
  const offline = memoryOfflineStore();
  const store = await open({ offline });
  await store.run(changes(row(1, "a", 10, "2025-06-10T10:00:00")));
  await store.materialize({ dates: ["2025-06-09", "2025-06-10", "2025-06-11"] });
  await store.run(
    changes(
      { ...row(0, "", 0, "2025-06-10T10:00:00"), kind: "truncate", values: null },
      row(2, "b", 3, "2025-06-11T10:00:00"),
    ),
  );
  const {
    views: [result],
  } = await store.materialize({ incremental: true, to: "2025-06-12" });
  expect(result!.dates.map(({ date }) => date)).toEqual(["2025-06-09", "2025-06-10", "2025-06-11"]);
  expect(await rowsOf(offline)).toEqual(["2025-06-11 b 1 3"]);
});

test("an older day never replaces a newer one online, the same day does", async () => {
  const offline = memoryOfflineStore();
  const store = await open({ offline });
  await store.run(changes(row(1, "a", 10, "2025-06-10T10:00:00")));
  expect((await store.materialize({ dates: ["2025-06-12"] })).views[0]!.online).toBe("2025-06-12");
  expect((await store.materialize({ dates: ["2025-06-10"] })).views[0]!.online).toBeNull();
  expect((await asked(store, "a"))[0]!.event_timestamp).toEqual(new Date("2025-06-13T00:00:00Z"));
  await store.run(changes(row(2, "a", 1, "2025-06-11T10:00:00")));
  await store.materialize({ dates: ["2025-06-12"] });
  expect((await asked(store, "a"))[0]).toMatchObject({ n: 2, total: 11 });
  expect(await rowsOf(offline)).toEqual(["2025-06-10 a 1 10", "2025-06-12 a 2 11"]);
});

test("of two runs at once one is refused, and both stores have one run's rows", async () => {
  for (let round = 0; round < 20; round++) {
    const [data, cells] = [memoryOfflineData(), memoryOnlineData()];
    const stores = await Promise.all(
      [0, 1].map(() =>
        open({ offline: memoryOfflineStore(data), online: memoryOnlineStore(cells) }),
      ),
    );
    await stores[0]!.run(
      changes(row(1, "a", 10, "2025-06-10T10:00:00"), row(2, "b", 10, "2025-06-11T10:00:00")),
    );
    const ends = await Promise.allSettled(
      stores.map(async (store, i) => {
        for (let turns = 0; turns < (i * round) % 7; turns++)
          await new Promise((resolve) => {
            setImmediate(resolve);
          });
        return store.materialize({ dates: ["2025-06-11"] });
      }),
    );
    expect(ends.some(({ status }) => status === "fulfilled")).toBe(true);
    for (const end of ends)
      if (end.status === "rejected")
        expect(end.reason).toMatchObject({ code: "MATERIALIZE_FENCED", retryable: true });
    expect(await rowsOf(memoryOfflineStore(data))).toEqual([
      "2025-06-11 a 1 10",
      "2025-06-11 b 1 10",
    ]);
    expect((await asked(stores[0]!, "a", "b")).map((one) => one?.n)).toEqual([1, 1]);
  }
});

test("runs at once without an online store all succeed", async () => {
  const data = memoryOfflineData();
  const stores = await Promise.all(
    [0, 1, 2].map(() => open({ offline: memoryOfflineStore(data), online: undefined })),
  );
  await stores[0]!.run(changes(row(1, "a", 10, "2025-06-10T10:00:00")));
  await Promise.all([
    stores[0]!.materialize({ dates: ["2025-06-11"] }),
    stores[1]!.materialize({ dates: ["2025-06-11"] }),
    stores[2]!.materialize({ dates: ["2025-06-12"] }),
  ]);
  expect(await rowsOf(memoryOfflineStore(data))).toEqual([
    "2025-06-11 a 1 10",
    "2025-06-12 a 1 10",
  ]);
});

/** A store whose n-th write fails, as if the process had died there. */
function dying(online: OnlineStore, at_: { left: number }): OnlineStore {
  return {
    ...online,
    write: async (step) =>
      at_.left-- === 0
        ? Promise.reject(new TidemarkError<"DIED">("DIED", "here"))
        : online.write(step),
  };
}

test("a run that died at any online write is done again and leaves no segment behind", async () => {
  for (let deadAt = 0, done = false; !done; deadAt++) {
    const [data, cells] = [memoryOfflineData(), memoryOnlineData()];
    const store = await open({
      offline: memoryOfflineStore(data),
      online: memoryOnlineStore(cells),
    });
    await store.run(
      changes(
        ...Array.from({ length: 120 }, (_, i) => row(i, `user ${i}`, 1, "2025-06-10T10:00:00")),
      ),
    );
    const own = cells.namespaces.get("default")!.cells.size;
    await store.materialize({ dates: ["2025-06-10"] });
    const count = cells.namespaces.get("default")!.cells.size - own;
    const countdown = { left: deadAt };
    const dies = await open({
      offline: memoryOfflineStore(data),
      online: dying(memoryOnlineStore(cells), countdown),
    });
    const ended = await dies.materialize({ dates: ["2025-06-11"] }).then(
      () => "done",
      (error: unknown) =>
        isTidemarkError<"DIED">(error, "DIED") ? "died" : Promise.reject(error as Error),
    );
    done = ended === "done";
    const [row_] = await asked(store, "user 7");
    expect([new Date("2025-06-11T00:00:00Z"), new Date("2025-06-12T00:00:00Z")]).toContainEqual(
      row_!.event_timestamp,
    );
    await store.materialize({ dates: ["2025-06-11"] });
    expect((await asked(store, "user 7", "nobody")).map((one) => one?.event_timestamp)).toEqual([
      new Date("2025-06-12T00:00:00Z"),
      undefined,
    ]);
    expect(cells.namespaces.get("default")!.cells.size - own, `died at write ${deadAt}`).toBe(
      count,
    );
    if (done) expect(deadAt).toBeGreaterThan(4);
  }
});

test("rows of another definition are not served, and are computed anew", async () => {
  const [data, cells] = [memoryOfflineData(), memoryOnlineData()];
  const before = await open({
    offline: memoryOfflineStore(data),
    online: memoryOnlineStore(cells),
  });
  await before.run(changes(row(1, "a", 10, "2025-06-01T10:00:00")));
  await before.materialize({ dates: ["2025-06-02", "2025-06-03"] });
  const other = featureView("weekly", {
    entity: user,
    source: transactions,
    features: {
      n: count().over("1d"),
      total: sum(transactions.amount).over("7d"),
      mean: avg(transactions.amount).over("7d"),
    },
  });
  const after = await open({
    definitions: { other },
    offline: memoryOfflineStore(data),
    online: memoryOnlineStore(cells),
  });
  await expect(
    after.getMaterialized({ view: other, entities: [{ user_id: "a" }] }),
  ).rejects.toMatchObject({
    code: "MATERIALIZED_OF_OTHER_DEFINITION",
    message: expect.stringContaining(
      "are those of 2025-06-03, computed under another definition",
    ) as string,
  });
  const {
    views: [result],
  } = await after.materialize({ incremental: true, to: "2025-06-04" });
  expect(result!.dates.map(({ state }) => state)).toEqual(["recomputed", "recomputed"]);
  expect(await rowsOf(memoryOfflineStore(data), "weekly", ["date", "n", "total", "mean"])).toEqual([
    "2025-06-02 0 10 10",
    "2025-06-03 0 10 10",
  ]);
  expect(await after.getMaterialized({ view: other, entities: [{ user_id: "a" }] })).toEqual([
    { event_timestamp: new Date("2025-06-04T00:00:00Z"), n: 0, total: 10, mean: 10 },
  ]);
});

test("incremental brings up an online store that is empty or behind", async () => {
  const data = memoryOfflineData();
  const first = await open({ offline: memoryOfflineStore(data), online: undefined });
  await first.run(changes(row(1, "a", 10, "2025-06-10T10:00:00")));
  await first.materialize({ from: "2025-06-10", to: "2025-06-13" });
  const store = await open({ offline: memoryOfflineStore(data) });
  expect(await asked(store, "a")).toEqual([null]);
  expect((await store.materialize({ incremental: true, to: "2025-06-13" })).views[0]).toMatchObject(
    { dates: [{ date: "2025-06-12" }], online: "2025-06-12" },
  );
  expect((await asked(store, "a"))[0]).toMatchObject({ n: 1 });
  expect((await store.materialize({ incremental: true, to: "2025-06-13" })).views[0]).toMatchObject(
    { dates: [], unchanged: 3, online: null },
  );
});

test("a latest view is materialized, and a later row changes the days after it", async () => {
  const offline = memoryOfflineStore();
  const store = await open({ definitions: { newest }, offline });
  await store.run(
    changes(row(1, "a", 10, "2025-06-10T10:00:00"), row(2, "b", 3, "2025-06-11T10:00:00")),
  );
  await store.materialize({ from: "2025-06-09", to: "2025-06-13" });
  expect(await rowsOf(offline, "newest", ["date", "user_id", "amount"])).toEqual([
    "2025-06-10 a 10",
    "2025-06-11 a 10",
    "2025-06-11 b 3",
    "2025-06-12 a 10",
    "2025-06-12 b 3",
  ]);
  await store.run(changes(row(3, "a", 4, "2025-06-12T00:00:00")));
  // A latest row holds from its own time on (law 2: both ends in). The end of 11 June is midnight
  // of 12 June.
  expect(
    (await store.materialize({ incremental: true, to: "2025-06-13" })).views[0]!.dates.map(
      ({ date }) => date,
    ),
  ).toEqual(["2025-06-11", "2025-06-12"]);
  expect(await rowsOf(offline, "newest", ["date", "user_id", "amount"])).toEqual([
    "2025-06-10 a 10",
    "2025-06-11 a 4",
    "2025-06-11 b 3",
    "2025-06-12 a 4",
    "2025-06-12 b 3",
  ]);
});

test("a refused materialize names the reason and the next step, and writes nothing", async () => {
  const offline = memoryOfflineStore();
  const store = await open({ offline, definitions: { weekly, newest } });
  const refused = (code: string, options: Parameters<Store["materialize"]>[0]) =>
    expect(store.materialize(options)).rejects.toMatchObject({ code });
  await refused("MATERIALIZE_WITHOUT_HISTORY", { dates: ["2025-06-10"] });
  await store.run(changes(row(1, "a", 10, "2025-06-10T10:00:00")));
  await refused("VIEW_UNKNOWN", { views: ["weekley"], dates: ["2025-06-10"] });
  await refused("SELECTION_INVALID", { views: [weekly.n], dates: ["2025-06-10"] });
  await refused("DATE_INVALID", { dates: ["2025-02-30"] });
  await refused("DATES_EMPTY", { dates: [] });
  await refused("DATES_EMPTY", { from: "2025-06-10", to: "2025-06-10" });
  await refused("DATES_INVALID", {});
  await refused("DATES_INVALID", { dates: ["2025-06-10"], from: "2025-06-10" });
  await refused("DATES_INVALID", { dates: ["2025-06-10"], incremental: true });
  await refused("DATES_INVALID", { to: "2025-06-10" });
  await refused("DATE_NOT_OVER", { dates: ["2025-06-21"] });
  await refused("DATE_NOT_OVER", { from: "2025-06-20", to: "2025-06-23" });
  await refused("DATE_NOT_OVER", { incremental: true, from: "2025-06-10", to: "2025-06-23" });
  await refused("MATERIALIZE_NOT_BEGUN", { incremental: true });
  await refused("TIME_ZONE_UNKNOWN", { dates: ["2025-06-10"], zone: "Asia/Hochiminh" });
  expect(await offline.state("weekly/features")).toBeNull();
  await store.materialize({ dates: ["2025-06-10"], zone: "Asia/Ho_Chi_Minh" });
  await refused("MATERIALIZED_IN_OTHER_ZONE", { dates: ["2025-06-10"] });
  await refused("MATERIALIZED_IN_OTHER_ZONE", { incremental: true });
  await expect(
    (await open({ offline: undefined })).materialize({ dates: ["2025-06-10"] }),
  ).rejects.toMatchObject({ code: "STORE_MISSING" });
  await expect(
    (await open({ online: undefined })).getMaterialized({
      view: weekly,
      entities: [{ user_id: "a" }],
    }),
  ).rejects.toMatchObject({ code: "STORE_MISSING" });
  await expect(
    store.getMaterialized({ view: weekly, entities: [{ user: "a" }] as never }),
  ).rejects.toMatchObject({ code: "KEY_INVALID" });
  const dated = featureView("dated", {
    entity: user,
    source: transactions,
    features: { date: count().over("7d") },
  });
  await expect(
    (await open({ offline, definitions: { dated } })).materialize({ dates: ["2025-06-10"] }),
  ).rejects.toMatchObject({ code: "NAME_TAKEN" });
});

test("a stopped run keeps its finished days, and the next run does the rest", async () => {
  const offline = memoryOfflineStore();
  const store = await open({ offline });
  await store.run(changes(row(1, "a", 10, "2025-06-01T10:00:00")));
  const stop = new AbortController();
  const stopped = store.materialize({
    from: "2025-04-01",
    to: "2025-06-11",
    signal: stop.signal,
    onProgress: ({ date }) => {
      if (date === "2025-06-01") stop.abort();
    },
  });
  await expect(stopped).rejects.toThrow(/abort/);
  const half = await offline.state("weekly/features");
  expect([...half!.metadata.keys()].filter((key) => key.startsWith("date/"))).toHaveLength(62);
  await store.materialize({ incremental: true, to: "2025-06-11" });
  expect(await rowsOf(offline)).toHaveLength(10);
});

/** The days of two commits, and one more day that is far behind them. */
const THREE_COMMITS = [
  ...Array.from({ length: 62 }, (_, i) =>
    new Date(Date.UTC(2025, 2, 31 + i)).toISOString().slice(0, 10),
  ),
  "2025-06-18",
];

test("an entity whose rows lie between the days of commits has rows of zeros", async () => {
  const { store: offline, met } = strictStore();
  const store = await open({ offline });
  await store.run(
    changes(
      row(1, "old", 10, "2025-04-01T10:00:00"),
      row(2, "between", 5, "2025-06-05T10:00:00"),
      row(3, "in the window", 7, "2025-06-18T10:00:00"),
    ),
  );
  await store.materialize({ dates: THREE_COMMITS });
  expect(met.ranges).toBeGreaterThan(0);
  const rows = await rowsOf(offline);
  expect(rows).toHaveLength(61 + 3);
  expect(rows.slice(60)).toEqual([
    "2025-05-31 old 0 0",
    "2025-06-18 between 0 0",
    "2025-06-18 in the window 1 7",
    "2025-06-18 old 0 0",
  ]);
});

test("a commit sees what the history got since the commit before it", async () => {
  const { store: offline, met } = strictStore();
  const store = await open({ offline });
  await store.run(
    changes(row(1, "gone", 10, "2025-04-01T10:00:00"), row(2, "old", 1, "2025-04-02T10:00:00")),
  );
  const later = changes(
    row(1, "gone", 10, "2025-04-01T10:00:00", "delete"),
    row(3, "late", 5, "2025-04-03T10:00:00"),
  );
  met.nextCommit = () => store.run(later);
  await store.materialize({ dates: THREE_COMMITS });
  const rows = await rowsOf(offline);
  expect(rows).toHaveLength(30 + 29 + 32 * 2);
  expect(rows.slice(-4)).toEqual([
    "2025-05-31 late 0 0",
    "2025-05-31 old 0 0",
    "2025-06-18 late 0 0",
    "2025-06-18 old 0 0",
  ]);
});

test("the memory limit of materialize is at least 64 MiB", async () => {
  const store = await open({});
  await expect(
    store.materialize({ dates: ["2025-06-18"], memoryLimit: 1000 }),
  ).rejects.toMatchObject({ code: "OPTION_INVALID" });
});

test("the day after the newest has the entities of that day and of the rows since", async () => {
  const { store: offline, met } = strictStore();
  const store = await open({ offline });
  await store.run(
    changes(
      row(1, "old", 10, "2025-04-01T10:00:00"),
      row(2, "gone", 5, "2025-06-15T10:00:00"),
      row(3, "at midnight", 7, "2025-06-16T00:00:00"),
    ),
  );
  await store.materialize({ dates: ["2025-06-15"] });
  expect(await rowsOf(offline)).toEqual(["2025-06-15 gone 1 5", "2025-06-15 old 0 0"]);
  await store.run(changes(row(4, "new", 1, "2025-06-16T10:00:00")));
  met.ranges = 0;
  await store.materialize({ incremental: true, to: "2025-06-20" });
  expect(met.ranges).toBe(1);
  const later = async (): Promise<string[]> =>
    (await rowsOf(offline)).filter((one) => one.startsWith("2025-06-19"));
  expect(await later()).toEqual([
    "2025-06-19 at midnight 1 7",
    "2025-06-19 gone 1 5",
    "2025-06-19 new 1 1",
    "2025-06-19 old 0 0",
  ]);
  // a stale day may have entities that the history has no more
  await store.run(
    changes(
      row(2, "gone", 5, "2025-06-15T10:00:00", "delete"),
      row(5, "late", 3, "2025-04-02T10:00:00"),
    ),
  );
  await store.materialize({ incremental: true, to: "2025-06-21" });
  expect((await rowsOf(offline)).filter((one) => one.startsWith("2025-06-20"))).toEqual([
    "2025-06-20 at midnight 1 7",
    "2025-06-20 late 0 0",
    "2025-06-20 new 1 1",
    "2025-06-20 old 0 0",
  ]);
});

test("an entity whose first row is at the end of the newest day is seen on the next", async () => {
  const hourly = featureView("hourly", {
    entity: user,
    source: transactions,
    features: { n: count().over("1h") },
  });
  const { store: offline } = strictStore();
  const store = await open({ offline, definitions: { hourly } });
  await store.run(changes(row(1, "old", 10, "2025-06-15T23:30:00")));
  await store.run(changes(row(2, "at midnight", 7, "2025-06-16T00:00:00")));
  await store.materialize({ dates: ["2025-06-15"] });
  await store.materialize({ incremental: true, to: "2025-06-17" });
  expect(await rowsOf(offline, "hourly", ["date", "user_id", "n"])).toEqual([
    "2025-06-15 old 1",
    "2025-06-16 at midnight 0",
    "2025-06-16 old 0",
  ]);
});
