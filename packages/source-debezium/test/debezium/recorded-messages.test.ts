/**
 * Tests that every message of a real connector, in its three shapes, decodes into what scenario.sql
 * did.
 */
import type { Change, SourceSpec, Value } from "@tidemark/core/spi";
import { describe, expect, test } from "vitest";
import { endState } from "../support/end-state.ts";
import { decode, messages } from "../support/fixtures.ts";
import {
  allTypes,
  card,
  column,
  fullIdentity,
  noKey,
  note,
  transactions,
} from "../support/sources.ts";

const SHAPES = ["enveloped", "bare", "flat"] as const;
type Shape = (typeof SHAPES)[number];

const us = (text: string): number => Date.parse(`${text}Z`) * 1000;
/** The part of a change that says what happened to a row, without its place in the log. */
const readPart = ({
  kind,
  op,
  values,
  oldKey,
  unavailable,
  invalidColumns,
  undecodable,
  nonFinite,
}: Change): object => ({
  kind,
  op,
  values,
  oldKey,
  unavailable,
  invalidColumns,
  undecodable,
  nonFinite,
});

interface Expected {
  kind?: Change["kind"];
  op: string | null;
  values?: readonly Value[] | null;
  oldKey?: readonly Value[];
  unavailable?: number[];
  invalidColumns?: Change["invalidColumns"];
  nonFinite?: number;
}
const full = (change: Expected): object => ({
  kind: "upsert",
  values: null,
  oldKey: null,
  unavailable: [],
  invalidColumns: [],
  undecodable: null,
  nonFinite: 0,
  ...change,
});
const TOMBSTONE: Expected = { kind: "none", op: null };

const changesOf = (shape: Shape | "multi", table: string, source: SourceSpec): Change[] => {
  const changes = decode(messages(`${shape}.public.${table}.jsonl`), [source]);
  expect(changes).not.toContain(null);
  return changes as Change[];
};
/**
 * Gives what scenario.sql did to a table in the words of a shape. In enveloped messages a tombstone
 * follows each delete. Unwrapped rows have no truncate.
 */
const inShape = (shape: Shape, expected: readonly Expected[]): object[] =>
  expected
    .filter((change) => shape !== "flat" || change.kind !== "truncate")
    .flatMap((change) =>
      shape === "enveloped" && change.kind === "delete" ? [change, TOMBSTONE] : [change],
    )
    .map(full);

type Transaction = readonly [
  bigint,
  string | null,
  string,
  string | null,
  string | null,
  number | null,
  number | null,
];
const a1: Transaction = [
  1n,
  "user_000001",
  "tx-a1",
  "Online Shopping",
  "Current Account",
  us("2025-03-01T09:15:00"),
  120.5,
];
const a2: Transaction = [
  2n,
  "user_000001",
  "tx-a2",
  "Sending Out",
  "Credit Card",
  us("2025-03-02T10:00:00"),
  75.25,
];
const b1: Transaction = [
  3n,
  "user_000002",
  "tx-b1",
  "Hospital",
  "Debit Card",
  us("2025-03-02T23:59:59"),
  310,
];
const a3: Transaction = [
  4n,
  "user_000001",
  "tx-a3",
  "Sending Out",
  "Debit Card",
  us("2025-03-03T00:00:00"),
  40,
];
const c1: Transaction = [
  5n,
  "user_000003",
  "tx-c1",
  "Restaurant",
  "Credit Card",
  us("2025-03-03T12:30:00"),
  0.1,
];
const c2: Transaction = [
  6n,
  "user_000003",
  "tx-c2",
  "Restaurant",
  "Credit Card",
  us("2025-03-03T12:30:00"),
  0.2,
];
const c1b: Transaction = [
  5n,
  "user_000003",
  "tx-c1b",
  "Hospital",
  "Credit Card",
  us("2025-03-03T12:31:00"),
  0.3,
];
const withColumn = (row: Transaction, column: number, value: string | number): Transaction =>
  row.with(column, value) as unknown as Transaction;
const a1Later = withColumn(a1, 5, us("2025-03-09T08:00:00"));
const a2Current = withColumn(a2, 4, "Current Account");
const a2Moved = withColumn(a2Current, 1, "user_000002");
const a3Current = withColumn(a3, 4, "Current Account");
const d = (
  id: bigint,
  user: string | null,
  tx: string,
  vendor: string | null,
  channel: string | null,
  time: string | null,
  amount: number | null,
): Transaction => [id, user, tx, vendor, channel, time === null ? null : us(time), amount];
const specialRows: readonly Expected[] = [
  {
    op: "c",
    values: d(7n, "user_000004", "tx-d1", null, "Credit Card", "2025-03-04T01:00:00", null),
  },
  {
    op: "c",
    values: d(8n, "user_000004", "tx-d2", "Hospital", null, "2025-03-04T02:00:00", null),
    nonFinite: 1,
  },
  {
    op: "c",
    values: d(9n, "user_000004", "tx-d3", "Hospital", "Credit Card", "2025-03-04T03:00:00", null),
    nonFinite: 1,
  },
  { op: "c", values: d(10n, null, "tx-d4", "Hospital", "Credit Card", "2025-03-04T04:00:00", 5) },
  { op: "c", values: d(11n, "user_000004", "tx-d5", "Hospital", "Credit Card", null, 5) },
  {
    op: "c",
    values: d(12n, "user_000004", "tx-d6", "Hospital", "Credit Card", null, 5),
    invalidColumns: [{ column: "time", reason: "NOT_A_TIME" }],
  },
  {
    op: "c",
    values: d(13n, "người dùng 😀", "tx-d7", 'Cửa hàng "A"\\n', "Thẻ", "2025-03-04T05:00:00", 7.5),
  },
];
const deletion = (source: SourceSpec, ...key: readonly Value[]): Expected => ({
  kind: "delete",
  op: "d",
  values: source.columns.map(({ name }) =>
    source.primaryKey.includes(name) ? key[source.primaryKey.indexOf(name)]! : null,
  ),
});
const rolled = d(
  901n,
  "user_000009",
  "rolled",
  "Hospital",
  "Credit Card",
  "2025-03-03T12:31:00",
  1,
);
const transactionChanges: readonly Expected[] = [
  ...[a1, a2, b1].map((values) => ({ op: "r", values })),
  ...[a3, c1, c2].map((values) => ({ op: "c", values })),
  ...[
    a2Current,
    a3Current,
    withColumn(a3Current, 6, 41),
    withColumn(a3Current, 6, 42),
    a2Moved,
    a1Later,
  ].map((values) => ({ op: "u", values })),
  deletion(transactions, 3n),
  deletion(transactions, 5n),
  { op: "c", values: c1b },
  {
    op: "c",
    values: d(900n, "user_000009", "tx-z", "Hospital", "Credit Card", "2025-03-03T12:31:00", 1e6),
  },
  deletion(transactions, 900n),
  ...specialRows,
  { op: "c", values: rolled },
  deletion(transactions, 901n),
  // The incremental snapshot follows.
  ...[a1Later, a2Moved, withColumn(a3Current, 6, 42), c1b, c2].map((values) => ({
    op: "r",
    values,
  })),
  ...specialRows.map((change) => ({ ...change, op: "r" })),
];

describe.each(SHAPES)("%s", (shape) => {
  test("transaction_data: every change decodes, and they end in PostgreSQL's table", () => {
    const changes = changesOf(shape, "transaction_data", transactions);
    expect(changes.map(readPart)).toEqual(inShape(shape, transactionChanges));
    expect(endState(transactions, changes)).toEqual([
      a1Later,
      a2Moved,
      withColumn(a3Current, 6, 42),
      c1b,
      c2,
      ...specialRows.map(({ values }) => values),
    ]);
  });

  test("six messages have no readable user or time, over three rows", () => {
    const quarantined = changesOf(shape, "transaction_data", transactions).filter(
      ({ kind, values }) => kind === "upsert" && (values![1] === null || values![5] === null),
    );
    expect(quarantined).toHaveLength(6);
    expect(new Set(quarantined.map(({ values }) => values![0]))).toEqual(new Set([10n, 11n, 12n]));
  });

  test("card: a new primary key names the old key, and only the key of `before` is used", () => {
    const changes = changesOf(shape, "card", card);
    expect(changes.map(readPart)).toEqual(
      inShape(shape, [
        { op: "r", values: ["4000-0001", "user_000001", 18_292] },
        deletion(card, "4000-0001"),
        { op: "c", values: ["4000-0002", "user_000002", 18_292], oldKey: ["4000-0001"] },
      ]),
    );
    expect(endState(card, changes)).toEqual([["4000-0002", "user_000002", 18_292]]);
  });

  test("all_types: the least and greatest values of every type decode", () => {
    const changes = changesOf(shape, "all_types", allTypes);
    const infinite = (...columns: string[]): Change["invalidColumns"] =>
      columns.map((column) => ({ column, reason: "TIME_INFINITE" }));
    const nulls = Array<Value>(20).fill(null);
    expect(changes.map(readPart)).toEqual(
      inShape(shape, [
        {
          op: "c",
          invalidColumns: [{ column: "num_free", reason: "DECIMAL_TOO_LARGE" }],
          values: [
            1,
            -32_768,
            9223372036854775807n,
            123456789012n,
            null,
            1.5,
            0.1,
            true,
            "t",
            "v",
            new Uint8Array([0xde, 0xad, 0xbe, 0xef]),
            '{"a": [1, 2, {"b": null}]}',
            "6f0f1d2e-0000-4000-8000-000000000001",
            -1,
            86_399_999,
            86_399_999_999n,
            -1_000,
            us("2025-03-04T05:06:07.123") + 456,
            us("2025-03-03T22:06:07.123") + 456,
            93_784_000_000n,
            '["a","b",null]',
            "[1,2]",
            "[1,5)",
            1234n,
          ],
        },
        // NaN as a precise NUMERIC is null in the message, so it cannot be counted.
        {
          op: "c",
          values: [2, null, -9223372036854775808n, -1n, ...nulls],
          invalidColumns: infinite("da", "ts3", "ts6", "tz"),
          nonFinite: shape === "enveloped" ? 2 : 3,
        },
        { op: "c", values: [3, null, null, null, ...nulls] },
        {
          op: "c",
          invalidColumns: [
            { column: "ts6", reason: "TIME_OUT_OF_RANGE" },
            { column: "tz", reason: "NOT_A_TIME" },
          ],
          values: [
            4,
            null,
            9007199254740993n,
            0n,
            0n,
            0,
            0,
            null,
            null,
            null,
            null,
            null,
            null,
            20_147,
            null,
            null,
            us("2025-02-28T00:00:00"),
            ...nulls.slice(0, 7),
          ],
        },
      ]),
    );
    expect(endState(allTypes, changes)).toHaveLength(4);
    expect(JSON.parse(changes[1]!.logged!.row!)).toMatchObject({
      r: "NaN",
      d: "-Infinity",
      da: -2_147_472_692,
      tz: "infinity",
    });
    expect(changes[1]!.logged!.row).toContain('"ts6":-9223372036832400000');
  });

  test("a NUMERIC of any size reads as the same text in every shape", () => {
    const source = {
      ...allTypes,
      columns: allTypes.columns
        .filter(({ name }) => name === "id")
        .concat(
          ["num_scaled", "num_free", "mo", "big", "arr_t"].map((name) => column(name, "string")),
        ),
    };
    const values = changesOf(shape, "all_types", source).map(({ values }) => values);
    expect(values[0]).toEqual([
      1,
      "1234567890.12",
      "123456789012345678901234567890.123456789",
      "12.34",
      "9223372036854775807",
      '["a","b",null]',
    ]);
    expect(values[3]!.slice(0, 3)).toEqual([4, "0.00", "0"]);
  });

  test("note: TOASTed columns are unavailable, and come from the stored row", () => {
    const changes = changesOf(shape, "note", note);
    const body = "x".repeat(3_000);
    const blob = new Uint8Array(3_000).fill(0xab);
    const tags = JSON.stringify(Array<string>(400).fill("tag-long-enough"));
    const unavailable = [2, 3, 4];
    expect(changes.map(readPart)).toEqual(
      inShape(shape, [
        { op: "c", values: [1, "user_000001", body, blob, tags, 0] },
        { op: "u", values: [1, "user_000001", null, null, null, 1], unavailable },
        { op: "u", values: [1, "user_000002", null, null, null, 1], unavailable },
        deletion(note, 1),
      ]),
    );
    expect(endState(note, changes.slice(0, 3))).toEqual([[1, "user_000002", body, blob, tags, 1]]);
    expect(endState(note, changes)).toEqual([]);
  });

  test("no_pk: a table without a primary key is read by the declared key", () => {
    expect(changesOf(shape, "no_pk", noKey).map(readPart)).toEqual(
      inShape(shape, [
        { op: "c", values: ["user_000001", 1050n] },
        { op: "c", values: ["user_000001", 1050n] },
      ]),
    );
  });

  test("full_identity: a new column and a truncate decode; unwrapped rows lose truncates", () => {
    const changes = changesOf(shape, "full_identity", fullIdentity);
    const at = us("2025-03-01T00:00:00");
    const third = [3, "user_000002", 3000n, us("2025-03-02T00:00:00"), "app"];
    const fourth = [4, "user_000002", 100n, us("2025-03-02T00:00:00"), "app"];
    expect(changes.map(readPart)).toEqual(
      inShape(shape, [
        { op: "c", values: [1, "user_000001", 1000n, at, null] },
        { op: "c", values: [2, "user_000001", 2000n, at + 1, null] },
        { op: "u", values: [1, "user_000001", 1100n, at, null] },
        deletion(fullIdentity, 2),
        { op: "c", values: third },
        { kind: "truncate", op: "t" },
        { op: "c", values: fourth },
      ]),
    );
    expect(endState(fullIdentity, changes)).toEqual(
      shape === "flat" ? [[1, "user_000001", 1100n, at, null], third, fourth] : [fourth],
    );
  });
});

describe("the log order of a change", () => {
  const [enveloped, bare, unwrapped] = SHAPES.map((shape) =>
    changesOf(shape, "transaction_data", transactions).filter(({ kind }) => kind !== "none"),
  );

  test("the three shapes give the same log order, commit time and transaction", () => {
    const place = ({ order, committed, snapshot }: Change): object => ({
      order,
      committed,
      snapshot,
    });
    expect(bare!.slice(3, 26).map(place)).toEqual(enveloped!.slice(3, 26).map(place));
    expect(bare!.slice(3, 26).map(place)).toEqual(unwrapped!.slice(3, 26).map(place));
    expect(bare![6]).toMatchObject({
      order: 26941928n,
      committed: 1_795_423_828_966_246,
      snapshot: false,
      transaction: "756",
      timestamp: 1_795_423_829_566,
      partition: 0,
      offset: 6,
    });
  });

  test(
    "snapshot rows are marked; an incremental one is ordered by sequence, and an " +
      "unwrapped one has no order",
    () => {
      expect(
        bare!.slice(0, 3).every(({ snapshot, order }) => snapshot && order === 26655416n),
      ).toBe(true);
      expect(bare!.slice(26).map(({ snapshot, order }) => [snapshot, order])).toEqual(
        Array(12).fill([true, 26968751n]),
      );
      expect(unwrapped!.slice(26).map(({ snapshot, order }) => [snapshot, order])).toEqual(
        Array(12).fill([true, null]),
      );
    },
  );

  test("a commit time in milliseconds counts as the last microsecond of its millisecond", () => {
    const old = messages("bare.public.card.jsonl").map((message) => ({
      ...message,
      value: message.value!.replaceAll(/"ts_(us|ns)":\d+,?/g, "").replace(",}", "}"),
    }));
    expect(decode(old, [card]).map((change) => change!.committed)).toEqual([
      1_795_423_779_496_999, 1_795_423_829_005_999, 1_795_423_829_005_999,
    ]);
  });

  test("a logical message is of no table", () => {
    expect(decode(messages("enveloped.message.jsonl"))).toEqual([null]);
  });
});
