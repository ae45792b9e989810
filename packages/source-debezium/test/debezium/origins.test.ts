/**
 * Tests rows of two databases, servers or schemas in one source: the second origin is refused, or
 * `keyFrom` makes it a part of the key.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  count,
  entity,
  featureView,
  float64,
  int64,
  openStore,
  source,
  string,
  sum,
  timestamp,
  type Store,
} from "@tidemark/core";
import { memoryOnlineStore } from "@tidemark/core/testing";
import { recordedTopic, type RecordedTopicOptions } from "@tidemark/source-debezium";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "tidemark-origins-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const client = entity("client", { keys: { client_id: string() } });
const columns = {
  id: int64("id"),
  client_id: string("client_id"),
  amount: float64("amount").nullable(),
  paid_at: timestamp("paid_at"),
};
const one = source("payments", {
  table: "public.payments",
  columns,
  primaryKey: ["id"],
  eventTime: "paid_at",
});
const keyed = (part: "database" | "schema" | "server" | "topic") =>
  source("payments", {
    table: "public.payments",
    columns: { tenant: string(), ...columns },
    primaryKey: ["tenant", "id"],
    keyFrom: { tenant: part },
    eventTime: "paid_at",
  });
type Payments = typeof one | ReturnType<typeof keyed>;

const T = 1_749_114_000_000_000;

interface Event {
  readonly server: string;
  readonly db?: string;
  readonly schema?: string;
  readonly connector?: string;
  readonly topic?: string;
  readonly op?: "c" | "d" | "t" | "tombstone";
  readonly id: number;
  readonly client: string;
  readonly amount?: number;
  readonly lsn: number;
  /** Offsets that are missing before the message. */
  readonly gap?: number;
}

const topicOf = ({ server, schema = "public", topic }: Event): string =>
  topic ?? `${server}.${schema}.payments`;

function envelope(event: Event): object | null {
  const { server, db = server, schema = "public", connector = "postgresql", op = "c" } = event;
  const { id, client: client_id, amount = 1, lsn } = event;
  if (op === "tombstone") return null;
  return {
    before: op === "d" ? { id } : null,
    after: op === "c" ? { id, client_id, amount, paid_at: T } : null,
    source: { connector, name: server, db, schema, table: "payments", lsn, ts_us: T + lsn },
    op,
  };
}

/** The row as the unwrap transform leaves it: nothing but the topic names its server. */
function unwrapped({ id, client: client_id, amount = 1, lsn }: Event): object {
  const row = { id, client_id, amount, paid_at: T };
  return { ...row, __deleted: "false", __op: "c", __lsn: lsn, __source_ts_us: T + lsn };
}

let files = 0;
function recording(
  events: readonly Event[],
  options: RecordedTopicOptions = {},
  valueOf: (event: Event) => object | null = envelope,
) {
  const next = new Map<string, number>();
  const lines = events.map((event) => {
    const topic = topicOf(event);
    const offset = (next.get(topic) ?? 0) + (event.gap ?? 0);
    next.set(topic, offset + 1);
    const value = valueOf(event);
    return JSON.stringify({
      topic,
      partition: 0,
      offset,
      timestamp: T / 1000 + event.lsn,
      key: JSON.stringify({ id: event.id }),
      value: value === null ? null : JSON.stringify(value),
      headers: {},
    });
  });
  const path = join(folder, `${files++}.jsonl`);
  writeFileSync(path, lines.join("\n"));
  return recordedTopic(path, { ...options, onWarning: () => {} });
}

const memory = memoryOnlineStore;
async function open(payments: Payments, online = memory()) {
  const activity = featureView("activity", {
    entity: client,
    source: payments,
    features: { n: count().over("7d"), total: sum(payments.amount).over("7d") },
  });
  const store = await openStore({
    definitions: { client, payments, activity },
    online: { store: online, retention: "forever" },
  });
  const read = async (name: string) =>
    store.getOnlineFeatures({
      features: activity,
      entity: { client_id: name },
      asOf: new Date(T / 1000 + 86_400_000),
    });
  return { store: store as unknown as Store, read };
}

const north: Event = { server: "north", id: 1, client: "c-1", amount: 10, lsn: 900_000 };
const south: Event = { server: "south", id: 1, client: "c-2", amount: 100, lsn: 1_000 };

test.each<[string, Event, RegExp]>([
  [
    "another server",
    south,
    /server south.*server north.*tenant: "server".*servers: \{ "south": "north" \}.*resnapshot/s,
  ],
  [
    "another database",
    { ...south, server: "north", db: "tenant2", topic: "x.public.payments" },
    /database tenant2.*keyFrom: \{ tenant: "database" \}/s,
  ],
  [
    "another connector",
    { ...north, connector: "mysql", db: "north", topic: "m.public.payments" },
    /connector mysql.*keyFrom: \{ tenant: "topic" \}.*begin with new stores/s,
  ],
  [
    "another connector with another database",
    { ...north, connector: "mysql", db: "shop", topic: "m.public.payments" },
    /keyFrom: \{ tenant: "database" \}/,
  ],
])("%s is refused by name, and nothing of it is applied", async (_, second, message) => {
  const { store, read } = await open(one);
  await store.run(recording([north]));
  await expect(store.run(recording([second]))).rejects.toMatchObject({
    code: "SOURCE_TWO_ORIGINS",
    message: expect.stringMatching(message) as string,
  });
  expect(await read("c-1")).toEqual({ n: 1, total: 10 });
  expect(await read(second.client === "c-1" ? "c-9" : second.client)).toMatchObject({ n: 0 });
  await store.close();
});

test("two origins in one recording are refused before anything is applied", async () => {
  const { store, read } = await open(one);
  await expect(store.run(recording([north, south]))).rejects.toMatchObject({
    code: "SOURCE_TWO_ORIGINS",
  });
  await expect(read("c-1")).rejects.toMatchObject({ code: "NOT_READY" });
  await store.close();
});

test("two schemas that are mapped to one table are two origins", async () => {
  const { store } = await open(one);
  const tables = { "north.t1.payments": "public.payments", "north.t2.payments": "public.payments" };
  const of = (schema: string): Event => ({ ...north, schema });
  await expect(store.run(recording([of("t1"), of("t2")], { tables }))).rejects.toMatchObject({
    code: "SOURCE_TWO_ORIGINS",
    message: expect.stringContaining('keyFrom: { tenant: "schema" }') as string,
  });
  await store.close();
});

test("unwrapped rows have the server of their topic", async () => {
  const { store } = await open(one);
  await store.run(recording([north], {}, unwrapped));
  await expect(store.run(recording([south], {}, unwrapped))).rejects.toMatchObject({
    code: "SOURCE_TWO_ORIGINS",
  });
  await store.close();
});

test("unwrapped and enveloped rows of one server are of one origin", async () => {
  const { store, read } = await open(one);
  await store.run(recording([north], {}, unwrapped));
  await store.run(recording([north, { ...north, id: 2, amount: 5, lsn: 900_001 }]));
  expect(await read("c-1")).toEqual({ n: 2, total: 15 });
  await store.close();
});

test("a new topic prefix of the same database is accepted by its name", async () => {
  const { store, read } = await open(one);
  await store.run(recording([north]));
  const servers = { north2: "north" };
  const later: Event = { ...north, server: "north2", db: "north", id: 2, amount: 5, lsn: 900_001 };
  await expect(store.run(recording([later]))).rejects.toMatchObject({ code: "SOURCE_TWO_ORIGINS" });
  await store.run(recording([later], { servers }));
  expect(await read("c-1")).toEqual({ n: 2, total: 15 });
  await store.close();
});

test.each(["server", "database", "topic"] as const)(
  "with keyFrom %s each origin has its rows, whatever their keys and log orders",
  async (part) => {
    const events = [
      north,
      { ...north, id: 2, amount: 20, lsn: 900_001 },
      south,
      { ...south, id: 2, amount: 200, lsn: 1_001 },
    ];
    for (const order of [events, events.toReversed().map((one) => ({ ...one }))]) {
      const { store, read } = await open(keyed(part));
      await store.run(recording(order));
      expect(await read("c-1")).toEqual({ n: 2, total: 30 });
      expect(await read("c-2")).toEqual({ n: 2, total: 300 });
      await store.close();
    }
  },
);

test("with keyFrom a delete is of its own origin, in a later run too", async () => {
  const { store, read } = await open(keyed("server"));
  await store.run(recording([north, south]));
  await store.run(
    recording([
      south,
      { ...south, op: "d", lsn: 1_002 },
      { ...south, op: "tombstone", lsn: 1_002 },
    ]),
  );
  expect(await read("c-1")).toEqual({ n: 1, total: 10 });
  expect(await read("c-2")).toMatchObject({ n: 0 });
  await store.close();
});

test("with keyFrom a tombstone whose delete was compacted away is of its own origin", async () => {
  const { store, read } = await open(keyed("server"));
  await store.run(recording([north, south, { ...south, op: "tombstone", lsn: 1_003, gap: 1 }]));
  expect(await read("c-1")).toEqual({ n: 1, total: 10 });
  expect(await read("c-2")).toMatchObject({ n: 0 });
  await store.close();
});

test("in a topic of several origins such a tombstone is told, because it names none", async () => {
  const { store, read } = await open(keyed("server"));
  const topic = "all.public.payments";
  const { notTaken } = await store.run(
    recording([
      { ...north, topic },
      { ...south, topic },
      { ...south, topic, op: "tombstone", lsn: 1_003, gap: 1 },
    ]),
  );
  expect(notTaken).toMatchObject([{ kind: "undecodable", reason: "KEY_UNREADABLE", count: 1 }]);
  expect(await read("c-2")).toMatchObject({ n: 1 });
  await store.close();
});

test("with keyFrom another part that differs is still refused", async () => {
  const { store } = await open(keyed("database"));
  await expect(store.run(recording([north, { ...south, db: "north" }]))).rejects.toMatchObject({
    code: "SOURCE_TWO_ORIGINS",
  });
  await store.close();
});

test("with keyFrom a truncate and a resnapshot are refused by name", async () => {
  const { store, read } = await open(keyed("server"));
  await store.run(recording([north, south]));
  await expect(
    store.run(recording([south, { ...south, op: "t", lsn: 1_005 }])),
  ).rejects.toMatchObject({ code: "TRUNCATE_WITH_KEY_FROM" });
  await expect(store.resnapshot("payments", recording([north]))).rejects.toMatchObject({
    code: "RESNAPSHOT_WITH_KEY_FROM",
  });
  expect(await read("c-2")).toMatchObject({ n: 1 });
  await store.close();
});

test("keyFrom takes string columns of the primary key and parts of an origin", () => {
  const declare = (options: object) => () =>
    source("payments", {
      table: "public.payments",
      columns: { tenant: string(), ...columns },
      primaryKey: ["tenant", "id"],
      eventTime: "paid_at",
      ...options,
    } as never);
  for (const keyFrom of [{}, "tenant", { tenant: "db" }, { client_id: "server" }, { id: "server" }])
    expect(declare({ keyFrom })).toThrow(expect.objectContaining({ code: "DEFINITION_INVALID" }));
  expect(declare({ keyFrom: { nothing: "server" } })).toThrow(
    expect.objectContaining({ code: "COLUMN_UNKNOWN" }),
  );
});

test("a new snapshot generation may have another origin", async () => {
  const { store, read } = await open(one);
  await store.run(recording([north]));
  const moved = recording([{ ...south, client: "c-1", amount: 7 }]);
  await store.resnapshot("payments", moved, { ending: "source" });
  expect(await read("c-1")).toEqual({ n: 1, total: 7 });
  await store.run(
    recording([
      { ...south, client: "c-1", amount: 7 },
      { ...south, id: 2, client: "c-1", amount: 3, lsn: 1_001 },
    ]),
  );
  expect(await read("c-1")).toEqual({ n: 2, total: 10 });
  await store.close();
});
