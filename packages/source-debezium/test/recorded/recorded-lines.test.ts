/** Tests the lines of recordings: our own, kcat's, and those of tools that make no recording. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type KafkaMessage,
  kafkaMessage,
  type MessageDecoder,
  recordedLine,
  recordedTopic,
} from "@tidemark/source-debezium";
import { afterAll, describe, expect, test } from "vitest";
import { transactions } from "../support/sources.ts";

const folder = mkdtempSync(join(tmpdir(), "tidemark-lines-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Reads the messages of a recording. */
async function read(...lines: readonly (string | Buffer)[]): Promise<KafkaMessage[]> {
  const path = join(folder, "topic.jsonl");
  writeFileSync(path, Buffer.concat(lines.flatMap((line) => [Buffer.from(line), LINE_END])));
  const messages: KafkaMessage[] = [];
  const decoder: MessageDecoder = {
    name: "messages as they are",
    start: () => ({
      decode(message) {
        messages.push(message);
        return null;
      },
    }),
  };
  const source = recordedTopic(path, { decoder });
  for await (const _ of source.changes({ sources: [transactions], after: [] }));
  return messages;
}
const LINE_END = Buffer.from("\n");
const content = ({ key, value, headerBytes, timestamp }: KafkaMessage) => ({
  key: key && [...key],
  value: value && [...value],
  headers: headerBytes.map(([name, bytes]) => [name, bytes && [...bytes]]),
  timestamp,
});
const place = { topic: "t", partition: 0, offset: 0, timestamp: 12 };

describe("a message that is written and read again stays the same, to the byte", () => {
  const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);
  const halfEmoji = Uint8Array.of(0xed, 0xa0, 0xbd);
  const cases: readonly [string, Partial<Parameters<typeof kafkaMessage>[0]>][] = [
    ["text", { key: '{"id":1}', value: '{"a":"ă 😀 \\" \\u0000 \u0000"}' }],
    ["null and empty", { key: null, value: "" }],
    ["empty and null", { key: "", value: null }],
    ["a byte order mark in the value", { key: "\uFEFF1", value: "\uFEFF{}" }],
    ["bytes that are not UTF-8", { key: halfEmoji, value: everyByte }],
    ["Avro behind the registry's prefix", { value: Uint8Array.of(0, 0, 0, 0, 7, 2, 200, 1) }],
    ["no time", { timestamp: null }],
    ["Kafka's sign for no time", { timestamp: -1 }],
    ["headers", { headers: { a: "1", b: null, "": "", __proto__: "x" } }],
    [
      "headers that come twice or are not UTF-8",
      {
        headers: [
          ["a", "1"],
          ["a", everyByte],
          ["a", null],
          ["b", halfEmoji],
        ],
      },
    ],
    ["a key of 1 MiB", { key: "k".repeat(2 ** 20) }],
  ];
  test.each(cases)("%s", async (_, parts) => {
    const message = kafkaMessage({ ...place, key: "k", value: "v", ...parts });
    const [again, ...others] = await read(recordedLine(message));
    expect(others).toEqual([]);
    expect({ ...content(again!), topic: again!.topic }).toEqual({
      ...content(message),
      topic: "t",
    });
    expect(recordedLine(again!)).toBe(recordedLine(message));
  });
});

describe("kcat -J", () => {
  const line = (members: string): string =>
    '{"topic":"t","partition":0,"offset":7,"tstype":"create","ts":1749114000120,"broker":1,' +
    `${members}}`;

  test("key, payload, time and headers are read", async () => {
    const [message] = await read(
      line('"headers":["h","1","n",null,"h","2"],"key":"{\\"id\\":1}","payload":"{\\"a\\":2}"'),
    );
    expect(message).toMatchObject({ offset: 7, timestamp: 1749114000120 });
    expect(message).toMatchObject({ keyText: '{"id":1}', valueText: '{"a":2}' });
    expect(message!.headers).toEqual({ h: "2", n: null });
    expect(message!.headerBytes.map(([name]) => name)).toEqual(["h", "n", "h"]);
  });

  test("a null key or payload is null, and an empty one is empty", async () => {
    const [none] = await read(line('"key":null,"payload":null'));
    expect(none).toMatchObject({ key: null, value: null, headers: {} });
    const [empty] = await read(line('"key":"","payload":""'));
    expect(empty).toMatchObject({ keyText: "", valueText: "" });
  });

  test("no time, and headers as an object of lists", async () => {
    const [message] = await read(
      '{"topic":"t","partition":0,"offset":7,"broker":1,"headers":{"h":["1","2"]},' +
        '"key":null,"payload":"x"}',
    );
    expect(message).toMatchObject({ timestamp: null, headers: { h: "2" } });
  });

  test("bytes that are not UTF-8 stay as they are", async () => {
    const value = Buffer.of(0x01, 0xff, 0xe9, 0x80, 0x0a, 0x22, 0x5c, 0x41);
    const escaped = Buffer.concat([
      Buffer.from("\\u0001"),
      Buffer.of(0xff, 0xe9, 0x80),
      Buffer.from('\\n\\"\\\\A'),
    ]);
    const [before, after] = line('"headers":["h","é"],"key":"é","payload":"@"').split("@");
    const [message] = await read(
      Buffer.concat([Buffer.from(before!), escaped, Buffer.from(after!)]),
    );
    expect([...message!.value!]).toEqual([...value]);
    expect(message!.keyText).toBe("é");
    expect(message!.headers).toEqual({ h: "é" });
  });

  test("a payload of JSON keeps every digit", async () => {
    const payload = '{"id": 9007199254740993, "a": [1.10, {"b": "}, \\"payload\\": 1"}]}';
    const [message] = await read(line(`"key": {"id": 9007199254740993}, "payload": ${payload} `));
    expect(message).toMatchObject({ keyText: '{"id": 9007199254740993}', valueText: payload });
  });

  test("a payload that kcat could not decode is no tombstone", async () => {
    await expect(
      read(line('"key":"1","payload":null,"payload_error":"Avro: no schema"')),
    ).rejects.toThrow(/kcat could not decode "payload"/);
  });
});

test("headers as objects of key and value are read", async () => {
  const [message] = await read(
    JSON.stringify({ ...place, key: "k", value: "v", headers: [{ key: "h", value: "1" }] }),
  );
  expect(message!.headers).toEqual({ h: "1" });
});

test("keys and values that are numbers, true or lists are their JSON text", async () => {
  const [message] = await read(
    '{"topic":"t","partition":0,"offset":0,"value":[1 , 2], "key" : 12345678901234567890 }',
  );
  expect(message).toMatchObject({ keyText: "12345678901234567890", valueText: "[1 , 2]" });
});

describe("a line that is no message says what it is and what to do", () => {
  const message = { ...place, key: "k", value: "v" };
  const envelope = '{"before":null,"after":{"id":1},"source":{"table":"t"},"op":"c"}';
  const cases: readonly [string, string, RegExp][] = [
    ["a value alone", envelope, /the value of a message alone, .*tidemark record/],
    ["a value with its schema", `{"schema":{},"payload":${envelope}}`, /value of a message alone/],
    [
      "a value of kafka-avro-console-consumer",
      '{"before":null,"after":{"bank.public.t.Value":{"id":1}},"op":"c"}',
      /value of a message alone/,
    ],
    ["key and value of the console consumer", `{"id":1}\t${envelope}`, /a key, a tab and a value/],
    ["a null value of the console consumer", '{"id":1}\tnull', /a key, a tab and a value/],
    [
      "the console consumer with everything",
      `CreateTime:1749114000120\tPartition:0\tOffset:1\t{"id":1}\t${envelope}`,
      /kafka-console-consumer, which names no topic/,
    ],
    ["an array", `[${JSON.stringify(message)}]`, /an array; .*jq -c/],
    ["the begin of an array", "[", /a JSON array or has one message over several lines/],
    ["the begin of a message over several lines", "{", /several lines; .*jq -c/],
    ["members with capitals", '{"Topic":"t","Offset":1,"Value":"v"}', /begin with capitals/],
    ["kcat's error", "% ERROR: Topic t error: Broker: Unknown topic", /kcat has failed here/],
    ["Parquet", "PAR1\u0015\u0004", /Parquet or Avro/],
    [
      "half a character",
      JSON.stringify({ ...message, value: "pay \ud83d" }),
      /"value" holds half a character.*base64/,
    ],
    ["bad base64", JSON.stringify({ ...message, value: null, valueBase64: "@" }), /is not base64/],
    [
      "a value twice",
      JSON.stringify({ ...message, valueBase64: "AA==" }),
      /"value" and "valueBase64" are both given/,
    ],
    ["a header of a number", JSON.stringify({ ...message, headers: { h: 1 } }), /header "h" is/],
    [
      "a header without a value",
      JSON.stringify({ ...message, headers: ["h"] }),
      /ends with a name/,
    ],
    ["a header without a name", JSON.stringify({ ...message, headers: [1, "h"] }), /has no name/],
    ["headers of text", JSON.stringify({ ...message, headers: "h" }), /"headers" is neither/],
  ];
  test.each(cases)("%s", async (_, line, expected) => {
    await expect(read(recordedLine(kafkaMessage(message)), line)).rejects.toMatchObject({
      code: "TOPIC_LINE_INVALID",
      message: expect.stringMatching(new RegExp(`topic\\.jsonl:2: .*${expected.source}`)) as string,
    });
  });

  test("bytes that are not UTF-8 beside escapes", async () => {
    const line = Buffer.from(
      '{"topic":"t","partition":0,"offset":0,"key":"\\u00e9","value":"@"}',
    ).map((byte) => (byte === 0x40 ? 0xff : byte));
    await expect(read(Buffer.from(line))).rejects.toThrow(/not UTF-8 and has escapes/);
  });
});

test("another message at an offset is refused, also if only its value differs", async () => {
  const one = recordedLine(kafkaMessage({ ...place, key: "k", value: '{"amount":1}' }));
  const other = recordedLine(kafkaMessage({ ...place, key: "k", value: '{"amount":2}' }));
  expect(await read(one, one)).toHaveLength(1);
  await expect(read(one, other)).rejects.toMatchObject({ code: "TOPIC_LINE_INVALID" });
});
