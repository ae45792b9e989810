import {
  openStore,
  pushSource,
  TidemarkError,
  string,
  timestamp,
  featureView,
  count,
  type Store,
} from "@tidemark/core";
import { specOfSource, type OfflineStore, type OnlineStore } from "@tidemark/core/spi";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
  type MemoryOfflineData,
  type MemoryOnlineData,
} from "@tidemark/core/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { historyContext } from "../../src/offline/history-context.ts";
import {
  ShopLog,
  NOON,
  HOUR,
  date,
  definitions,
  payments,
  rejectionOf,
  user,
  weekly,
} from "../support/shop.ts";
import { historyLinkOf } from "../../src/pairing/history-link.ts";
import { pairedLog, type PairedLog } from "../../src/pairing/store-pair.ts";

const warned = vi.spyOn(process, "emitWarning");
beforeEach(() => {
  warned.mockReset();
});
afterEach(() => {
  warned.mockReset();
});

/** The codes of the warnings so far. */
function warnings(): readonly string[] {
  return warned.mock.calls.map(([, options]) => (options as { readonly code: string }).code);
}

function hundred(): ShopLog {
  const log = new ShopLog();
  for (let i = 0; i < 100; i++)
    log.paid({ id: i, time: NOON - i * HOUR, amount: i / 4 }, { partition: i % 2 });
  return log;
}

/** The two stores of an environment. */
class Environment {
  online: MemoryOnlineData = memoryOnlineData();
  lake: MemoryOfflineData = memoryOfflineData();

  open({
    online = memoryOnlineStore(this.online),
    offline = memoryOfflineStore(this.lake),
    namespace = "default",
  }: {
    readonly online?: OnlineStore | null;
    readonly offline?: OfflineStore | null;
    readonly namespace?: string;
  } = {}): Promise<Store> {
    return openStore({
      definitions,
      namespace,
      ...(online === null ? {} : { online: { store: online, retention: "forever" } }),
      ...(offline === null ? {} : { offline: { store: offline, commit: { rows: 10 } } }),
      clock: () => date(NOON),
    });
  }
}

const ann = { user_id: "ann" };

/** What a person asks of both paths, as text. */
async function online(store: Store): Promise<string> {
  const { rows } = await store.getOnlineFeatures({
    features: weekly,
    entities: [ann],
    metadata: true,
  });
  return JSON.stringify(rows, (_, value: unknown) =>
    typeof value === "bigint" ? `${value}` : value,
  );
}
async function trained(store: Store): Promise<string> {
  const rows = await (
    await store.getHistoricalFeatures({
      features: weekly,
      entities: [{ ...ann, event_timestamp: date(NOON) }],
    })
  ).rows();
  return JSON.stringify(rows, (_, value: unknown) =>
    typeof value === "bigint" ? `${value}` : value,
  );
}

/** Both answers of stores that took the whole log. */
async function whole(log: ShopLog): Promise<readonly string[]> {
  const store = await new Environment().open();
  await store.run(log.source());
  return [await online(store), await trained(store)];
}

async function problems(store: Store): Promise<readonly (string | null)[]> {
  const status = await store.status();
  return [...new Set(status.map(({ problem }) => problem?.code ?? null))];
}

describe("stores that do not belong together are named at once", () => {
  test("a lake that is gone: no run begins a new history beside the online store", async () => {
    const log = hundred();
    const environment = new Environment();
    await (await environment.open()).run(log.source({ upTo: 60 }));
    environment.lake = memoryOfflineData();
    const store = await environment.open();
    expect(warnings()).toContain("HISTORY_MISSING");
    expect((await store.status()).find(({ source }) => source === "payments")!.problem!.code).toBe(
      "HISTORY_MISSING",
    );
    const refused = await rejectionOf(store.run(log.source()));
    expect(refused.code).toBe("HISTORY_MISSING");
    expect(refused.message).toContain("it had t.public.payments:0 up to 29");
    expect((await rejectionOf(trained(store))).code).toBe("HISTORY_MISSING");
    expect((await rejectionOf(store.backfill())).code).toBe("HISTORY_MISSING");
    // what the online store has is right, and is served
    expect(await online(store)).toContain('"value":59,');
    await store.run(log.source(), { newHistory: true });
    expect([await online(store), await trained(store)]).toEqual(await whole(log));
    expect(await problems(store)).toEqual([null]);
  });

  test("an older lake beside a newer online store is brought up by a run", async () => {
    const log = hundred();
    const environment = new Environment();
    await (await environment.open()).run(log.source({ upTo: 40 }));
    const older = structuredClone(environment.lake);
    await (await environment.open()).run(log.source({ upTo: 80 }));
    environment.lake = older;
    const store = await environment.open();
    expect(warnings()).toContain("HISTORY_OLDER");
    expect((await rejectionOf(trained(store))).code).toBe("HISTORY_OLDER");
    expect((await rejectionOf(store.backfill())).code).toBe("HISTORY_OLDER");
    expect(await online(store)).toContain('"value":79,');
    await store.run(log.source());
    expect([await online(store), await trained(store)]).toEqual(await whole(log));
    expect(await problems(store)).toEqual([null]);
  });

  test.each(["run", "backfill"] as const)(
    "an older online store beside a newer lake answers nothing until a %s",
    async (repair) => {
      const log = hundred();
      const environment = new Environment();
      await (await environment.open()).run(log.source({ upTo: 40 }));
      const older = structuredClone(environment.online);
      await (await environment.open()).run(log.source());
      environment.online = older;
      const store = await environment.open();
      expect(warnings()).toContain("ONLINE_STORE_OLDER");
      const refused = await rejectionOf(online(store));
      expect(refused.code).toBe("ONLINE_STORE_OLDER");
      expect(refused.message).toContain("offsets up to 19 of t.public.payments:0 and had them");
      if (repair === "run") await store.run(log.source());
      else await store.backfill();
      expect([await online(store), await trained(store)]).toEqual(await whole(log));
      expect(await problems(store)).toEqual([null]);
    },
  );

  test("the lake of another environment", async () => {
    const log = hundred();
    const [staging, production] = [new Environment(), new Environment()];
    await (await staging.open()).run(log.source({ upTo: 90 }));
    await (await production.open()).run(log.source({ upTo: 60 }));
    production.lake = staging.lake;
    const before = structuredClone(staging.lake);
    const store = await production.open();
    expect(warnings()).toContain("HISTORY_OF_OTHER_STORE");
    for (const call of [store.run(log.source()), trained(store), store.backfill()])
      expect((await rejectionOf(call)).code).toBe("HISTORY_OF_OTHER_STORE");
    expect(staging.lake).toEqual(before);
    expect(await online(store)).toContain('"value":59,');
  });

  test("an environment that was copied, went on, and got the stores of the other", async () => {
    const log = hundred();
    const production = new Environment();
    await (await production.open()).run(log.source({ upTo: 40 }));
    const staging = new Environment();
    staging.online = structuredClone(production.online);
    staging.lake = structuredClone(production.lake);
    await (await staging.open()).run(log.source({ upTo: 60 }));
    await (await production.open()).run(log.source({ upTo: 90 }));
    const mixed = new Environment();
    [mixed.online, mixed.lake] = [staging.online, production.lake];
    await mixed.open();
    expect(warnings()).toContain("HISTORY_OF_OTHER_STORE");
    warned.mockReset();
    [mixed.online, mixed.lake] = [production.online, staging.lake];
    await mixed.open();
    expect(warnings()).toContain("HISTORY_OF_OTHER_STORE");
  });

  test("an online store that is gone beside a full history is filled from it", async () => {
    const log = hundred();
    const environment = new Environment();
    await (await environment.open()).run(log.source());
    environment.online = memoryOnlineData();
    const store = await environment.open();
    await store.backfill();
    expect([await online(store), await trained(store)]).toEqual(await whole(log));
    environment.lake = memoryOfflineData();
    await environment.open();
    expect(warnings()).toContain("HISTORY_MISSING");
  });

  test("a history that is gone for good begins anew with a resnapshot", async () => {
    const log = hundred();
    const environment = new Environment();
    await (await environment.open()).run(log.source());
    environment.lake = memoryOfflineData();
    const store = await environment.open();
    await store.resnapshot("payments", log.source(), { ending: "source" });
    expect([await online(store), await trained(store)]).toEqual(await whole(log));
    expect(await problems(store)).toEqual([null]);
  });

  test("a lake that does not answer is no lake that is gone", async () => {
    const log = hundred();
    const environment = new Environment();
    await (await environment.open()).run(log.source());
    const offline = memoryOfflineStore(environment.lake);
    const away = new TidemarkError<string>("AWAY", "the lake is away", { retryable: true });
    const store = await environment.open({
      // the registry is asked first
      offline: { ...offline, registry: undefined, state: () => Promise.reject(away) },
    });
    expect(warnings()).toEqual([]);
    expect(await online(store)).toBe((await whole(log))[0]);
    expect((await rejectionOf(trained(store))).code).toBe("AWAY");
  });
});

describe("stores that belong together are never taken for others", () => {
  afterEach(() => {
    expect(warnings()).toEqual([]);
  });

  test("an online store alone, and an offline store alone", async () => {
    const log = hundred();
    const environment = new Environment();
    for (const upTo of [30, 60, 100]) {
      await (await environment.open({ offline: null })).run(log.source({ upTo }));
      await (await environment.open({ online: null })).run(log.source({ upTo }));
    }
    // they meet later
    const store = await environment.open();
    await store.run(log.source());
    expect([await online(store), await trained(store)]).toEqual(await whole(log));
  });

  test("one online store per region over one lake", async () => {
    const log = hundred();
    const [north, south] = [new Environment(), new Environment()];
    south.lake = north.lake;
    for (const upTo of [20, 40, 60, 80, 100]) {
      await (await north.open()).run(log.source({ upTo }));
      if (upTo % 40 === 0) await (await south.open()).run(log.source({ upTo }));
    }
    const store = await south.open();
    await store.backfill();
    expect([await online(store), await trained(store)]).toEqual(await whole(log));
    expect(await problems(store)).toEqual([null]);
  });

  test("two namespaces in one online store and one lake", async () => {
    const log = hundred();
    const environment = new Environment();
    for (const upTo of [20, 50, 100])
      for (const namespace of ["a", "b"])
        await (await environment.open({ namespace })).run(log.source({ upTo }));
    for (const namespace of ["a", "b"])
      expect(await online(await environment.open({ namespace }))).toBe((await whole(log))[0]);
  });

  test("an online store that is added later, and one that lags behind", async () => {
    const log = hundred();
    const environment = new Environment();
    await (await environment.open({ online: null })).run(log.source({ upTo: 50 }));
    await (await environment.open()).run(log.source({ upTo: 60 }));
    await (await environment.open({ online: null })).run(log.source({ upTo: 90 }));
    const store = await environment.open();
    expect(await online(store)).toContain('"value":59,');
    await store.run(log.source());
    expect([await online(store), await trained(store)]).toEqual(await whole(log));
  });

  test("resnapshot generations", async () => {
    const log = hundred();
    const environment = new Environment();
    await (await environment.open()).run(log.source());
    const anew = new ShopLog();
    for (let i = 0; i < 20; i++) anew.paid({ id: i, time: NOON - i * HOUR, amount: 1 });
    const store = await environment.open();
    await store.resnapshot("payments", anew.source(), { ending: "source" });
    await (await environment.open()).run(anew.source());
    expect(await online(await environment.open())).toBe((await whole(anew))[0]);
    expect(await trained(await environment.open())).toBe((await whole(anew))[1]);
  });

  test("a process that dies between the commit of the history and its note", async () => {
    const log = hundred();
    const environment = new Environment();
    const dying = memoryOnlineStore(environment.online);
    for (const upTo of [30, 60, 100]) {
      const store = await environment.open({
        online: {
          ...dying,
          write: async (step) =>
            step.cells.length === 0 && step.positions.length === 0 ? "conflict" : dying.write(step),
        },
      });
      await store.run(log.source({ upTo }));
    }
    const store = await environment.open();
    expect([await online(store), await trained(store)]).toEqual(await whole(log));
  });
});

test("pushes into the lake of another environment are refused, and none is served", async () => {
  const clicks = pushSource("clicks", {
    columns: { id: string("id"), user_id: string("user_id"), time: timestamp("time") },
    primaryKey: ["id"],
    eventTime: "time",
  });
  const counted = featureView("counted", {
    entity: user,
    source: clicks,
    features: { clicks_l1w: count().over("7d") },
  });
  const open = ({ online: to, lake }: Environment): Promise<Store> =>
    openStore({
      definitions: { user, clicks, counted },
      online: { store: memoryOnlineStore(to), retention: "forever" },
      offline: memoryOfflineStore(lake),
      clock: () => date(NOON),
    });
  const [staging, production] = [new Environment(), new Environment()];
  const push = async (store: Store, ids: readonly string[]): Promise<unknown> =>
    store.push(
      clicks,
      ids.map((id) => ({ id, user_id: "ann", time: date(NOON - HOUR) })),
    );
  const clickCount = async (store: Store): Promise<unknown> =>
    (await store.getOnlineFeatures({ features: counted, entities: [ann] }))[0];
  await push(await open(staging), ["a", "b", "c"]);
  const store = await open(production);
  await push(store, ["d"]);
  await store.close();
  production.lake = staging.lake;
  const mixed = await open(production);
  expect(warnings()).toContain("HISTORY_OF_OTHER_STORE");
  expect((await rejectionOf(push(mixed, ["e"]))).code).toBe("HISTORY_OF_OTHER_STORE");
  expect(await clickCount(mixed)).toMatchObject({ clicks_l1w: 1 });
});

test("runs of different partitions commit to one history without a conflict", async () => {
  const stores = new Environment();
  const online = memoryOnlineStore(stores.online);
  const offline = memoryOfflineStore(stores.lake);
  await online.open({ namespace: "default" });
  const context = historyContext(offline, specOfSource(payments));
  const table = context.tables.changes;
  const run = () => pairedLog({ source: context.source, table: table.name, online, offline });
  const [first, second] = [run(), run()];
  const commit = async (log: PairedLog, partition: string, next: number): Promise<string> => {
    const metadata = await log.steps([partition]);
    const expected = next === 0 ? null : next - 1;
    const positions = [{ partition, expected, next }];
    const written = await offline.append(table, [], { positions, metadata });
    log.committed(metadata, [{ partition, offset: next }]);
    await log.idle();
    return written;
  };
  for (let offset = 0; offset < 3; offset++) {
    expect(await commit(first, "t:0", offset)).toBe("done");
    expect(await commit(second, "t:1", offset)).toBe("done");
  }
  const { commits } = historyLinkOf(await online.metadata("payments"))!;
  expect(Object.entries(commits).map(([partition, { number }]) => [partition, number])).toEqual([
    ["t:0", 3],
    ["t:1", 3],
  ]);
});
