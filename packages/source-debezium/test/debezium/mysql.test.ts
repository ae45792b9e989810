/**
 * Tests messages of MySQL and MariaDB. They are written after Debezium's documentation: no MySQL
 * runs here.
 */
import type { Change, ColumnSpec, SourceSpec } from "@tidemark/core/spi";
import type { RecordedMessage } from "@tidemark/source-debezium";
import { describe, expect, test } from "vitest";
import { mysqlOrder } from "../../src/debezium/log-order.ts";
import { type DecodeOptions, startDecoder } from "../support/fixtures.ts";
import { column } from "../support/sources.ts";

const TOPIC = "shop.inventory.orders";
const columns: readonly ColumnSpec[] = [
  column("id", "int32", { nullable: false }),
  column("placed", "timestamp", { zone: "UTC" }),
  column("exact", "timestamp", { zone: "UTC" }),
  column("seen", "timestamp"),
  column("price", "decimal", { precision: 10, scale: 2 }),
  column("paid", "boolean"),
  column("gift", "boolean"),
  column("flags", "bytes"),
  column("year", "int32"),
  column("state", "string"),
  column("tags", "string"),
  column("due", "date"),
];
const orders: SourceSpec = {
  name: "orders",
  table: "inventory.orders",
  columns,
  primaryKey: ["id"],
  eventTime: { kind: "column", column: "placed" },
  createdAt: null,
};

interface Block {
  readonly file?: string;
  readonly pos?: number;
  readonly row?: number;
  readonly [field: string]: unknown;
}

/** The source block as the connector for MySQL sends it. */
const block = (fields: Block = {}): object => ({
  version: "3.6.1.Final",
  connector: "mysql",
  name: "shop",
  ts_ms: 1_750_000_000_000,
  snapshot: "false",
  db: "inventory",
  sequence: null,
  ts_us: 1_750_000_000_000_000,
  ts_ns: 1_750_000_000_000_000_000,
  table: "orders",
  server_id: 223344,
  gtid: null,
  file: "mysql-bin.000003",
  pos: 484,
  row: 0,
  thread: 7,
  query: null,
  ...fields,
});

/** DATETIME in ms and µs, TIMESTAMP and the rest as the connector's defaults write them. */
const AFTER = {
  id: 1001,
  placed: 1_529_476_623_123,
  exact: 1_529_476_623_123_456,
  seen: "2018-06-20T13:37:03.123456Z",
  price: "BNI=",
  paid: true,
  gift: 1,
  flags: "BQ==",
  year: 2018,
  state: "shipped",
  tags: "red,blue",
  due: 17_702,
};
const field = (name: string, type: string, semantic?: string, scale?: number): object => ({
  type,
  optional: true,
  field: name,
  ...(semantic === undefined ? {} : { name: semantic, version: 1 }),
  ...(scale === undefined ? {} : { parameters: { scale: String(scale) } }),
});
const SCHEMA = {
  type: "struct",
  fields: [
    {
      type: "struct",
      field: "after",
      fields: [
        field("id", "int32"),
        field("placed", "int64", "io.debezium.time.Timestamp"),
        field("exact", "int64", "io.debezium.time.MicroTimestamp"),
        field("seen", "string", "io.debezium.time.ZonedTimestamp"),
        field("price", "bytes", "org.apache.kafka.connect.data.Decimal", 2),
        field("paid", "boolean"),
        field("gift", "int16"),
        field("flags", "bytes", "io.debezium.data.Bits"),
        field("year", "int32", "io.debezium.time.Year"),
        field("state", "string", "io.debezium.data.Enum"),
        field("tags", "string", "io.debezium.data.EnumSet"),
        field("due", "int32", "io.debezium.time.Date"),
      ],
    },
    { type: "struct", field: "source", fields: [] },
  ],
};
const message = (value: object | null, key: object = { id: 1001 }): RecordedMessage => ({
  topic: TOPIC,
  partition: 0,
  offset: 5,
  timestamp: 1_750_000_000_500,
  key: JSON.stringify(key),
  value: value === null ? null : JSON.stringify(value),
  headers: {},
});
const envelope = (op: string, source: object, more: object = { after: AFTER }): object => ({
  before: null,
  after: null,
  ...more,
  source,
  transaction: null,
  op,
  ts_ms: 1_750_000_000_400,
});
const decode = (value: object | null, options: DecodeOptions = {}): Change =>
  startDecoder([orders], options)(message(value))!;
const order = (fields: Block): bigint => decode(envelope("u", block(fields))).order!;

const VALUES = [
  1001,
  1_529_476_623_123_000,
  1_529_476_623_123_456,
  1_529_501_823_123_456,
  1234n,
  true,
  true,
  new Uint8Array([5]),
  2018,
  "shipped",
  "red,blue",
  17_702,
];

describe("values of MySQL", () => {
  test("with a schema every column has its declared type", () => {
    const change = decode({ schema: SCHEMA, payload: envelope("c", block()) });
    expect(change.invalidColumns).toEqual([]);
    expect(change.values).toEqual(VALUES);
  });

  test("without a schema, DATETIME needs its unit and a decimal comes as text", () => {
    const after = { ...AFTER, price: "12.34" };
    const times = { "inventory.orders.placed": "ms" } as const;
    expect(decode(envelope("c", block(), { after }), { times }).values).toEqual(VALUES);
  });
});

describe("the log order of MySQL", () => {
  test("changes order by file, then position, then row", () => {
    const places: readonly Block[] = [
      { file: "mysql-bin.000003", pos: 484, row: 0 },
      { file: "mysql-bin.000003", pos: 484, row: 1 },
      { file: "mysql-bin.000003", pos: 520, row: 0 },
      { file: "mysql-bin.000003", pos: 1_073_741_824, row: 3 },
      { file: "mysql-bin.000010", pos: 4, row: 0 },
      { file: "mysql-bin.999999", pos: 4, row: 0 },
      { file: "mysql-bin.1000000", pos: 4, row: 0 },
    ];
    const orders = places.map(order);
    expect(orders.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(orders);
    expect(new Set(orders).size).toBe(places.length);
    expect(orders[0]).toBe((3n << 32n) + 484n);
  });

  test("a place that does not fit 56 bits, or is none, is BINLOG_PLACE_UNKNOWN", () => {
    const fits = mysqlOrder({ file: "b.16777215", pos: "4294967295", row: "0" }, "here");
    expect(fits).toBe(2n ** 56n - 1n);
    for (const place of [
      { file: "b.16777216", pos: "4", row: "0" },
      { file: "b.000001", pos: "4294967295", row: "1" },
      { file: "b.000001", pos: "4294967296", row: null },
      { file: "binlog", pos: "4", row: "0" },
      { file: "b.000001", pos: "-4", row: "0" },
    ])
      expect(() => mysqlOrder(place, "here")).toThrow(
        expect.objectContaining({ code: "BINLOG_PLACE_UNKNOWN" }),
      );
    expect(() => order({ file: "binlog" })).toThrow(
      /^shop\.inventory\.orders, partition 0, offset 5/,
    );
  });

  test("a snapshot's row has a log order and is marked as snapshot", () => {
    const snapshot = block({ snapshot: "last_in_data_collection", pos: 157 });
    expect(decode(envelope("r", snapshot))).toMatchObject({
      kind: "upsert",
      snapshot: true,
      snapshotMarker: "last",
      order: (3n << 32n) + 157n,
    });
  });

  test("a commit time of whole seconds counts to its end; a GTID is the transaction", () => {
    expect(decode(envelope("u", block())).committed).toBe(1_750_000_000_999_999);
    const { ts_us: _, ...millis } = block() as Record<string, unknown>;
    expect(decode(envelope("u", millis)).committed).toBe(1_750_000_000_999_999);
    const gtid = "3E11FA47-71CA-11E1-9E33-C80AA9429562:23";
    const exact = block({ gtid, ts_us: 1_750_000_000_123_456 });
    expect(decode(envelope("u", exact))).toMatchObject({
      committed: 1_750_000_000_123_456,
      transaction: gtid,
    });
  });
});

describe("messages of MySQL", () => {
  test("deletes, truncates and tombstones decode", () => {
    expect(decode(envelope("d", block(), { before: AFTER }))).toMatchObject({
      kind: "delete",
      order: (3n << 32n) + 484n,
    });
    expect(decode(envelope("t", block(), {}))).toMatchObject({ kind: "truncate" });
    expect(decode(null)).toMatchObject({ kind: "none" });
  });

  test("the table is db.table, whatever the topic's name", () => {
    const value = envelope("c", block());
    const routed = { ...message(value), topic: "routed" };
    expect(startDecoder([orders])(routed)).toMatchObject({ source: "orders" });
    expect(startDecoder([orders])(message(envelope("c", block({ table: "other" }))))).toBeNull();
  });

  test("unwrapped rows order by the fields that add.fields names", () => {
    const row = {
      ...AFTER,
      price: "12.34",
      __deleted: "false",
      __op: "u",
      __source_file: "mysql-bin.000003",
      __source_pos: 484,
      __source_row: 2,
      __source_ts_us: 1_750_000_000_123_456,
    };
    const times = { "inventory.orders.placed": "ms" } as const;
    expect(decode(row, { times })).toMatchObject({
      order: (3n << 32n) + 486n,
      committed: 1_750_000_000_123_456,
      logged: expect.anything() as unknown,
    });
    expect(decode({ ...row, __deleted: "true" })).toMatchObject({ kind: "delete" });
  });
});
