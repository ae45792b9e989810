import { ESCAPED, isJson, JsonMembers, NUMBER, STRING } from "@tidemark/core/internal";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parameters } from "../support/seed.ts";

const check = (property: fc.IRawProperty<unknown>): void => {
  fc.assert(property, parameters);
};

/** The oracle: whether `JSON.parse` takes the text. */
function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const digits = fc
  .string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 40 })
  .map((text) => text.replace(/^0+(?=\d)/, ""));
const numbers = fc
  .tuple(
    fc.constantFrom("", "-"),
    digits,
    fc.option(digits),
    fc.option(fc.tuple(fc.constantFrom("e", "E", "e+", "e-"), fc.integer({ min: 0, max: 500 }))),
  )
  .map(
    ([sign, whole, fraction, exponent]) =>
      sign +
      whole +
      (fraction === null ? "" : `.${fraction}`) +
      (exponent === null ? "" : exponent.join("")),
  );
const strings = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom('"', "\\", "\n", "{", "}", ":", ",", "é", "😀", "\u2028") }),
  fc.constantFrom("ts_ns", "__proto__", "constructor"),
);
const space = fc.constantFrom("", "", "", " ", "\n", "\t \r\n");
const texts = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    numbers,
    strings.map((text) => JSON.stringify(text)),
    fc.constantFrom("null", "true", "false"),
    fc
      .tuple(space, fc.array(tie("value"), { maxLength: 4 }))
      .map(([gap, items]) => `[${gap}${items.join(`${gap},${gap}`)}${gap}]`),
    fc
      .tuple(space, fc.array(fc.tuple(strings, tie("value")), { maxLength: 4 }))
      .map(
        ([gap, items]) =>
          `{${gap}` +
          items
            .map(([key, value]) => `${JSON.stringify(key)}${gap}:${gap}${value}`)
            .join(`,${gap}`) +
          `${gap}}`,
      ),
  ),
})).value;

describe("JSON text", () => {
  test("a text is JSON if JSON.parse takes it", () => {
    check(
      fc.property(texts, (text) => {
        expect(isJson(text), text).toBe(true);
      }),
    );
    check(
      fc.property(
        texts,
        fc.nat(60),
        fc.string({ minLength: 0, maxLength: 2 }),
        fc.nat(2),
        (text, at, put, drop) => {
          const changed = text.slice(0, at) + put + text.slice(at + drop);
          expect(isJson(changed), changed).toBe(parses(changed));
        },
      ),
    );
    for (const text of [
      "",
      "{",
      "{}}",
      '{"a":1,}',
      "[1,]",
      "01",
      "1.",
      ".5",
      "+1",
      "1e",
      "-",
      "nul",
      '"\\x"',
      '"\\u12g4"',
      '"\u0001"',
      "{a:1}",
      "[1 2]",
      '{"a" 1}',
      "\u00a0{}",
    ])
      expect(isJson(text), text).toBe(parses(text));
  });

  test("members keep their text: any integer, any digits, in one instance for all objects", () => {
    const members = new JsonMembers();
    const objects = fc.uniqueArray(fc.tuple(strings, fc.oneof(texts, numbers)), {
      maxLength: 12,
      selector: ([key]) => key,
    });
    check(
      fc.property(objects, space, (fields, gap) => {
        const pairs = fields.map(
          ([key, value]) => `${gap}${JSON.stringify(key)}${gap}:${gap}${value}${gap}`,
        );
        const text = `${gap}{${pairs.join(",")}}${gap}`;
        expect(members.scan(text, gap.length)).toBe(text.length - gap.length);
        expect(members.length).toBe(fields.length);
        for (const [key, value] of fields) {
          const i = members.find(key);
          expect(members.key(i)).toBe(key);
          expect(members.raw(i)).toBe(value);
          if (members.isString(i)) expect(members.string(i)).toBe(JSON.parse(value));
          expect(members.kind(i) === NUMBER).toBe(/^[-\d]/.test(value));
        }
        expect(members.find("nowhere to be found")).toBe(-1);
      }),
    );
  });

  test("integers of 19 digits keep their digits, and strings say whether they are escaped", () => {
    const members = new JsonMembers();
    members.scan(
      '{"id":9223372036854775807,"ts_ns":1795423829084228008,"name":"plain","other":"a\\"b"}',
      0,
    );
    expect([members.raw(0), members.raw(1)]).toEqual([
      "9223372036854775807",
      "1795423829084228008",
    ]);
    expect([members.kind(2), members.string(2), members.kind(3), members.string(3)]).toEqual([
      STRING,
      "plain",
      ESCAPED,
      'a"b',
    ]);
  });

  test("a nested object is filled in the same scan", () => {
    const after = new JsonMembers();
    const payload = new JsonMembers({ after });
    const text = '{"before":{"id":1},"after":{"id":2,"x":{"after":{"id":3}}},"op":"u"}';
    expect(payload.scan(text, 0)).toBe(text.length);
    expect(payload.raw(payload.find("after"))).toBe('{"id":2,"x":{"after":{"id":3}}}');
    expect(after.raw(after.find("id"))).toBe("2");
  });

  test("the last message's key is reused only if this key ends at the same place", () => {
    const members = new JsonMembers();
    for (const [text, key] of [
      ['{"a\\":":1}', 'a":'],
      ['{"a":"x"}', "a"],
      ['{"ab":1}', "ab"],
      ['{"a":1}', "a"],
      ['{"a\\b":1}', "a\b"],
    ] as const) {
      expect(members.scan(text, 0)).toBe(text.length);
      expect(members.key(0)).toBe(key);
    }
  });

  test("a text of a hundred thousand brackets is refused and overflows no stack", () => {
    expect(isJson("[".repeat(100_000) + "]".repeat(100_000))).toBe(false);
    expect(isJson('{"a":'.repeat(100_000))).toBe(false);
    expect(isJson("[".repeat(400) + "]".repeat(400))).toBe(true);
  });
});
