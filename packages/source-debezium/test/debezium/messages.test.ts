/** Tests which change each kind of message gives, also one that cannot be read. */
import type { Change } from "@tidemark/core/spi";
import type { RecordedMessage } from "@tidemark/source-debezium";
import { describe, expect, test } from "vitest";
import { withParts, decode, withText, messages, withoutWarnings } from "../support/fixtures.ts";
import { card, noKey, note, transactions } from "../support/sources.ts";

const bare = messages("bare.public.transaction_data.jsonl");
const enveloped = messages("enveloped.public.transaction_data.jsonl");
const unwrapped = messages("flat.public.transaction_data.jsonl");
const [insert, remove] = [bare[3]!, bare[12]!];
const one = (message: RecordedMessage, sources = [transactions]): Change | null =>
  decode([message], sources)[0]!;
const row = (id: bigint): unknown[] => [id, null, null, null, null, null, null];

describe("a message whose key is readable and whose content is not", () => {
  const cases: readonly [string, RecordedMessage, string][] = [
    ["not JSON", withParts(insert, { value: "not json" }), "VALUE_NOT_JSON"],
    ["cut off", withParts(insert, { value: insert.value!.slice(0, -20) }), "VALUE_NOT_JSON"],
    ["an empty value", withParts(insert, { value: "" }), "VALUE_EMPTY"],
    ["two values", withParts(insert, { value: `${insert.value!}{}` }), "VALUE_NOT_JSON"],
    ["an array", withParts(insert, { value: "[]" }), "VALUE_NOT_AN_OBJECT"],
    [
      "a payload that is text",
      withParts(insert, { value: '{"schema":{"type":"string"},"payload":"x"}' }),
      "VALUE_NOT_AN_OBJECT",
    ],
    ["after null", withText(insert, /"after":\{.*?\}/, '"after":null'), "ROW_MISSING"],
    ["after a text", withText(insert, /"after":\{.*?\}/, '"after":"x"'), "ROW_MISSING"],
    ["another op", withText(insert, '"op":"c"', '"op":"x"'), "OP_UNKNOWN"],
    ["no op", withText(insert, '"op":"c",', ""), "OP_UNKNOWN"],
    [
      "no primary key in the row",
      withText(insert, '"after":{"id":4,', '"after":{'),
      "ROW_WITHOUT_KEY",
    ],
    [
      "an unreadable primary key in the row",
      withText(insert, '"after":{"id":4,', '"after":{"id":"four",'),
      "ROW_WITHOUT_KEY",
    ],
    [
      "an object of something else",
      withParts(insert, { value: '{"status":"BEGIN"}' }),
      "NOT_A_CHANGE",
    ],
  ];

  test.each(cases)(
    "%s: its row is in no window until the next readable change",
    (_, message, reason) => {
      const change = one(message)!;
      expect(change).toMatchObject({
        kind: "upsert",
        values: row(4n),
        oldKey: null,
        invalidColumns: [],
        logged: expect.anything() as unknown,
        undecodable: { reason },
      });
      expect(change.undecodable!.message).toMatch(
        /^bare\.public\.transaction_data, partition 0, offset 3: /,
      );
      expect(Math.abs(change.committed! - 1_795_423_829_000_000)).toBeLessThan(1_000_000);
    },
  );

  test("with the key unreadable too, the change is of no row", () => {
    for (const key of [
      null,
      "",
      "not json",
      "{}",
      '{"id":null}',
      '{"id":"four"}',
      '{"user_id":"u"}',
      "[1]",
    ]) {
      expect(one(withParts(insert, { value: "not json", key })), String(key)).toMatchObject({
        kind: "none",
        values: null,
        undecodable: { reason: "KEY_UNREADABLE" },
      });
    }
  });
});

describe("deletes", () => {
  test("the key is that of the row before, else that of the message", () => {
    expect(
      one(withText(remove, '"before":{"id":3,', '"before":{"id":9223372036854775807,')),
    ).toMatchObject({ kind: "delete", values: row(9223372036854775807n) });
    expect(one(withText(remove, /"before":\{.*?\}/, '"before":null'))).toMatchObject({
      kind: "delete",
      values: row(3n),
    });
    const bigKey = withParts(withText(remove, /"before":\{.*?\}/, '"before":null'), {
      key: '{"schema":{"type":"struct","fields":[]},"payload":{"id":9007199254740993}}',
    });
    expect(one(bigKey)).toMatchObject({
      kind: "delete",
      values: row(9007199254740993n),
      undecodable: null,
    });
  });

  test("no other column of the row before is used", () => {
    expect(one(withText(remove, '"User ID":null', '"User ID":""'))).toMatchObject({
      kind: "delete",
      values: row(3n),
      invalidColumns: [],
      logged: expect.anything() as unknown,
    });
  });

  test("a delete without a readable key changes no row", () => {
    const change = one(
      withParts(withText(remove, /"before":\{.*?\}/, '"before":null'), { key: '{"user_id":"u"}' }),
    );
    expect(change).toMatchObject({
      kind: "none",
      op: "d",
      order: 26943080n,
      undecodable: { reason: "KEY_UNREADABLE" },
    });
  });

  test("a tombstone changes no row, bare, enveloped or as a payload of null", () => {
    for (const value of [null, "null", '{"schema":null,"payload":null}']) {
      expect(one(withParts(insert, { value }))).toMatchObject({
        kind: "none",
        op: null,
        values: null,
        undecodable: null,
        order: null,
        committed: null,
      });
    }
  });
});

describe("keys and values have their shapes independently", () => {
  const enveloping = (key: string): string =>
    '{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"id"}],' +
    `"optional":false},"payload":${key}}`;

  test("a bare value under an enveloped key is read, and the other way round", () => {
    expect(one(withParts(insert, { key: enveloping(insert.key!), value: "x" }))).toMatchObject({
      values: row(4n),
    });
    expect(one(withParts(enveloped[3]!, { key: '{"id":4}', value: "x" }))).toMatchObject({
      values: row(4n),
    });
  });

  test("the old key is read from the header, bare or enveloped", () => {
    const created = messages("enveloped.public.card.jsonl")[3]!;
    const old = created.headers["__debezium.oldkey"]!;
    for (const header of [old, enveloping(old)])
      expect(
        one(withParts(created, { headers: { "__debezium.oldkey": header } }), [card])!.oldKey,
      ).toEqual(["4000-0001"]);
    for (const header of ["not json", "{}", '{"user_id":"u"}'])
      expect(
        one(withParts(created, { headers: { "__debezium.oldkey": header } }), [card])!.oldKey,
      ).toBeNull();
  });

  test("a schema that changes between two messages is read again, also when it comes back", () => {
    const rows = messages("enveloped.public.no_pk.jsonl");
    const wider = withParts(rows[0]!, {
      value: rows[0]!.value!.replaceAll('"scale":"2"', '"scale":"1"'),
    });
    expect(
      decode([rows[0]!, wider, rows[1]!, wider], [noKey]).map((change) => change!.values![1]),
    ).toEqual([1050n, 10500n, 1050n, 10500n]);
  });

  test("a payload before its schema is read, and white space anywhere", () => {
    const { schema, payload } = JSON.parse(enveloped[3]!.value!) as {
      schema: object;
      payload: object;
    };
    // JSON.stringify prints some numbers otherwise
    const logged = expect.anything() as unknown;
    const expected = { ...one(enveloped[3]!), logged };
    expect(one(withParts(enveloped[3]!, { value: JSON.stringify({ payload, schema }) }))).toEqual(
      expected,
    );
    expect(
      one(withParts(enveloped[3]!, { value: JSON.stringify({ schema, payload }, null, 2) })),
    ).toEqual(expected);
  });
});

describe("tables and topics", () => {
  test("a message belongs to the table of its source block, whatever the topic", () => {
    expect(one(withParts(insert, { topic: "routed" }))).toMatchObject({
      source: "transaction_data",
      topic: "routed",
    });
    expect(
      one(withParts(insert, { topic: "bare.public.card" }), [transactions, card])!.source,
    ).toBe("transaction_data");
    expect(one(withText(insert, '"table":"transaction_data"', '"table":"other"'))).toBeNull();
    expect(one(withText(insert, '"schema":"public"', '"schema":"private"'))).toBeNull();
  });

  test("`tables` gives the table of a topic", () => {
    const options = { ...withoutWarnings, tables: { routed: "public.transaction_data" } };
    expect(
      decode([withParts(unwrapped[3]!, { topic: "routed" })], [transactions], options)[0],
    ).toMatchObject({ kind: "upsert" });
    expect(
      decode(
        [
          withParts(
            withText(insert, '"table":"transaction_data"', '"table":"transaction_data_p1"'),
            { topic: "routed" },
          ),
        ],
        [transactions],
        options,
      )[0],
    ).toMatchObject({ kind: "upsert" });
  });

  test("a topic's name has _ for characters of the table that a topic cannot hold", () => {
    const spaced = { ...transactions, table: "public.transaction data" };
    expect(
      one(withParts(insert, { topic: "bare.public.transaction_data", value: null }), [spaced]),
    ).toMatchObject({ kind: "none" });
  });

  test("heartbeats, transaction metadata, signals and other tables give no change", () => {
    const others = [
      withParts(insert, {
        topic: "__debezium-heartbeat.bare",
        key: '{"serverName":"bare"}',
        value: '{"ts_ms":1795423829084}',
      }),
      withParts(insert, {
        topic: "bare.transaction",
        key: '{"id":"764:26945296"}',
        value: '{"status":"BEGIN","id":"764:26945296","event_count":null}',
      }),
      withParts(insert, { topic: "bare.transaction", value: "not json" }),
      withParts(insert, { topic: "bare.transaction", value: null }),
      messages("bare.public.note.jsonl")[0]!,
    ];
    expect(decode(others, [transactions])).toEqual([null, null, null, null, null]);
  });

  test("one table in two sources is refused", () => {
    expect(() => decode([], [note, { ...note, name: "again" }])).toThrow(
      expect.objectContaining({ code: "SOURCE_TABLE_TWICE" }),
    );
  });
});

describe("unwrapped rows", () => {
  test("rows without __deleted are refused, and the error names the missing settings", () => {
    expect(() => one(withText(unwrapped[3]!, '"__deleted":"false",', ""))).toThrow(
      expect.objectContaining({
        code: "UNWRAPPED_WITHOUT_DELETED",
        message: expect.stringMatching(
          /delete\.tombstone\.handling\.mode=rewrite.*add\.fields=op,lsn,source\.ts_us/s,
        ) as string,
      }),
    );
    expect(() =>
      one(withParts(unwrapped[3]!, { value: '{"id":4,"User ID":"user_000001"}' })),
    ).toThrow(expect.objectContaining({ code: "UNWRAPPED_WITHOUT_DELETED" }));
  });

  test("a warning says once for each source that truncates are lost", () => {
    const warnings: string[] = [];
    decode([...unwrapped, ...messages("flat.public.card.jsonl")], [transactions, card], {
      onWarning: ({ code, message }) => {
        warnings.push(`${code} ${message}`);
      },
    });
    expect(warnings).toEqual([
      expect.stringMatching(/^UNWRAPPED_LOSES_TRUNCATES source "transaction_data".*TRUNCATE/),
      expect.stringMatching(/^UNWRAPPED_LOSES_TRUNCATES source "card"/),
    ]);
  });

  test("__deleted may be a boolean, and fields may carry their block's name", () => {
    const change = one(
      withParts(unwrapped[12]!, {
        value: unwrapped[12]!
          .value!.replace('"__deleted":"true"', '"__deleted":true')
          .replace("__lsn", "__source_lsn")
          .replace(/"__source_ts_us":(\d+)\d{3}/, '"__ts_ms":1,"__source_ts_ms":$1'),
      }),
    );
    expect(change).toMatchObject({
      kind: "delete",
      values: row(3n),
      order: 26943080n,
      committed: 1_795_423_828_978_999,
    });
  });

  test("the broker's time replaces a missing commit time, and a warning names the setting", () => {
    const codes: string[] = [];
    const change = decode([withText(unwrapped[3]!, /,"__source_ts_us":\d+/, "")], [transactions], {
      onWarning: ({ code }) => {
        codes.push(code);
      },
    })[0];
    expect(change).toMatchObject({
      committed: 1_795_423_829_624_999,
      timestamp: 1_795_423_829_624,
    });
    expect(codes).toContain("COMMIT_TIME_FROM_BROKER");
  });

  test("members that the transform added are no columns", () => {
    expect(one(unwrapped[3]!)!.logged!.format).toContain('"unwrapped":true');
  });
});
