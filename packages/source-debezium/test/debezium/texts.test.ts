/** Tests texts that are no Unicode, and bytes that are no UTF-8. */
import { wellFormedText } from "@tidemark/core/spi";
import { debeziumDecoder, kafkaMessage, rowChange } from "@tidemark/source-debezium";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parameters } from "../support/seed.ts";
import { column } from "../support/sources.ts";
import { messageOf, readChanges, readValues, sourceOf, warnings } from "../support/wire.ts";

const text = sourceOf([column("c", "string")]);
const row = (value: unknown): ReturnType<typeof messageOf> =>
  messageOf(JSON.stringify({ id: 1, c: value }));
/** Any UTF-16, with many halves of pairs. */
const utf16 = fc
  .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff })), { maxLength: 12 })
  .map((units) => String.fromCharCode(...units));

describe("half of a surrogate pair", () => {
  test("is its escape as text, in a text and in a json column", () => {
    expect(readValues(text, [row("pay \ud83d"), row("pay \ud83c"), row("pay \ufffd")])).toEqual([
      "pay \\ud83d",
      "pay \\ud83c",
      "pay \ufffd",
    ]);
    const json = sourceOf([column("c", "json")]);
    expect(readValues(json, [row('{"a":"\ud83d"}')])).toEqual(['{"a":"\\ud83d"}']);
  });

  test("is told once", () => {
    const { codes, texts, onWarning } = warnings();
    readChanges(text, [row("\ud83d"), row("😀"), row("\ud83d")], { onWarning });
    expect(codes).toEqual(["TEXT_NOT_UNICODE"]);
    expect(texts[0]).toContain("p.public.t, partition 0, offset 7: a text holds half");
    expect(texts[0]).toContain("\\ud83d");
  });

  test("in a primary key is one key in the row, in the message's key and in a delete", () => {
    const source = {
      ...text,
      columns: [column("c", "string", { nullable: false })],
      primaryKey: ["c"],
    };
    const key = JSON.stringify({ c: "a\ud83d" });
    const upsert = { ...messageOf(key), key };
    const remove = { ...upsert, value: upsert.value!.replace('"op":"c"', '"op":"d"') };
    const [set, gone] = readChanges(source, [upsert, remove]);
    expect(set!.values).toEqual(["a\\ud83d"]);
    expect([gone!.kind, gone!.values]).toEqual(["delete", ["a\\ud83d"]]);
  });

  test("is the same for messages and for a user's own decoder, whatever the text", () => {
    const message = kafkaMessage(messageOf("{}"));
    fc.assert(
      fc.property(utf16, (value) => {
        const [read] = readValues(text, [row(value)]);
        expect(read).toBe(wellFormedText(value));
        expect(rowChange(text, message, { row: { id: 1, c: value } }).values![1]).toBe(read);
        expect(Buffer.from(String(read)).toString()).toBe(read);
      }),
      parameters,
    );
  });
});

test("U+0000 is a character like any other", () => {
  expect(readValues(text, [row("a\u0000b")])).toEqual(["a\u0000b"]);
});

describe("bytes that are no UTF-8", () => {
  const decode = debeziumDecoder().start({ sources: [text], onWarning: () => {} });
  const given = (value: Buffer, key = Buffer.from('{"id":1}')) =>
    decode.decode(kafkaMessage({ ...messageOf("{}"), key, value })) as ReturnType<
      typeof readChanges
    >[number];
  const around = (...bytes: readonly number[]): Buffer => {
    const [before, after] = messageOf('{"id":1,"c":"HERE"}').value!.split("HERE") as [
      string,
      string,
    ];
    return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
  };

  test.each([
    ["Latin-1", [0xe9]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["a surrogate of its own", [0xed, 0xa0, 0xbd]],
    ["a character that is cut", [0xf0, 0x9f, 0x98]],
  ])("%s makes the row undecodable, and its key is known", (_, bytes) => {
    expect(given(around(...bytes))).toMatchObject({
      kind: "upsert",
      values: [1n, null],
      undecodable: { reason: "VALUE_NOT_UTF8" },
    });
  });

  test("U+FFFD itself is a character", () => {
    expect(given(around(0xef, 0xbf, 0xbd))).toMatchObject({
      values: [1n, "\ufffd"],
      undecodable: null,
    });
  });

  test("in a key give no key", () => {
    const key = Buffer.concat([Buffer.from('{"id":"1'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(given(around(0xe9), key).undecodable!.reason).toBe("KEY_UNREADABLE");
  });
});
