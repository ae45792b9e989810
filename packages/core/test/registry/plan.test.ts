/** Tests what a plan says of the work and the consequences of a change. */
import {
  count,
  decimal,
  div,
  featureService,
  featureView,
  int64,
  lastRows,
  lifetime,
  openStore,
  pushSource,
  source,
  string,
  sum,
  timestamp,
  type Columns,
  type Store,
} from "@tidemark/core";
import type { Change } from "@tidemark/core/spi";
import {
  memoryOfflineData,
  memoryOfflineStore,
  memoryOnlineStore,
  type MemoryOfflineData,
} from "@tidemark/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { user, type Bank } from "./bank.ts";

const NOON = new Date("2026-01-05T12:00:00Z");
const columns = {
  id: int64("id"),
  user_id: string("user"),
  fee: decimal("fee", { precision: 10, scale: 2 }).nullable(),
  time: timestamp("time"),
};

function bankOf(more: {
  fee?: ReturnType<typeof decimal>;
  extra?: Columns;
  days?: "7d" | "30d";
  undeclared?: "drop";
}) {
  const payments = source("payments", {
    table: "public.payments",
    columns: { ...columns, ...(more.fee === undefined ? {} : { fee: more.fee }), ...more.extra },
    primaryKey: ["id"],
    eventTime: "time",
    ...(more.undeclared === undefined ? {} : { undeclared: more.undeclared }),
  });
  const weekly = featureView("weekly", {
    entity: user,
    source: payments,
    features: { number: count().over(more.days ?? "7d"), fees: sum(payments.fee).over("7d") },
  });
  return { weekly, fraud: featureService("fraud", [weekly.fees]) };
}

const open = async (
  definitions: Bank,
  data: MemoryOfflineData,
  online = memoryOnlineStore(),
): Promise<Store> => {
  const store = await openStore({
    definitions,
    offline: memoryOfflineStore(data),
    online,
    clock: () => NOON,
    onDefinitionMismatch: "ignore",
  });
  onTestFinished(() => store.close());
  return store;
};

const change = (offset: number): Change => ({
  source: "payments",
  topic: "t",
  partition: 0,
  offset,
  kind: "upsert",
  values: [BigInt(offset), "a", 100n, NOON.getTime() * 1000 - 1e6],
  oldKey: null,
  unavailable: [],
  invalidColumns: [],
  undecodable: null,
  nonFinite: 0,
  order: BigInt(offset),
  committed: NOON.getTime() * 1000,
  snapshot: false,
  op: "c",
  timestamp: null,
  transaction: null,
});

async function filled(): Promise<{
  readonly data: MemoryOfflineData;
  readonly online: ReturnType<typeof memoryOnlineStore>;
}> {
  const data = memoryOfflineData();
  const online = memoryOnlineStore();
  const store = await open(bankOf({}), data, online);
  await store.apply();
  await store.run({
    name: "log",
    async *changes() {
      yield await Promise.resolve({
        changes: [change(1), change(2), change(3)],
        positions: [{ partition: "t:0", offset: 3 }],
      });
    },
  });
  return { data, online };
}

test("a column with another type: who reads it, and what is refused", async () => {
  const { data, online } = await filled();
  const changed = bankOf({ fee: decimal("fee", { precision: 10, scale: 3 }).nullable() as never });
  const { changes, waiting, work } = await (await open(changed, data, online)).plan();
  expect(changes.find(({ kind }) => kind === "source")!.consequences).toEqual([
    'column fee is read as decimal(10,3) of "fee", no longer as decimal(10,2) of "fee": its ' +
      "values are read again from the change log; weekly.fees reads it",
  ]);
  expect(changes.find(({ name }) => name === "weekly.fees")!.serving).toEqual({
    kind: "backfill",
    why: 'the column fee as decimal(10,3) of "fee" instead of decimal(10,2) of "fee"',
    code: "NEEDS_BACKFILL",
  });
  expect(waiting).toEqual([]);
  expect(work).toMatchObject([
    {
      source: "payments",
      rewrite: { rows: 3, seconds: 1, secondsFrom: "typical" },
      backfill: {
        rows: 3,
        seconds: 1,
        secondsFrom: "typical",
        features: ["weekly.fees"],
        services: ["fraud"],
      },
    },
  ]);
});

test("columns that come, go or get another name, and who reads them", async () => {
  const { data, online } = await filled();
  const sentences = async (extra: Columns): Promise<readonly string[]> => {
    const { changes } = await (await open(bankOf({ extra }), data, online)).plan();
    return changes.find(({ kind }) => kind === "source")?.consequences ?? [];
  };
  expect(await sentences({ vendor: string("vendor").nullable() })).toEqual([
    "column vendor is new: its values are in the change log; no feature reads it",
  ]);
  await (await open(bankOf({ extra: { vendor: string("vendor") } }), data, online)).apply();
  expect(await sentences({ shop: string("vendor") })).toEqual([
    "column vendor is called shop; its values stay; no feature reads it",
  ]);
  expect(await sentences({})).toEqual(["column vendor is gone: no feature reads it any more"]);
});

test("a new column that no change of before has", async () => {
  const { data, online } = await filled();
  const dropped = bankOf({ undeclared: "drop", extra: { vendor: string("vendor").nullable() } });
  const { changes } = await (await open(dropped, data, online)).plan();
  expect(changes.find(({ kind }) => kind === "source")!.consequences).toEqual([
    'column vendor is new: it is missing in changes from before (undeclared: "drop"), until ' +
      "tidemark resnapshot; no feature reads it",
  ]);
  const clicks = (more: Columns): Bank => {
    const pushed = pushSource("clicks", {
      columns: { id: int64(), user_id: string(), time: timestamp(), ...more },
      primaryKey: ["id"],
      eventTime: "time",
    });
    const features = { number: count().over("7d") };
    return { clicked: featureView("clicked", { entity: user, source: pushed, features }) };
  };
  const history = memoryOfflineData();
  await (await open(clicks({}), history)).apply();
  const plan = await (await open(clicks({ page: string().nullable() }), history)).plan();
  expect(plan.changes.find(({ kind }) => kind === "source")!.consequences).toEqual([
    "column page is new: rows that were pushed before do not have it; no feature reads it",
  ]);
});

test("the sources of which every row is kept online, and about how many bytes", async () => {
  const { data, online } = await filled();
  expect((await (await open(bankOf({}), data, online)).plan()).kept).toEqual([]);
  const payments = source("payments", {
    table: "public.payments",
    columns,
    primaryKey: ["id"],
    eventTime: "time",
  });
  const whole = featureView("whole", {
    entity: user,
    source: payments,
    features: {
      ever: count().over(lifetime()),
      newest: sum(payments.fee).over(lastRows(3)),
      bounded: sum(payments.fee).over(lastRows(3, { within: "7d" })),
      growth: div(count().over("7d"), count().over(lifetime())),
    },
  });
  const [kept, ...others] = (await (await open({ whole }, data, online)).plan()).kept;
  expect(others).toEqual([]);
  const { bytes, ...rest } = kept!;
  expect(rest).toEqual({
    source: "payments",
    features: ["whole.ever", "whole.newest", "whole.growth"],
    rows: 3,
  });
  // three small rows, each in a cell of its own and in an entity log
  expect(bytes).toBeGreaterThan(3 * 30);
  expect(bytes).toBeLessThan(3 * 300);
  const empty = await (await open({ whole }, memoryOfflineData())).plan();
  expect(empty.kept).toMatchObject([{ source: "payments", rows: 0, bytes: null }]);
});

test("an apply names the backfill that is needed next", async () => {
  const { data, online } = await filled();
  const column = { shop: string("shop").nullable() };
  const plain = await (await open(bankOf({ extra: column }), data, online)).apply();
  expect(plain.next).toBeNull();
  const other = memoryOnlineStore();
  expect((await (await open(bankOf({ extra: column }), data, other)).apply()).next).toBe(
    "tidemark backfill",
  );
});

test("materialized days of a changed view, and the command that computes them again", async () => {
  const { data, online } = await filled();
  const before = await open(bankOf({}), data, online);
  const days = { from: "2026-01-02", to: "2026-01-05" };
  await before.materialize(days);
  expect((await before.plan()).materialized).toEqual([]);
  const changed = await open(bankOf({ days: "30d" }), data, online);
  const { materialized } = await changed.plan();
  expect(materialized).toMatchObject([
    {
      view: "weekly",
      days: 3,
      first: "2026-01-02",
      last: "2026-01-04",
      isRefused: true,
      command: "tidemark materialize --view weekly --incremental",
    },
  ]);
  // what the plan says comes true: refused until then, and read after it
  const view = bankOf({ days: "30d" }).weekly;
  const read = (store: Store): Promise<unknown> =>
    store.getMaterialized({ view, entities: [{ user_id: "ann" }] }).then(
      () => "answered",
      (error: { readonly code?: string }) => error.code,
    );
  expect(await read(changed)).toBe("MATERIALIZED_OF_OTHER_DEFINITION");
  await changed.materialize({ views: ["weekly"], incremental: true, to: days.to });
  expect((await changed.plan()).materialized).toEqual([]);
  expect(await read(changed)).toBe("answered");
});

test("the seconds come from a sample, and then from the last backfill and rewrite", async () => {
  const { data, online } = await filled();
  const MANY = 1_500;
  const store = await open(bankOf({}), data, online);
  await store.run({
    name: "log",
    async *changes() {
      yield await Promise.resolve({
        changes: Array.from({ length: MANY }, (_, i) => change(4 + i)),
        positions: [{ partition: "t:0", offset: 3 + MANY }],
      });
    },
  });
  const scale = (digits: number) =>
    bankOf({ fee: decimal("fee", { precision: 10, scale: digits }).nullable() as never });
  const planned = async (digits: number) => {
    const changed = await open(scale(digits), data, online);
    const { work } = await changed.plan();
    return { changed, work: work[0]! };
  };
  const first = await planned(3);
  const rows = 3 + MANY;
  expect(first.work).toMatchObject({
    rewrite: { rows, secondsFrom: "sample" },
    backfill: { rows, secondsFrom: "sample" },
  });
  await first.changed.apply({ allowDestructive: true });
  const took = (await first.changed.backfill()).sources[0]!.seconds;
  const { work } = await planned(4);
  expect(work).toMatchObject({
    rewrite: { rows, secondsFrom: "last-time" },
    backfill: { rows, seconds: Math.ceil(took), secondsFrom: "last-time" },
  });
});
