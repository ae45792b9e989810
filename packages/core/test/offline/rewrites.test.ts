/** Tests rewrites of versions that are interrupted, resumed, or met by other writers. */
import {
  count,
  entity,
  featureView,
  int64,
  openStore,
  source,
  string,
  sum,
  timestamp,
  type RewriteProgress,
  type Store,
} from "@tidemark/core";
import { specOfSource, type OfflineStaging, type OfflineStore } from "@tidemark/core/spi";
import { memoryOfflineData, memoryOfflineStore } from "@tidemark/core/testing";
import { expect, test } from "vitest";
import { historyContext } from "../../src/offline/history-context.ts";
import { rewriteVersions } from "../../src/offline/rewrite-versions.ts";
import { NOON, ShopLog, date } from "../support/shop.ts";

const HOUR = 3_600e6;
const user = entity("user", { keys: { user_id: string() } });
const columns = { id: int64(), user_id: string(), at: timestamp(), amount: int64().nullable() };
const table = { table: "public.payments", primaryKey: ["id"], eventTime: "at" } as const;
const { amount: _, ...fewer } = columns;
const before = source("payments", { ...table, columns: fewer });
const after = source("payments", { ...table, columns });

const former = {
  weekly: featureView("weekly", {
    entity: user,
    source: before,
    features: { n: count().over("7d") },
  }),
};
const next = {
  weekly: featureView("weekly", {
    entity: user,
    source: after,
    features: { n: count().over("7d"), total: sum(after.amount).over("7d") },
  }),
};

const ROWS = 60;

/** A log of payments of 1, which was taken under the wider definition. */
function payments(from: number, to: number): ShopLog {
  const log = new ShopLog();
  for (let id = 0; id < to; id++) {
    const values = [BigInt(id), id % 2 === 0 ? "ann" : "bob", NOON - 2 * HOUR, 1n];
    log.add("payments", "upsert", values, { committed: NOON - HOUR + id });
  }
  log.changes.splice(0, from);
  return log;
}

interface Made {
  readonly offline: OfflineStore;
  readonly store: (definitions: object, offline?: OfflineStore) => Promise<Store>;
}

/** A history whose versions were derived under the former definition. */
async function history(): Promise<Made> {
  const data = memoryOfflineData();
  const offline = memoryOfflineStore(data);
  const store = (definitions: object, own = memoryOfflineStore(data)): Promise<Store> =>
    openStore({
      definitions: definitions as never,
      offline: { store: own, buckets: 4 },
      onDefinitionMismatch: "ignore",
    });
  const first = await store(next);
  await first.run(payments(0, ROWS).source());
  const old = await store(former);
  await old.apply();
  // the versions of the wider definition hold all of this one, so they are made anew
  data.tables.delete("payments/versions");
  await old.compact();
  return { offline, store };
}

/** The store, whose staging ends the process before or after its n-th write. */
function dyingAt(offline: OfflineStore, write: number, when: "before" | "after"): OfflineStore {
  let writes = 0;
  const staging: OfflineStaging = {
    ...offline.staging!,
    async write(...args) {
      if (++writes === write && when === "before") throw new Error("killed");
      await offline.staging!.write(...args);
      if (writes === write) throw new Error("killed");
    },
  };
  return { ...offline, staging };
}

const answers = async (store: Store, definitions: typeof next): Promise<unknown> =>
  (
    await store.getHistoricalFeatures({
      features: definitions.weekly,
      entities: ["ann", "bob"].map((user_id) => ({ user_id, event_timestamp: date(NOON) })),
    })
  ).rows();

const expected = (rows: number): unknown => {
  const half = BigInt(rows / 2);
  return ["ann", "bob"].map((user_id) =>
    expect.objectContaining({ user_id, n: Number(half), total: half }),
  );
};

const staged = async (offline: OfflineStore): Promise<number> =>
  (await offline.staging!.list("payments/versions")).length;

test("apply rewrites the versions, and a second apply has nothing to do", async () => {
  const { offline, store } = await history();
  const applied = await store(next);
  const told: RewriteProgress[] = [];
  const { rewritten } = await applied.apply({ onProgress: (progress) => told.push(progress) });
  expect(rewritten).toEqual([{ source: "payments", total: ROWS, reused: 0 }]);
  expect(told.at(-1)).toEqual({ source: "payments", changes: ROWS, total: ROWS, reused: 0 });
  expect(told.map(({ changes }) => changes)).toEqual(
    told.map(({ changes }) => changes).toSorted((a, b) => a - b),
  );
  expect(await answers(applied, next)).toEqual(expected(ROWS));
  expect((await applied.apply()).rewritten).toEqual([]);
  expect(await staged(offline)).toBe(0);
});

for (const when of ["before", "after"] as const)
  test(`an apply that dies ${when} its staged rows are kept goes on from there`, async () => {
    const { offline, store } = await history();
    const dying = await store(next, dyingAt(offline, 1, when));
    await expect(dying.apply()).rejects.toThrow("killed");
    const old = await store(former);
    const [ann] = (await answers(old, former as never)) as readonly { n: number }[];
    expect(ann!.n).toBe(ROWS / 2);
    expect(await answers(dying, next)).toEqual(expected(ROWS));

    const again = await store(next);
    const reused: number[] = [];
    const { changes, rewritten } = await again.apply({
      onProgress: (progress) => reused.push(progress.reused),
    });
    expect(changes).toEqual([]);
    expect(rewritten[0]!.reused).toBe(when === "before" ? 0 : ROWS);
    expect(new Set(reused)).toEqual(new Set([rewritten[0]!.reused]));
    expect(await answers(again, next)).toEqual(expected(ROWS));
    expect(await staged(offline)).toBe(0);
  });

test("a compaction goes on from an older log, and the changes since are its tail", async () => {
  const { offline, store } = await history();
  const dying = await store(next, dyingAt(offline, 1, "after"));
  await expect(dying.apply()).rejects.toThrow("killed");
  const alsoDying: OfflineStore = {
    ...offline,
    rewrite: () => Promise.reject(new Error("killed")),
  };
  const running = await store(next, alsoDying);
  await expect(running.run(payments(ROWS, 2 * ROWS).source())).rejects.toThrow("killed");
  const again = await store(next);
  const told: RewriteProgress[] = [];
  await again.compact({ onProgress: (progress) => told.push(progress) });
  expect(told).toContainEqual({ source: "payments", changes: ROWS, total: ROWS, reused: ROWS });
  expect(await staged(offline)).toBe(0);
  expect(await answers(again, next)).toEqual(expected(2 * ROWS));
});

for (const [maxBytes, parts, groups] of [
  [1, ROWS + 1, 4],
  [15_000, 2, 4],
  [1e9, 0, 1],
] as const)
  test(`with ${maxBytes} bytes, the log is read once and each bucket is written once`, async () => {
    const { offline, store } = await history();
    const context = historyContext(offline, specOfSource(after));
    let reads = 0;
    const names: string[] = [];
    const counting: OfflineStaging = {
      ...offline.staging!,
      async write(...args) {
        names.push(args[2].rewrite);
        await offline.staging!.write(...args);
      },
    };
    const own: OfflineStore = {
      ...offline,
      staging: counting,
      scan(name, options) {
        if (options.columns.includes("_row")) reads++;
        return offline.scan(name, options);
      },
    };
    const done = await rewriteVersions({ ...context, offline: own }, { buckets: 4, maxBytes });
    expect(done).toEqual({ source: "payments", total: ROWS, reused: 0 });
    // the first changes are read to estimate how many buckets are needed
    expect(reads).toBe(2);
    const changes = names.filter((name) => name.includes("-changes-")).length;
    expect({ parts: changes, groups: names.length - changes }).toEqual({ parts, groups });
    expect(await answers(await store(next), next)).toEqual(expected(ROWS));
    expect(await staged(offline)).toBe(0);
  });

test("a rewrite that dies once the changes are staged reads the log no more", async () => {
  const { offline, store } = await history();
  const context = historyContext(offline, specOfSource(after));
  const few = { buckets: 4, maxBytes: 15_000 };
  const dying = { ...context, offline: dyingAt(offline, 2, "after") };
  await expect(rewriteVersions(dying, few)).rejects.toThrow("killed");
  const own: OfflineStore = {
    ...offline,
    scan(name, options) {
      if (options.columns.includes("_row")) throw new Error("read again");
      return offline.scan(name, options);
    },
  };
  const done = await rewriteVersions({ ...context, offline: own }, few);
  expect(done).toEqual({ source: "payments", total: ROWS, reused: 0 });
  expect(await answers(await store(next), next)).toEqual(expected(ROWS));
  expect(await staged(offline)).toBe(0);
});

test("an erasure throws staged changes away", async () => {
  const { offline, store } = await history();
  const context = historyContext(offline, specOfSource(after));
  const dying = { ...context, offline: dyingAt(offline, 2, "before") };
  const few = { buckets: 4, maxBytes: 15_000 };
  await expect(rewriteVersions(dying, few)).rejects.toThrow("killed");
  expect(await staged(offline)).toBe(1);
  await (await store(next)).erase({ entity: "user", key: { user_id: "ann" } });
  expect(await staged(offline)).toBe(0);
});

test("what was staged before an erasure is thrown away", async () => {
  const { offline, store } = await history();
  const dying = await store(next, dyingAt(offline, 1, "after"));
  await expect(dying.apply()).rejects.toThrow("killed");
  expect(await staged(offline)).toBe(1);
  const again = await store(next);
  await again.erase({ entity: "user", key: { user_id: "ann" } });
  expect(await staged(offline)).toBe(0);
  expect((await again.apply()).rewritten[0]?.reused ?? 0).toBe(0);
  expect(await answers(again, next)).toEqual([
    expect.objectContaining({ user_id: "ann", n: 0 }),
    expect.objectContaining({ user_id: "bob", n: ROWS / 2 }),
  ]);
});

test("what was staged under another definition stays, and is not taken", async () => {
  const { offline, store } = await history();
  const dying = await store(next, dyingAt(offline, 1, "after"));
  await expect(dying.apply()).rejects.toThrow("killed");
  const other = source("payments", {
    ...table,
    columns: { ...columns, amount: string().nullable() },
  });
  const texts = {
    weekly: featureView("weekly", {
      entity: user,
      source: other,
      features: { n: count(other.amount).over("7d") },
    }),
  };
  const third = await store(texts);
  const { rewritten } = await third.apply({ allowDestructive: true });
  expect(rewritten).toEqual([{ source: "payments", total: ROWS, reused: 0 }]);
  expect(await staged(offline)).toBe(1);
  expect(await answers(await store(next), next)).toEqual(expected(ROWS));
});

test("a signal ends a rewrite, and nothing is changed", async () => {
  const { offline, store } = await history();
  const { version } = (await offline.state("payments/versions"))!;
  const stop = new AbortController();
  const applied = await store(next);
  await expect(
    applied.apply({
      signal: stop.signal,
      onProgress: () => {
        stop.abort(new Error("stopped"));
      },
    }),
  ).rejects.toThrow("stopped");
  expect((await offline.state("payments/versions"))!.version).toBe(version);
  expect((await (await store(next)).apply()).rewritten).toHaveLength(1);
});
