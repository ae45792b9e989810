/**
 * The fast way of reading a line of JSON beside the slow one: every number is what COPY would have
 * read in the text itself.
 */
import { Random } from "@tidemark/testkit";
import { expect, test } from "vitest";
import { parseExact, type ExactNumber } from "@tidemark/core/internal";
import { copyField } from "../../src/load/copy-text.ts";
import { jsonRow } from "../../src/load/json-row.ts";

/** The sign, the digits and the exponent: equal for equal decimals, whatever their form. */
function decimal(text: string): string {
  const [, sign, int, fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text)!;
  const digits = (int! + fraction).replace(/^0+/, "");
  const kept = digits.replace(/0+$/, "");
  return kept === ""
    ? "0"
    : `${sign}${kept}e${Number(exponent) - fraction.length + digits.length - kept.length}`;
}

test("numbers keep their value, and numbers that a double would round keep their text", () => {
  const random = new Random(7);
  const digits = (most: number): string =>
    Array.from({ length: 1 + random.int(most) }, () => String(random.int(10))).join("");
  const number = (): string => {
    const int =
      random.int(3) === 0 ? "0" : digits(random.int(3) === 0 ? 22 : 6).replace(/^0+(?=\d)/, "");
    const sign = random.int(4) === 0 ? "-" : "";
    const fraction = random.int(2) === 0 ? "" : `.${digits(random.int(3) === 0 ? 20 : 3)}`;
    const e = (): string => (random.int(2) === 0 ? "e" : "E");
    const exponent =
      random.int(6) === 0 ? `${e()}${["", "+", "-"][random.int(3)]!}${random.int(30)}` : "";
    return `${sign}${int}${fraction}${exponent}`;
  };
  for (let n = 0; n < 20_000; n++) {
    const text =
      `{"t": "12:00:00.000Z, 9007199254740993", ` +
      `"x":${[" ", "", "  "][random.int(3)]!}${number()}${["", " "][random.int(2)]!}, ` +
      `"y":${number()}}`;
    const slow = parseExact(text) as Record<string, ExactNumber>;
    const fast = jsonRow(text, "here");
    for (const name of ["x", "y"]) {
      const given = copyField(fast[name], () => name);
      expect(decimal(given), text).toBe(decimal(slow[name]!.digits));
      if (/^-?\d+\.\d*0$/.test(slow[name]!.digits))
        expect(given, "the zeros of a numeric are digits too").toBe(slow[name]!.digits);
    }
  }
});

test("numbers within objects and lists keep their digits as JSON", () => {
  expect(
    jsonRow('{"a": {"n": 9007199254740993, "l": [1.10, "x\\n", null, true]}}', "here"),
  ).toEqual({ a: '{"n":9007199254740993,"l":[1.10,"x\\n",null,true]}' });
});
