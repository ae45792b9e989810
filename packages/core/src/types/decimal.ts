/** Decimals, held as unscaled digits at the scale of their type. */
import { formatDecimal, parseDecimal, storedDigits } from "./decimal-text.ts";
import { bigLayout } from "./layouts/values.ts";
import { compareNumbers } from "./order.ts";
import type { TypeDescriptor } from "./type-descriptor.ts";

export const decimalType: TypeDescriptor = {
  type: "decimal",
  isNumber: true,
  isOrdered: true,
  isKey: true,
  layout: bigLayout,
  compare: (a, b) => compareNumbers(a as bigint, b as bigint),
  encode(writer, values) {
    for (const value of values) writer.text(String(value));
  },
  decode: (reader, count) => ({
    kind: "big",
    values: Array.from({ length: count }, () => storedDigits(reader.text())),
    valid: null,
  }),
  key: {
    tag: 5,
    write(writer, value, { scale = 0 }) {
      if (typeof value !== "bigint") return false;
      writer.text(keyText(value, scale));
      return true;
    },
  },
  toUser: (value, { scale = 0 }) => formatDecimal(value as bigint, scale),
  fromUser: (input, { precision = 38, scale = 0 }) =>
    (typeof input === "string" ? parseDecimal(input, precision, scale) : null) ?? undefined,
  expected: ({ precision, scale }) =>
    `a decimal(${precision}, ${scale}) (a string such as "12.50", ` +
    "with no more digits than these)",
  jsonText:
    ({ scale = 0 }) =>
    (value) =>
      `"${formatDecimal(value as bigint, scale)}"`,
  sqlLiteral: (value, { scale = 0 }) => formatDecimal(value as bigint, scale),
};

/** A decimal by value, not by scale (law 3: 1.0 and 1.00 are one value). */
function keyText(unscaled: bigint, scale: number): string {
  let places = scale;
  let digits = unscaled;
  while (places > 0 && digits % 10n === 0n) {
    digits /= 10n;
    places--;
  }
  return places === 0 ? String(digits) : `${digits}e-${places}`;
}
