/** Tests how messages of other formats are read, or named with the setting that helps. */
import type { Change } from "@tidemark/core/spi";
import { debeziumDecoder, kafkaMessage, type SkippedMessage } from "@tidemark/source-debezium";
import { describe, expect, test } from "vitest";
import { column } from "../support/sources.ts";

const payments = {
  name: "payments",
  table: "public.payments",
  columns: [
    column("id", "int64", { nullable: false }),
    column("client_id", "string", { nullable: false }),
    column("amount", "float64"),
    column("at", "timestamp", { nullable: false }),
  ],
  primaryKey: ["id"],
  eventTime: { kind: "column", column: "at" },
  createdAt: null,
} as const;

const row = { id: 7, client_id: "c-1", amount: 10.5, at: 1_749_114_000_000_000 };
const block = {
  connector: "postgresql",
  name: "bank",
  ts_us: 1_749_114_000_000_000,
  snapshot: "false",
  db: "bank",
  schema: "public",
  table: "payments",
  txId: 741,
  lsn: 1000,
};
const envelope = { before: null, after: row, source: block, op: "c", ts_ms: 1 };
const values = [7n, "c-1", 10.5, 1_749_114_000_000_000];
const bytes = (...parts: readonly (string | readonly number[])[]): Buffer =>
  Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))),
  );

interface Parts {
  readonly topic?: string;
  readonly key?: string | Uint8Array | null;
  readonly value: string | Uint8Array | null;
  readonly headers?: Record<string, string>;
}

function decode(
  { topic = "bank.public.payments", key = null, value, headers }: Parts,
  source: typeof payments = payments,
): Change | SkippedMessage | null {
  const decoder = debeziumDecoder().start({ sources: [source], onWarning: () => {} });
  const parts = { topic, partition: 0, offset: 5, timestamp: 1, key, value, headers };
  return decoder.decode(kafkaMessage(parts));
}

const text = JSON.stringify;
const PREFIX = [0, 0, 0, 0, 200];
const LONG_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 9];

describe("forms of JSON that are read", () => {
  const unwrapped = { ...row, __deleted: "false", __lsn: 1000, __source_ts_us: block.ts_us };
  // prettier-ignore
  const cases: readonly [string, string | Uint8Array][] = [
    ["an envelope after the prefix of JSON Schema", bytes(PREFIX, text(envelope))],
    ["an unwrapped row after that prefix", bytes(PREFIX, text(unwrapped))],
    ["an envelope after an id of eight bytes", bytes(LONG_PREFIX, text(envelope))],
    ["a prefix that a text recording changed", `\u0000\u0000\u0000\u0000\u00c8${text(envelope)}`],
    ["a byte order mark before the envelope", `\ufeff${text(envelope)}`],
    ["JSON in a JSON string", text(text(envelope))],
    ["JSON in a JSON string, twice", text(text(text(envelope)))],
    ["JSON in the payload of a schema of a string", text({ schema: { type: "string" }, payload: text(envelope) })],
    ["a CloudEvent with an envelope", text({ id: "1", source: "/debezium/postgresql/bank", specversion: "1.0", type: "t", data: envelope })],
    ["a CloudEvent with schema and payload", text({ id: "1", specversion: "1.0", type: "t", data: { schema: { type: "struct", fields: [] }, payload: envelope } })],
    ["a CloudEvent of Debezium's converter", text({
      id: "name:bank;lsn:1000;txId:741", source: "/debezium/postgresql/bank", specversion: "1.0",
      type: "io.debezium.connector.postgresql.DataChangeEvent", datacontenttype: "application/json",
      iodebeziumop: "c", iodebeziumconnector: "postgresql", iodebeziumname: "bank",
      iodebeziumtsms: "1749114000000", iodebeziumtsus: "1749114000000000", iodebeziumsnapshot: "false",
      iodebeziumdb: "bank", iodebeziumschema: "public", iodebeziumtable: "payments",
      iodebeziumtxid: "741", iodebeziumlsn: "1000", iodebeziumxmin: null,
      data: { before: null, after: row },
    })],
    ["an envelope of kafka-avro-console-consumer", text({
      before: null,
      after: { "bank.public.payments.Value": { ...row, amount: { double: 10.5 } } },
      source: { ...block, snapshot: { string: "false" }, ts_us: { long: block.ts_us }, txId: { long: 741 }, lsn: { long: 1000 } },
      op: "c", ts_ms: { long: 1 },
    })],
    ["an unwrapped row of kafka-avro-console-consumer", text({
      ...row, amount: { double: 10.5 }, __deleted: { string: "false" }, __lsn: { long: 1000 },
      __source_ts_us: { long: block.ts_us },
    })],
  ];

  test.each(cases)("%s", (_, value) => {
    expect(decode({ value, key: '{"id":7}' })).toMatchObject({
      kind: "upsert",
      values,
      order: 1000n,
      committed: 1_749_114_000_000_000,
      undecodable: null,
    });
  });

  test("digits beyond 2^53 stay exact in Avro's JSON", () => {
    const big = text(envelope).replace('"after":', '"after":{"bank.public.payments.Value":');
    const value = big
      .replace('"id":7', '"id":{"long":9007199254740993}')
      .replace(',"source"', '},"source"');
    expect(decode({ value })).toMatchObject({ values: [9007199254740993n, "c-1", 10.5, row.at] });
  });

  test("a delete of kafka-avro-console-consumer has its order", () => {
    const value = text({
      before: { "bank.public.payments.Value": { id: 7 } },
      after: null,
      source: { ...block, snapshot: { string: "false" }, lsn: { long: 1001 } },
      op: "d",
    });
    expect(decode({ value })).toMatchObject({ kind: "delete", order: 1001n });
  });

  test("bytes that only a schema tells from text are told", () => {
    const withDecimal = {
      ...payments,
      columns: payments.columns.map((one) =>
        one.name === "amount" ? column("amount", "decimal", { precision: 9, scale: 2 }) : one,
      ),
    };
    const of = (amount: unknown): string =>
      text({ ...envelope, after: { "bank.public.payments.Value": { ...row, amount } } });
    const source = withDecimal as unknown as typeof payments;
    expect(decode({ value: of("12"), key: '{"id":7}' }, source)).toMatchObject({
      kind: "upsert",
      undecodable: { reason: "FORMAT_AVRO_JSON", message: expect.stringContaining('"amount"') },
    });
    expect(decode({ value: of({ bytes: "\u0004\u001a" }) }, source)).toMatchObject({
      undecodable: null,
      values: [7n, "c-1", 1050n, row.at],
    });
    expect(decode({ value: of({ string: "10.50" }) }, source)).toMatchObject({
      values: [7n, "c-1", 1050n, row.at],
    });
  });
});

describe("formats that are named", () => {
  // prettier-ignore
  const cases: readonly [string, string | Uint8Array, RegExp, Record<string, string>?][] = [
    ["FORMAT_AVRO", bytes([0, 0, 0, 0, 7, 0, 2, 2, 6], "c-1", [2, 0, 0, 0, 0, 0, 0, 0x25, 0x40]), /schema id 7.*JsonConverter/s],
    ["FORMAT_PROTOBUF", bytes([0, 0, 0, 0, 7, 0, 8, 7, 18, 3], "c-1"), /Protobuf.*JsonConverter/s],
    ["FORMAT_APICURIO", bytes([0, 0, 0, 0, 0, 0, 0, 0, 7, 2, 6], "c-1"), /Apicurio.*JsonConverter/s],
    ["FORMAT_GLUE", bytes([3, 0], Array.from({ length: 16 }, (_, i) => i + 1), [2, 6], "c-1"), /Glue.*JsonConverter/s],
    ["FORMAT_AVRO_FILE", bytes("Obj", [1, 4]), /container/],
    ["FORMAT_GZIP", bytes([0x1f, 0x8b, 8, 0, 0]), /gzip/],
    ["FORMAT_GZIP", "\u001f\u008b\u0008\u0000", /gzip/],
    ["FORMAT_ZSTD", bytes([0x28, 0xb5, 0x2f, 0xfd, 0]), /Zstandard/],
    ["FORMAT_SNAPPY", bytes([0x82], "SNAPPY", [0]), /Snappy/],
    ["FORMAT_LZ4", bytes([4, 0x22, 0x4d, 0x18]), /LZ4/],
    ["FORMAT_JAVA", bytes([0xac, 0xed, 0, 5, 0x73]), /Java/],
    ["FORMAT_BSON", bytes([12, 0, 0, 0, 0x10], "a", [0, 1, 0, 0, 0, 0]), /BSON/],
    ["FORMAT_MESSAGEPACK", bytes([0x82, 0xa2], "id", [7, 0xa1], "a", [1]), /MessagePack/],
    ["FORMAT_CBOR", bytes([0xa2, 0x62], "id", [7, 0x61], "a", [1]), /CBOR/],
    ["FORMAT_UTF16", Buffer.from("{\"id\":7}", "utf16le"), /UTF-16/],
    ["FORMAT_BINARY", bytes([1, 2, 3, 4]), /binary/],
    ["FORMAT_XML", "<payment id='7'/>", /XML/],
    ["FORMAT_CSV", "7,c-1,10.5,2025-06-05", /CSV/],
    ["FORMAT_STRUCT_TEXT", "Struct{after=Struct{id=7},op=c}", /StringConverter.*JsonConverter/s],
    ["VALUE_EMPTY", "", /zero bytes.*null/s],
    ["VALUE_NOT_JSON", text(envelope).slice(0, -4), /cut off/],
    ["FORMAT_MAXWELL", text({ database: "bank", table: "payments", type: "insert", ts: 1749114000, xid: 1, commit: true, data: row }), /Maxwell/],
    ["FORMAT_CANAL", text({ data: [{ id: "7" }], database: "bank", es: 1, id: 1, isDdl: false, mysqlType: {}, old: null, pkNames: ["id"], sql: "", table: "payments", ts: 1, type: "INSERT" }), /Canal/],
    ["FORMAT_TICDC", text({ u: { id: { t: 8, h: true, f: 11, v: 7 } } }), /TiCDC/],
    ["FORMAT_DMS", text({ data: row, metadata: { operation: "insert", "schema-name": "public" } }), /DMS/],
    ["FORMAT_GOLDENGATE", text({ table: "PUBLIC.PAYMENTS", op_type: "I", current_ts: "2025", pos: "1", after: row }), /GoldenGate/],
    ["FORMAT_WAL2JSON", text({ change: [{ kind: "insert", schema: "public", table: "payments", columnnames: [], columnvalues: [] }] }), /wal2json/],
    ["FORMAT_WAL2JSON", text({ action: "I", schema: "public", table: "payments", columns: [] }), /wal2json/],
    ["FORMAT_COCKROACH", text({ after: row, updated: "1.0" }), /CockroachDB/],
    ["FORMAT_CLOUDEVENTS", text({ id: "1", specversion: "1.0", type: "t", data: "xyz" }), /serializer\.type/],
    ["FORMAT_CLOUDEVENTS", text({ amount: 1 }), /binary mode/, { ce_specversion: "1.0", ce_type: "t" }],
    ["FORMAT_OUTBOX", text({ paymentId: 7 }), /outbox/, { id: "0b7d", eventType: "PaymentMade" }],
    ["FORMAT_MONGODB", text({ after: text(row), source: { connector: "mongodb", name: "bank", db: "public", collection: "payments" }, op: "c" }), /MongoDB/],
    ["VALUE_NOT_AN_OBJECT", "[1]", /array; let .* a message of its own/],
    ["VALUE_NOT_AN_OBJECT", "17", /ExtractField/],
    ["NOT_A_CHANGE", text({ hello: 1 }), /neither a Debezium envelope/],
  ];

  test.each(cases)("%s: %s", (reason, value, message, headers) => {
    const change = decode({
      value,
      key: '{"id":7}',
      ...(headers === undefined ? {} : { headers }),
    });
    expect(change).toMatchObject({
      kind: "upsert",
      values: [7n, null, null, null],
      undecodable: { reason, message: expect.stringMatching(message) },
    });
    expect((change as Change).undecodable!.message).toMatch(
      /^bank\.public\.payments, partition 0, offset 5: /,
    );
  });

  test.each(cases.filter(([reason]) => reason.startsWith("FORMAT_")))(
    "%s without a readable key is of no row, and a topic of no source skips it: %s",
    (reason, value, message, headers = {}) => {
      expect(decode({ value, key: bytes(PREFIX, [2]), headers })).toMatchObject({
        kind: "none",
        undecodable: { reason, message: expect.stringMatching(message) },
      });
      expect(decode({ topic: "other.topic", value, headers })).toMatchObject({
        skipped: reason,
        message: expect.stringMatching(message),
      });
    },
  );

  test("no text of a row is in the message", () => {
    for (const value of [
      "7,secret-name,10.5",
      "secret-name",
      "<a>secret-name</a>",
      '{"a":"secret-name"',
    ])
      expect(text((decode({ value }) as Change).undecodable)).not.toContain("secret");
  });
});

describe("messages of no declared source", () => {
  const other = (table: string, more: object = {}): string =>
    text({ ...envelope, source: { ...block, table }, ...more });

  // prettier-ignore
  test.each<[string, Parts, string, RegExp]>([
    ["a renamed table", { topic: "bank.public.payments_2024", value: other("payments_2024") }, "TABLE_NOT_DECLARED", /tables: \{ "bank\.public\.payments_2024": "public\.payments" \}.*declare table: "public\.payments_2024", with renamedFrom: "public\.payments"/s],
    ["a partition's table", { topic: "bank.public.payments_p2025_06", value: other("payments_p2025_06") }, "TABLE_NOT_DECLARED", /publish\.via\.partition\.root=true/],
    ["a mistyped table", { topic: "bank.public.payment", value: other("paymets") }, "TABLE_NOT_DECLARED", /declares table "public\.payments"; did you mean "public\.paymets"\? Then declare table/],
    ["another table", { topic: "bank.public.users", value: other("users") }, "TABLE_NOT_DECLARED", /declare a source with this table/],
    ["an unwrapped row of another topic", { topic: "bank.public.users", value: text({ id: 1, __deleted: "false" }) }, "TABLE_NOT_DECLARED", /topic bank\.public\.users/],
    ["a heartbeat", { topic: "__debezium-heartbeat.bank", value: text({ ts_ms: 1 }) }, "HEARTBEAT", /no row/],
    ["the metadata of a transaction", { topic: "bank.transaction", value: text({ status: "END", id: "1:2", event_count: 2, data_collections: [] }) }, "TRANSACTION_METADATA", /no row/],
    ["a change of the schema", { topic: "bank", value: text({ source: { ...block, table: "payments" }, ts_ms: 1, databaseName: "bank", ddl: "ALTER TABLE payments", tableChanges: [] }) }, "SCHEMA_CHANGE", /no row/],
    ["a logical message", { topic: "bank.message", value: text({ op: "m", ts_ms: 1, source: { ...block, schema: "", table: "" }, message: { prefix: "a", content: "" } }) }, "LOGICAL_MESSAGE", /no row/],
  ])("%s", (_, parts, skipped, message) => {
    expect(decode(parts)).toMatchObject({ skipped, message: expect.stringMatching(message) });
  });
});

describe("unwrapped rows of a table with columns of the envelope's names", () => {
  // prettier-ignore
  test.each<[string, object]>([
    ["source as text", { source: "web" }],
    ["source as an object", { source: { page: 1 } }],
    ["source and op", { source: { connector: "x" }, op: "c" }],
    ["op and after", { op: "c", after: "x" }],
    ["op, before and after", { op: "c", before: null, after: null }],
    ["payload", { payload: "x" }],
    ["schema and payload", { schema: null, payload: null }],
    ["data and metadata", { data: {}, metadata: {} }],
    ["database, table, type, ts", { database: "d", table: "t", type: "u", ts: 1 }],
  ])("%s", (_, columns) => {
    const unwrapped = { ...row, ...columns, __deleted: "false", __lsn: 1000, __source_ts_us: 1 };
    expect(decode({ value: text(unwrapped) })).toMatchObject({ kind: "upsert", values, order: 1000n });
  });
});
