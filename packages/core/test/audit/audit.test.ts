/** The audit table has who did what, and an action never fails of it. */
import {
  commitTime,
  count,
  entity,
  featureView,
  int64,
  openStore,
  pushSource,
  source,
  string,
  TidemarkError,
  timestamp,
  type AuditEntry,
  type Store,
  type StoreOptions,
} from "@tidemark/core";
import { valueAt, type OfflineStore } from "@tidemark/core/spi";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineData,
  memoryOnlineStore,
} from "@tidemark/core/testing";
import { afterEach, describe, expect, test, vi } from "vitest";

const user = entity("user", { keys: { user_id: string() } });
const logins = pushSource("logins", {
  columns: { id: int64({ mode: "number" }), user_id: string(), time: timestamp() },
  primaryKey: ["id"],
  eventTime: "time",
});
const customers = source("customers", {
  table: "public.customers",
  columns: { id: int64("id"), city: string("city").nullable() },
  primaryKey: ["id"],
  eventTime: commitTime(),
});
const weekly = featureView("weekly", {
  entity: user,
  source: logins,
  features: { logins: count().over("7d") },
});
const definitions = { weekly, logins, customers };
const TABLE = "audit/actions";
const SECRET = "user-4711";

interface Opened {
  readonly store: Store;
  readonly offline: OfflineStore;
  now: number;
}

async function opened(options: Partial<StoreOptions> = {}): Promise<Opened> {
  const offline = memoryOfflineStore(memoryOfflineData());
  const made = { offline, now: Date.UTC(2026, 2, 10, 12, 0, 5) };
  const store = await openStore({
    definitions,
    online: memoryOnlineStore(memoryOnlineData()),
    offline,
    clock: () => new Date(made.now),
    audit: { by: "ann", from: "job 7" },
    ...options,
  });
  return Object.assign(made, { store });
}

const login = (id: number) => ({ id, user_id: SECRET, time: new Date(Date.UTC(2026, 2, 9, 12)) });

/** The texts of every cell of the table. */
async function cells(offline: OfflineStore): Promise<string> {
  const state = await offline.state(TABLE);
  const columns = state!.columns.map(({ name }) => name);
  const texts: string[] = [];
  for await (const { length, vectors } of offline.scan(TABLE, { columns }))
    for (let i = 0; i < length; i++)
      for (const vector of vectors) texts.push(String(valueAt(vector, i)));
  return texts.join("\n");
}

const shown = ({ action, outcome, code, by, from, counts }: AuditEntry): unknown[] => [
  action,
  outcome,
  code,
  by,
  from,
  counts,
];

afterEach(() => {
  vi.useRealTimers();
});

describe("actions of a store", () => {
  test("each has a row with who, what, how much and how it ended", async () => {
    const { store } = await opened();
    const { changes } = await store.apply({ by: "release 7", from: "commit 1a2b" });
    await store.push(logins, [login(1), login(2)], { deletes: [{ id: 9 }] });
    await store.materialize({ views: [weekly], dates: ["2026-03-09"] });
    await store.backfill();
    const receipt = await store.erase({ entity: "user", key: { user_id: SECRET }, by: "dpo" });
    const audits = await store.audits();
    expect(audits.map(shown).toSorted()).toEqual([
      ["apply", "done", null, "release 7", "commit 1a2b", { changes: changes.length }],
      ["backfill", "done", null, "ann", "job 7", { changes: 0 }],
      ["erase", "done", null, "dpo", "job 7", { keys: 1, rows: expect.any(Number) as number }],
      ["materialize", "done", null, "ann", "job 7", { days: 1, rows: 1 }],
      ["push", "done", null, "ann", "job 7", { calls: 1, deletes: 1, rows: 2 }],
    ]);
    const [of] = audits.filter(({ action }) => action === "erase");
    expect(of).toMatchObject({ entity: "user", receipt: receipt.id, sources: [], views: [] });
    expect(of!.counts.rows).toBeGreaterThan(0);
    const named = (action: string) => audits.find((one) => one.action === action);
    expect(named("apply")).toMatchObject({ version: 1, at: "2026-03-10T12:00:05.000000Z" });
    expect(named("push")).toMatchObject({ sources: ["logins"], views: [] });
    expect(named("materialize")).toMatchObject({ views: ["weekly"], sources: [] });
    expect(named("backfill")).toMatchObject({ sources: ["logins", "customers"] });
    for (const { seconds } of audits) expect(seconds).toBeGreaterThan(0);
  });

  test("refusals have their code; names that the caller made up stay out", async () => {
    const { store, offline } = await opened();
    const rejects = async (action: Promise<unknown>): Promise<void> => {
      await expect(action).rejects.toThrow();
    };
    await rejects(store.push(logins, [{ id: 1, user_id: null, time: new Date(0) } as never]));
    await rejects(store.push(SECRET as never, []));
    await rejects(store.push("customers" as never, []));
    await rejects(store.materialize({ views: [SECRET], dates: ["2026-03-09"] }));
    await rejects(store.erase({ entity: SECRET, key: { user_id: "x" } }));
    await rejects(store.erase({ entity: "user", key: { [SECRET]: SECRET } }));
    await rejects(store.resnapshot(SECRET, {} as never));
    await rejects(store.backfill({ sources: [SECRET] }));
    const audits = await store.audits();
    expect(audits.map(({ action, outcome, code }) => [action, outcome, code]).toSorted()).toEqual([
      ["backfill", "refused", "SOURCE_UNKNOWN"],
      ["erase", "refused", "ENTITY_UNKNOWN"],
      ["erase", "refused", "KEY_INVALID"],
      ["materialize", "refused", "VIEW_UNKNOWN"],
      ["push", "refused", "PUSH_INVALID"],
      ["push", "refused", "PUSH_NOT_ALLOWED"],
      ["push", "refused", "SOURCE_UNKNOWN"],
      ["resnapshot", "refused", "SOURCE_UNKNOWN"],
    ]);
    expect(await cells(offline)).not.toContain(SECRET);
  });

  test("no key of an erased entity is in the table", async () => {
    const { store, offline } = await opened();
    await store.push(logins, [login(1)], { id: `push of ${SECRET}` });
    await store.erase({ entity: "user", keys: [{ user_id: SECRET }] });
    await store.audit!.flush();
    expect(await cells(offline)).toContain("erase");
    expect(await cells(offline)).not.toContain(SECRET);
  });

  test("an action whose signal aborts is interrupted, and another failure is failed", async () => {
    const { store, offline } = await opened();
    await store.push(logins, [login(1)]);
    const dates = ["2026-03-09"];
    const signal = AbortSignal.abort();
    await expect(store.materialize({ dates, signal })).rejects.toThrow();
    const { rewrite } = offline;
    offline.rewrite = async () => {
      throw new TidemarkError("OBJECTS_UNREACHABLE", "the store is away", { retryable: true });
    };
    await expect(store.materialize({ dates })).rejects.toThrow("away");
    offline.rewrite = rewrite;
    const audits = await store.audits({ action: "materialize" });
    expect(audits.map(({ outcome, code }) => [outcome, code]).toSorted()).toEqual([
      ["failed", "OBJECTS_UNREACHABLE"],
      ["interrupted", null],
    ]);
  });

  test("a history that is gone is not begun by a row of the audit", async () => {
    const online = memoryOnlineStore(memoryOnlineData());
    const first = await opened({ online });
    await first.store.push(logins, [login(1)]);
    const offline = memoryOfflineStore(memoryOfflineData());
    const store = await openStore({ definitions, online, offline, audit: true });
    await expect(store.backfill()).rejects.toMatchObject({ code: "HISTORY_MISSING" });
    await store.audit!.flush();
    expect(await offline.state(TABLE)).toBeNull();
  });

  test("counting without a change is no action", async () => {
    const { store } = await opened();
    await store.push(logins, [login(1)]);
    await store.erase({ entity: "user", key: { user_id: SECRET }, dryRun: true });
    expect(await store.audits({ action: "erase" })).toEqual([]);
  });

  test("a program around the store records what it did", async () => {
    const { store } = await opened();
    await store.audit!.record({ action: "training-set", outcome: "done", counts: { rows: 7 } });
    expect((await store.audits()).map(shown)).toEqual([
      ["training-set", "done", null, "ann", "job 7", { rows: 7 }],
    ]);
  });
});

describe("pushes", () => {
  test("those of a minute are one row for each caller, source and outcome", async () => {
    const made = await opened();
    const { store } = made;
    const commits = vi.spyOn(made.offline, "append");
    const caller = { by: "till", from: "10.0.0.7" };
    for (let i = 0; i < 50; i++) {
      await store.push(logins, [login(i)], i % 2 === 0 ? { caller } : {});
      made.now += 1000;
    }
    await expect(store.push(logins, [{ id: 1 } as never], { caller })).rejects.toThrow();
    made.now += 10_000;
    await store.push(logins, [login(1), login(2)], { caller });
    expect(commits.mock.calls.filter(([table]) => table.name === TABLE)).toEqual([]);
    const audits = await store.audits({ action: "push" });
    const one = { calls: 1, deletes: 0, rows: 1 };
    const many = { calls: 25, deletes: 0, rows: 25 };
    expect(audits.map((audit) => [audit.at.slice(11, 19), ...shown(audit)])).toEqual([
      ["12:01:05", "push", "done", null, "till", "10.0.0.7", { ...one, rows: 2 }],
      ["12:00:55", "push", "refused", "PUSH_INVALID", "till", "10.0.0.7", one],
      ["12:00:06", "push", "done", null, "ann", "job 7", many],
      ["12:00:05", "push", "done", null, "till", "10.0.0.7", many],
    ]);
    expect(commits.mock.calls.filter(([table]) => table.name === TABLE)).toHaveLength(1);
  });

  test("are committed a minute after the first, and when the store is closed", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { store, offline } = await opened();
    await store.push(logins, [login(1)]);
    expect(store.audit!.status()).toMatchObject({ written: 0, waiting: 1 });
    await vi.advanceTimersByTimeAsync(59_000);
    expect(store.audit!.status()).toMatchObject({ written: 0, waiting: 1 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(store.audit!.status()).toMatchObject({ written: 1, waiting: 0 });
    await store.push(logins, [login(2)]);
    await store.close();
    expect((await offline.state(TABLE))!.rows).toBe(2);
  });

  test("a push in flight at the end of the store is recorded", async () => {
    const { store, offline } = await opened();
    const push = store.push(logins, [login(1)]);
    await store.close();
    await push;
    expect((await offline.state(TABLE))!.rows).toBe(1);
  });
});

describe("an offline store that does not take the table", () => {
  test("fails no action: it warns once, and the rows are written later", async () => {
    const { store, offline } = await opened();
    const { append } = offline;
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    let isAway = true;
    offline.append = async (table, rows, options) => {
      if (table.name === TABLE && isAway) throw new Error("the store is away");
      return append.call(offline, table, rows, options);
    };
    await store.apply();
    await store.apply();
    expect(store.audit!.status()).toEqual({
      written: 0,
      waiting: 2,
      lost: 0,
      lastError: "the store is away",
    });
    expect(warned.mock.calls).toHaveLength(1);
    expect(warned.mock.calls[0]).toMatchObject([
      expect.stringContaining("1 rows are not in table audit/actions yet (the store is away)"),
      { code: "AUDIT_NOT_WRITTEN" },
    ]);
    isAway = false;
    expect(await store.audits()).toHaveLength(2);
    expect(store.audit!.status()).toMatchObject({ written: 2, waiting: 0, lastError: null });
    warned.mockRestore();
  });

  test("actions that end while a commit is under way are written by the next one", async () => {
    const { store, offline } = await opened();
    const { append } = offline;
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    offline.append = async (table, rows, options) => {
      if (table.name === TABLE) await held;
      return append.call(offline, table, rows, options);
    };
    const recorded = Array.from({ length: 5 }, async (_, rows) => {
      await new Promise((resolve) => setTimeout(resolve, rows));
      await store.audit!.record({ action: "training-set", outcome: "done", counts: { rows } });
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    go();
    await Promise.all(recorded);
    const audits = await store.audits();
    expect(audits.map(({ counts }) => counts.rows).toSorted()).toEqual([0, 1, 2, 3, 4]);
    expect(store.audit!.status()).toMatchObject({ written: 5, waiting: 0, lost: 0 });
  });

  test("a commit whose answer is lost is read once", async () => {
    const { store, offline } = await opened();
    const { append } = offline;
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    let isLost = false;
    offline.append = async (table, rows, options) => {
      const done = await append.call(offline, table, rows, options);
      if (table.name !== TABLE || isLost) return done;
      isLost = true;
      throw new Error("no answer");
    };
    await store.apply();
    expect(await store.audits()).toHaveLength(1);
    expect((await offline.state(TABLE))!.rows).toBe(2);
    warned.mockRestore();
  });

  test("loses what it did not take when the store is closed, and says so", async () => {
    const { store, offline } = await opened();
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const { append } = offline;
    offline.append = async (table, rows, options) => {
      if (table.name === TABLE) throw new Error("no");
      return append.call(offline, table, rows, options);
    };
    await store.apply();
    await store.close();
    expect(store.audit!.status()).toEqual({ written: 0, waiting: 0, lost: 1, lastError: "no" });
    expect(warned.mock.calls.at(-1)![0]).toContain("rows are lost (no)");
    warned.mockRestore();
  });
});

test("the table is one of the store's", async () => {
  const { store } = await opened();
  expect(store.tables()).toContainEqual({
    name: TABLE,
    holds: "audit",
    of: "audit",
    timeColumn: "began_at",
  });
});

test("without the option nothing is written, and another process's rows are read", async () => {
  const { store, offline } = await opened();
  await store.apply();
  const other = await openStore({ definitions, offline });
  expect(other.audit).toBeNull();
  await other.apply();
  expect(await other.audits()).toHaveLength(1);
  const elsewhere = await openStore({ definitions, offline, namespace: "elsewhere" });
  expect(await elsewhere.audits()).toEqual([]);
});

test("without an offline store there is no table, and the error says what to give", async () => {
  const online = memoryOnlineStore(memoryOnlineData());
  const store = await openStore({ definitions, online });
  await expect(store.audits()).rejects.toThrow(
    "audits needs an offline store: give openStore({ offline: … })",
  );
  await expect(openStore({ definitions, online, audit: true })).rejects.toMatchObject({
    code: "STORE_MISSING",
    message: expect.stringContaining("or leave audit out") as string,
  });
});

test.for([
  [{ by: 7 }, "OPTION_INVALID"],
  ["ann", "OPTION_INVALID"],
  [{ who: "ann" }, "OPTION_UNKNOWN"],
] as const)("audit: %j is refused", async ([audit, code]) => {
  const offline = memoryOfflineStore(memoryOfflineData());
  await expect(openStore({ definitions, offline, audit: audit as never })).rejects.toMatchObject({
    code,
  });
});
