import {
  commitTime,
  count,
  entity,
  featureService,
  featureView,
  float64,
  int64,
  latest,
  openStore,
  source,
  string,
  sum,
  timestamp,
  type DefinitionMismatch,
  type Store,
  type StoreOptions,
} from "@tidemark/core";
import type { OfflineStore, RegistryStore } from "@tidemark/core/spi";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineStore,
  type MemoryOfflineData,
} from "@tidemark/core/testing";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { collectDefinitions } from "../../src/define/collect-definitions.ts";
import { durationText } from "../../src/define/duration.ts";
import { definedObjects } from "../../src/registry/normalized-definitions.ts";
import { decodeSnapshot } from "../../src/registry/snapshot.ts";
import { bank, customers, payments, profile, user, weekly, type Bank } from "./bank.ts";

const NOON = new Date("2026-01-05T12:00:00Z");
const open = (
  definitions: Bank,
  data: MemoryOfflineData,
  more: Partial<StoreOptions> = {},
): Promise<Store> =>
  openStore({
    definitions,
    offline: memoryOfflineStore(data),
    clock: () => NOON,
    onDefinitionMismatch: "ignore",
    ...more,
  });

const without = (...names: readonly string[]): Bank =>
  Object.fromEntries(Object.entries(bank).filter(([name]) => !names.includes(name)));

test("the fingerprints of a bank's definitions stay the same in every version of Tidemark", () => {
  expect(
    Object.fromEntries(
      [...definedObjects(collectDefinitions(bank))].map(([key, { fingerprint }]) => [
        key,
        fingerprint,
      ]),
    ),
  ).toMatchInlineSnapshot(`
      {
        "entity user": "3968c1a7ebfaf0d88d3513aa40bb8cc8",
        "feature hospital.visits": "af8acefa23cd263a0be924478328da92",
        "feature profile.city": "11539f1b1a2594c8a03a79c2cb37d157",
        "feature weekly.fees": "c254bd308fc378d74272fb0ed17ddeaa",
        "feature weekly.large": "a1d8e19f31a4cd48310cdf2353b9769a",
        "feature weekly.number": "ef596c6c0c1578e712bf691306f602d7",
        "feature weekly.total": "8cfa3cddbeed67bebada610b525ba3c1",
        "service fraud": "c409b6d4d41d165eb4a08ac7c06c895a",
        "source customers": "7b37a3ad9713b0858d12af6f2bf8a3e8",
        "source payments": "fc373add599acdaf80b2bbcc916845f1",
        "view hospital": "5cd7b3636e73290daac3c2bd315640c4",
        "view profile": "b39f90936971a123ebd74b5228cc8cd9",
        "view weekly": "e4d4fefc854f53996f988cafbe00d297",
      }
    `);
});

test("the text of a snapshot is pinned, except its id", async () => {
  const data = memoryOfflineData();
  await (await open({ user }, data)).apply({ by: "ann" });
  // prettier-ignore
  expect(
    data.registry.get("default")![0]!.replace(/"id":"[0-9a-f-]{36}"/, '"id":"…"'),
  ).toMatchInlineSnapshot(
    `"{"applied":{"at":"2026-01-05T12:00:00.000Z","by":"ann"},"applies":[{"at":"2026-01-05T12:00:00.000Z","by":"ann","changes":[{"action":"added","destructive":null,"details":[],"kind":"entity","name":"user","version":1}],"from":null,"omitted":0,"version":1}],"format":2,"id":"…","objects":[{"applied":{"at":"2026-01-05T12:00:00.000Z","by":"ann"},"earlier":[],"fingerprint":"3968c1a7ebfaf0d88d3513aa40bb8cc8","kind":"entity","name":"user","normalized":{"keys":{"user_id":{"type":"string"}}},"removed":null,"version":1}],"version":1}"`,
  );
});

test("a plan compares with the last apply, and an empty apply writes nothing", async () => {
  const data = memoryOfflineData();
  const store = await open(bank, data);
  const first = await store.plan();
  expect(first.applied).toBeNull();
  expect(
    first.changes.map(({ kind, name, action, version }) => `${action} ${kind} ${name} ${version}`),
  ).toEqual([
    "added entity user 1",
    "added feature hospital.visits 1",
    "added feature profile.city 1",
    "added feature weekly.fees 1",
    "added feature weekly.large 1",
    "added feature weekly.number 1",
    "added feature weekly.total 1",
    "added service fraud 1",
    "added source customers 1",
    "added source payments 1",
    "added view hospital 1",
    "added view profile 1",
    "added view weekly 1",
  ]);
  expect(await store.apply({ by: "ann" })).toEqual({
    ...first,
    rewritten: [],
    version: 1,
    next: null,
  });
  expect(await store.plan()).toEqual({
    namespace: "default",
    applied: { at: NOON.toISOString(), by: "ann", version: 1 },
    changes: [],
    waiting: [],
    work: [],
    runtime: [],
    materialized: [],
    kept: [],
    reusedVersions: [],
    metadata: [],
    lowered: [],
  });
  expect((await store.apply({ by: "bob" })).version).toBe(1);
  expect(data.registry.get("default")).toHaveLength(1);
  expect((await (await open(bank, data, { namespace: "other" })).plan()).applied).toBeNull();
});

const shorter = featureView("weekly", {
  entity: user,
  source: payments,
  features: {
    number: count().over("7d"),
    total: sum(payments.amount).over("1d"),
    fees: sum(payments.fee).over("1d"),
  },
});

test("a changed object gets a new version, a removed one keeps its version", async () => {
  const data = memoryOfflineData();
  const apply = async (definitions: Bank, by: string): Promise<void> => {
    await (await open(definitions, data)).apply({ by, allowDestructive: true });
  };
  await apply(bank, "ann");
  const changed = { ...without("fraud"), weekly: shorter };
  await apply(changed, "bob");
  await apply(bank, "cid");
  await apply(without("hospital"), "dan");
  await apply(bank, "eve");
  const { version, objects } = decodeSnapshot(
    data.registry.get("default")!.at(-1)!,
    "the registry",
  );
  expect(version).toBe(5);
  const total = objects.get("feature weekly.total")!;
  expect([
    total.version,
    total.applied.by,
    total.earlier.map((one) => [one.version, one.applied.by, one.normalized["window"]]),
  ]).toEqual([
    3,
    "cid",
    [
      [1, "ann", 604_800e6],
      [2, "bob", 86_400e6],
    ],
  ]);
  expect(total.earlier[0]!.fingerprint).toBe(total.fingerprint);
  expect(objects.get("service fraud")).toMatchObject({ version: 1, removed: null });
  expect(objects.get("view hospital")).toMatchObject({ version: 1, removed: null, earlier: [] });
  expect(
    decodeSnapshot(data.registry.get("default")!.at(-2)!, "the registry").objects.get(
      "view hospital",
    ),
  ).toMatchObject({ removed: { by: "dan" } });
});

describe("a change that takes an answer away is refused without allowDestructive", () => {
  const other = source("payments", {
    table: "public.payments",
    columns: {
      id: int64("id"),
      user_id: string("User ID"),
      vendor: string("Vendor").nullable(),
      amount: int64("Amount").nullable(),
      fee: float64("fee").nullable(),
      time: timestamp("Time", { zone: "UTC" }),
    },
    primaryKey: ["id"],
    eventTime: "time",
  });
  const twoKeys = source("customers", {
    table: "public.customers",
    columns: { id: int64("id"), user_id: string("user"), city: string("city").nullable() },
    primaryKey: ["id", "user_id"],
    eventTime: commitTime(),
  });
  const person = entity("user", { keys: { user_id: string(), region: string() } });
  const cases: readonly (readonly [string, Bank, string])[] = [
    [
      "a service that goes away",
      without("fraud"),
      "service fraud would be removed (callers request it by name)",
    ],
    [
      "a feature that a service answers with",
      { ...bank, fraud: featureService("fraud", [weekly.number, profile]) },
      "service fraud would be changed (callers get no spent any more)",
    ],
    [
      "another feature under a service's name",
      {
        ...bank,
        fraud: featureService("fraud", [weekly.number, weekly.fees.as("spent"), profile]),
      },
      "service fraud would be changed (callers get another feature as spent)",
    ],
    [
      "another window",
      {
        ...without("fraud"),
        weekly: shorter,
        fraud: featureService("fraud", [shorter.number, shorter.total.as("spent"), profile]),
      },
      "feature weekly.total would be changed (its values change)",
    ],
    [
      "another type of a column",
      { user, payments: other, customers, profile, fraud: featureService("fraud", [profile]) },
      "source payments would be changed (the stored values of its column amount have another type)",
    ],
    [
      "another primary key",
      { user, payments, customers: twoKeys },
      "source customers would be changed (its primaryKey decides what its rows are)",
    ],
    [
      "other keys of an entity",
      { user: person, payments, customers },
      "entity user would be changed (requests and stored rows have its keys)",
    ],
    [
      "a view that a service answers with",
      {
        user,
        payments,
        customers,
        weekly,
        fraud: featureService("fraud", [weekly.number, weekly.total.as("spent")]),
      },
      "view profile would be removed (service fraud answers with it)",
    ],
    [
      "another ttl",
      {
        ...without("fraud", "profile"),
        profile: featureView("profile", {
          entity: user,
          source: customers,
          ttl: "7d",
          features: { city: latest(customers.city).default("nowhere") },
        }),
      },
      "view profile would be changed (its ttl decides what its features mean)",
    ],
  ];
  for (const [text, definitions, message] of cases) {
    test(text, async () => {
      const data = memoryOfflineData();
      await (await open(bank, data)).apply();
      const store = await open(definitions, data);
      const error = (await store.apply().catch((one: unknown) => one)) as {
        readonly code: string;
        readonly message: string;
      };
      expect(error.code).toBe("REGISTRY_DESTRUCTIVE");
      expect(error.message).toContain(message);
      expect(error.message).toContain("--allow-destructive (allowDestructive: true)");
      expect(data.registry.get("default")).toHaveLength(1);
      expect((await store.apply({ allowDestructive: true })).version).toBe(2);
    });
  }
});

test("changes that take no answer away are applied without allowDestructive", async () => {
  const data = memoryOfflineData();
  await (await open(bank, data)).apply();
  const more = source("customers", {
    table: "public.customers",
    columns: {
      id: int64("id"),
      user_id: string("user"),
      city: string("city").nullable(),
      phone: string("phone").nullable(),
    },
    primaryKey: ["id"],
    eventTime: commitTime(),
  });
  const store = await open(
    {
      user,
      payments,
      customers: more,
      weekly,
      fraud: featureService("fraud", [weekly.number, weekly.total.as("spent"), weekly.fees]),
    },
    data,
  );
  const changes = (await store.plan()).changes.map(
    ({ action, kind, name, details, destructive, usedBy }) => [
      `${action} ${kind} ${name}`,
      ...details,
      ...usedBy.map((one) => `used by ${one}`),
      ...(destructive === null ? [] : ["destructive"]),
    ],
  );
  expect(changes).toEqual([
    ["removed feature hospital.visits"],
    ["removed feature profile.city", "used by service fraud", "destructive"],
    [
      "changed service fraud",
      "features.city removed: profile.city",
      "features.fees added: weekly.fees",
      "destructive",
    ],
    [
      "changed source customers",
      'columns.phone added: {"database":"phone","nullable":true,"type":"string"}',
      "used by view profile",
      "used by service fraud",
    ],
    ["removed view hospital"],
    ["removed view profile", "used by service fraud", "destructive"],
  ]);
  const kept = featureView("profile", {
    entity: user,
    source: more,
    features: { city: latest(more.city).default("nowhere") },
  });
  const before = memoryOfflineData();
  const lasting = featureView("profile", {
    entity: user,
    source: customers,
    features: { city: latest(customers.city).default("nowhere") },
  });
  await (await open({ user, payments, weekly, lasting }, before)).apply();
  const added = await open(
    { user, payments, weekly, kept, all: featureService("all", [kept, weekly]) },
    before,
  );
  expect(
    (await added.apply()).changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`),
  ).toEqual(["added service all", "changed source customers"]);
});

/** Lets every party read before any of them writes. */
function inStep(data: MemoryOfflineData, parties: number): () => OfflineStore {
  let waiting = 0;
  let go: () => void;
  const all = new Promise<void>((resolve) => {
    go = resolve;
  });
  return () => {
    const store = memoryOfflineStore(data);
    const registry: RegistryStore = {
      load: (options) => store.registry!.load(options),
      async save(snapshot, options) {
        if (++waiting === parties) go();
        await all;
        return store.registry!.save(snapshot, options);
      },
    };
    return { ...store, registry };
  };
}

test("of two applies at once one is done, and the other changes nothing", async () => {
  const data = memoryOfflineData();
  await (await open({ user }, data)).apply({ by: "ann" });
  const offline = inStep(data, 2);
  const [a, b] = [
    await open({ user, payments }, data, { offline: offline() }),
    await open({ user, customers }, data, { offline: offline() }),
  ];
  const outcomes = await Promise.allSettled([a.apply({ by: "bob" }), b.apply({ by: "cid" })]);
  const lost = outcomes
    .filter((one) => one.status === "rejected")
    .map(({ reason }) => reason as { readonly code: string; readonly message: string });
  expect(lost).toHaveLength(1);
  const winner = outcomes[0]!.status === "fulfilled" ? "bob" : "cid";
  expect(lost[0]).toMatchObject({
    code: "REGISTRY_CONFLICT",
    message:
      'memory offline store: the registry of namespace "default": ' +
      `${winner} applied version 2 at 2026-01-05T12:00:00.000Z, ` +
      "while this was planned on version 1; none of your changes was applied: " +
      "run tidemark plan again, and apply the remaining changes",
  });
  const there = decodeSnapshot(data.registry.get("default")!.at(-1)!, "");
  expect([...there.objects.keys()]).toEqual(
    ["entity user", winner === "bob" ? "source payments" : "source customers"].toSorted(),
  );
});

test("two applies of the same definitions at the same time both succeed", async () => {
  const data = memoryOfflineData();
  const offline = inStep(data, 2);
  const results = await Promise.all(
    [1, 2].map(async () => (await open(bank, data, { offline: offline() })).apply()),
  );
  expect(results.map(({ version }) => version)).toEqual([1, 1]);
  expect(data.registry.get("default")).toHaveLength(1);
});

test("a column that is stored with another type needs a backfill", async () => {
  const data = memoryOfflineData();
  const online = memoryOnlineStore();
  const store = await open(bank, data, { online });
  expect((await store.plan()).changes.find(({ name }) => name === "weekly.total")!.serving).toEqual(
    { kind: "empty", why: null, code: "NOT_READY" },
  );
  await store.apply();
  await store.run({
    name: "one",
    async *changes() {
      const change = {
        source: "payments",
        topic: "t",
        partition: 0,
        kind: "upsert",
        oldKey: null,
        unavailable: [],
        invalidColumns: [],
        undecodable: null,
        nonFinite: 0,
        order: 1n,
        committed: NOON.getTime() * 1000,
        snapshot: false,
        op: "c",
        timestamp: null,
        transaction: null,
        extra: null,
      } as const;
      yield {
        changes: [
          {
            ...change,
            offset: 0,
            values: [1n, "ann", "Taxi", 1.5, 100n, NOON.getTime() * 1000 - 1],
          },
        ],
        positions: [{ partition: "t:0", offset: 0 }],
      };
    },
  });
  const cents = source("payments", {
    table: "public.payments",
    columns: {
      id: int64("id"),
      user_id: string("User ID"),
      amount: int64("Amount").nullable(),
      time: timestamp("Time", { zone: "UTC" }),
    },
    primaryKey: ["id"],
    eventTime: "time",
  });
  const view = featureView("weekly", {
    entity: user,
    source: cents,
    features: { number: count().over("7d"), total: sum(cents.amount).over("7d") },
  });
  const { changes } = await (await open({ user, view, customers }, data, { online })).plan();
  expect(changes.find(({ name }) => name === "weekly.total")!.serving).toEqual({
    kind: "backfill",
    why: 'the column amount as int64 of "Amount" instead of float64 of "Amount"',
    code: "NEEDS_BACKFILL",
  });
});

test("a store without a registry, and one without a history, have no plan", async () => {
  const { registry: _, ...plain } = memoryOfflineStore();
  await expect(
    (await openStore({ definitions: bank, offline: plain })).plan(),
  ).rejects.toMatchObject({
    code: "STORE_MISSING",
    message: expect.stringContaining(
      "plan needs a registry, and memory offline store keeps none",
    ) as string,
  });
  await expect((await openStore({ definitions: bank })).apply()).rejects.toMatchObject({
    code: "STORE_MISSING",
    message: expect.stringContaining("apply needs an offline store") as string,
  });
});

describe("a store that is opened with other definitions than were applied", () => {
  const drifted: Bank = { ...without("fraud", "hospital"), weekly: shorter };

  async function applied(): Promise<MemoryOfflineData> {
    const data = memoryOfflineData();
    await (await open(bank, data)).apply({ by: "ann" });
    return data;
  }
  function warnings(): { readonly code: string; readonly text: string }[] {
    const seen: { code: string; text: string }[] = [];
    const spy = vi.spyOn(process, "emitWarning").mockImplementation(((
      text: string,
      { code }: { readonly code: string },
    ) => {
      seen.push({ code, text });
    }) as typeof process.emitWarning);
    onTestFinished(() => {
      spy.mockRestore();
    });
    return seen;
  }
  const opening = (
    definitions: Bank,
    offline: OfflineStore,
    more: Partial<StoreOptions> = {},
  ): Promise<Store> => openStore({ definitions, offline, clock: () => NOON, ...more });

  test("warns of the objects that differ, and not of definitions that are left out", async () => {
    const data = await applied();
    const seen = warnings();
    await opening(bank, memoryOfflineStore(data));
    await opening(without("fraud", "hospital", "profile", "customers"), memoryOfflineStore(data));
    expect(seen).toEqual([]);
    await opening(drifted, memoryOfflineStore(data));
    expect(seen).toEqual([
      {
        code: "DEFINITION_MISMATCH",
        text:
          'the definitions of this store are not those applied to namespace "default" ' +
          "(version 1, by ann at 2026-01-05T12:00:00.000Z): " +
          "feature weekly.total is applied with another definition; " +
          "this process answers under its own definitions: tidemark plan shows what they need, " +
          "tidemark apply applies them; or deploy the definitions that were applied",
      },
    ]);
  });

  test("is refused, ignored or passed to a function, as the option says", async () => {
    const data = await applied();
    const seen = warnings();
    const loads = vi.fn();
    const counted = (): OfflineStore => {
      const store = memoryOfflineStore(data);
      return {
        ...store,
        registry: {
          ...store.registry!,
          load: (options) => {
            loads();
            return store.registry!.load(options);
          },
        },
      };
    };
    await expect(
      opening(drifted, counted(), { onDefinitionMismatch: "refuse" }),
    ).rejects.toMatchObject({
      code: "DEFINITION_MISMATCH",
      message: expect.stringContaining(
        "feature weekly.total is applied with another definition",
      ) as string,
    });
    await opening(bank, counted(), { onDefinitionMismatch: "refuse" });
    // Opening costs one read.
    expect(loads).toHaveBeenCalledTimes(2);
    await opening(drifted, counted(), { onDefinitionMismatch: "ignore" });
    expect(loads).toHaveBeenCalledTimes(2);
    let told: DefinitionMismatch | undefined;
    const added = featureView("added", {
      entity: user,
      source: payments,
      features: { one: count().over("1d") },
    });
    await (
      await open(without("fraud", "hospital"), data)
    ).apply({ allowDestructive: true, by: "bob" });
    await opening({ ...bank, added }, counted(), {
      onDefinitionMismatch: (mismatch) => {
        told = mismatch;
      },
    });
    expect(told).toEqual({
      namespace: "default",
      applied: { at: NOON.toISOString(), by: "bob", version: 2 },
      objects: [
        { kind: "feature", name: "added.one", status: "not applied" },
        { kind: "feature", name: "hospital.visits", status: "removed" },
        { kind: "service", name: "fraud", status: "removed" },
        { kind: "view", name: "added", status: "not applied" },
        { kind: "view", name: "hospital", status: "removed" },
      ],
    });
    expect(seen).toEqual([]);
  });

  test("says nothing without a version or a registry", async () => {
    const data = await applied();
    const seen = warnings();
    await opening(drifted, memoryOfflineStore(data), { namespace: "other" });
    const { registry: _, ...plain } = memoryOfflineStore(data);
    await opening(drifted, plain, { onDefinitionMismatch: "refuse" });
    expect(seen).toEqual([]);
  });

  test("that an unavailable registry hides is refused, or warned of", async () => {
    const away = {
      ...memoryOfflineStore(await applied()),
      registry: {
        load: async () => {
          throw new Error("ECONNREFUSED");
        },
        save: async () => "conflict" as const,
      },
    };
    const seen = warnings();
    await opening(bank, away, { onDefinitionMismatch: "ignore" });
    await expect(opening(bank, away, { onDefinitionMismatch: "refuse" })).rejects.toMatchObject({
      code: "REGISTRY_UNAVAILABLE",
      retryable: true,
      message: expect.stringMatching(
        /registry of namespace "default" did not answer \(ECONNREFUSED\).*reachable/,
      ) as string,
    });
    expect(seen).toEqual([]);
    const told = vi.fn();
    await opening(bank, away, { onDefinitionMismatch: told });
    await opening(bank, away);
    expect(seen.map(({ code }) => code)).toEqual(["REGISTRY_UNAVAILABLE", "REGISTRY_UNAVAILABLE"]);
    expect(told).not.toHaveBeenCalled();
  });

  test("waits two seconds at most for a registry that never answers", async () => {
    vi.useFakeTimers();
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const stuck = {
      ...memoryOfflineStore(),
      registry: {
        load: () => new Promise<never>(() => undefined),
        save: async () => "conflict" as const,
      },
    };
    const seen = warnings();
    const store = opening(bank, stuck);
    const refused = expect(
      opening(bank, stuck, { onDefinitionMismatch: "refuse" }),
    ).rejects.toMatchObject({
      code: "REGISTRY_UNAVAILABLE",
      message: expect.stringContaining("no answer within 2 s") as string,
    });
    await vi.advanceTimersByTimeAsync(2_000);
    await store;
    await refused;
    expect(seen.map(({ code }) => code)).toEqual(["REGISTRY_UNAVAILABLE"]);
  });

  test("an unreadable registry is a warning or a refusal with its own code", async () => {
    for (const [text, code] of [
      ['{"format":1}', "REGISTRY_OLDER_FORMAT"],
      ['{"format":3}', "REGISTRY_NEWER_FORMAT"],
      ["{", "REGISTRY_DAMAGED"],
      ["[]", "REGISTRY_DAMAGED"],
      ['{"format":2,"version":1}', "REGISTRY_DAMAGED"],
      ["null", "REGISTRY_DAMAGED"],
    ] as const) {
      const data = memoryOfflineData();
      data.registry.set("default", [text]);
      const seen = warnings();
      await opening(bank, memoryOfflineStore(data));
      expect(seen.map((one) => one.code)).toEqual([code]);
      await expect(
        opening(bank, memoryOfflineStore(data), { onDefinitionMismatch: "refuse" }),
      ).rejects.toMatchObject({ code });
      await expect((await open(bank, data)).apply()).rejects.toMatchObject({ code });
      expect(data.registry.get("default")).toEqual([text]);
    }
  });
});

describe("the applies of a registry", () => {
  test("are kept newest first: who, when, from where, and what changed", async () => {
    const data = memoryOfflineData();
    await (await open(bank, data)).apply({ by: "ann", from: "commit 1" });
    const store = await open({ ...without("fraud"), weekly: shorter }, data);
    await store.apply({ by: "bob", allowDestructive: true });
    await store.apply({ by: "nobody" }); // nothing to change
    const applies = await store.applies();
    expect(applies).toMatchObject([
      {
        version: 2,
        by: "bob",
        at: NOON.toISOString(),
        from: null,
        omitted: 0,
        changes: expect.arrayContaining([
          {
            kind: "feature",
            name: "weekly.total",
            action: "changed",
            version: 2,
            details: ["window: 7d → 1d"],
            destructive: "its values change",
          },
        ]) as object[],
      },
      { version: 1, by: "ann", from: "commit 1" },
    ]);
    expect(applies[1]!.changes!.every(({ action }) => action === "added")).toBe(true);
    expect(await (await open(bank, memoryOfflineData())).applies()).toEqual([]);
  });

  test("of a registry that kept none: the newest is known, and later ones are added", async () => {
    const data = memoryOfflineData();
    await (await open(bank, data)).apply({ by: "ann" });
    const texts = data.registry.get("default")!;
    const { applies: _, ...old } = JSON.parse(texts.at(-1)!) as Record<string, unknown>;
    data.registry.set("default", [JSON.stringify(old)]);
    const newest = { version: 1, by: "ann", at: NOON.toISOString(), from: null, changes: null };
    const store = await open({ ...without("fraud"), weekly: shorter }, data);
    expect(await store.applies()).toEqual([{ ...newest, omitted: 0 }]);
    await store.apply({ by: "bob", allowDestructive: true });
    expect((await store.applies()).map(({ by }) => by)).toEqual(["bob"]);
  });

  test("have limits: the newest 500, in one mebibyte, with short names", async () => {
    const data = memoryOfflineData();
    const definitions = [bank, { ...without("fraud"), weekly: shorter }];
    const by = "x".repeat(1000);
    for (let i = 0; i < 503; i++)
      await (await open(definitions[i % 2]!, data)).apply({ by, allowDestructive: true });
    const applies = await (await open(bank, data)).applies();
    expect(applies).toHaveLength(500);
    expect(applies.map(({ version }) => version)).toEqual(
      Array.from({ length: 500 }, (_, i) => 503 - i),
    );
    expect(applies[0]!.by).toBe(`${"x".repeat(199)}…`);
    const text = data.registry.get("default")!.at(-1)!;
    expect(text.length).toBeLessThan(2 ** 21);
  });

  test("an apply log of another form is a damaged registry", async () => {
    for (const applies of [1, [{}], [{ at: "x", by: "y", version: 1.5 }]]) {
      const data = memoryOfflineData();
      await (await open(bank, data)).apply({ by: "ann" });
      const stored = JSON.parse(data.registry.get("default")!.at(-1)!) as object;
      data.registry.set("default", [JSON.stringify({ ...stored, applies })]);
      await expect((await open(bank, data)).applies()).rejects.toMatchObject({
        code: "REGISTRY_DAMAGED",
      });
    }
  });
});

test("durations are printed as they are written", () => {
  expect([1e6, 90e6, 60e6, 3600e6, 86_400e6, 604_800e6, 5400e6].map(durationText)).toEqual([
    "1s",
    "90s",
    "1m",
    "1h",
    "1d",
    "7d",
    "90m",
  ]);
});
