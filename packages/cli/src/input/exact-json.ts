/**
 * JSON whose numbers keep their digits: `JSON.parse` alone makes 9223372036854775807 another number
 * (law 9).
 */

export class ExactNumber {
  /** As it stands in the text. */
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }

  /**
   * The value where it is whole: 12, 12.0 and 1.2e1 are; null where it is not, or has hundreds of
   * digits.
   */
  whole(): bigint | null {
    const [, sign, int, fraction = "", exponent = "0"] =
      /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(this.digits)!;
    const significant = (int! + fraction).replace(/0+$/, "");
    if (significant === "") return 0n;
    const zeros = int!.length + Number(exponent) - significant.length;
    return zeros < 0 || zeros > 100 ? null : BigInt(`${sign}${significant}${"0".repeat(zeros)}`);
  }
}

/** As `JSON.parse`, with an `ExactNumber` for every number. */
export function parseExact(text: string): unknown {
  const reviver = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === "number" ? new ExactNumber(context!.source!) : value;
  return JSON.parse(text, reviver);
}

/**
 * What a double might not give back as it was written: many digits, exponents, zeros at the end of
 * a fraction. A text may look like it, which costs time and no more.
 */
const INEXACT_NUMBER = /[:,[\s]-?(?:[\d.]{16,}|\d+(?:\.\d+)?[eE][+-]?\d+|\d+\.\d*0)(?=\s*[,\]}])/;

/**
 * As `JSON.parse`, with an `ExactNumber` for numbers wherever a double might not give them back.
 */
export function parseDigits(text: string): unknown {
  return INEXACT_NUMBER.test(text) ? parseExact(text) : JSON.parse(text);
}

/** JSON text of parsed JSON, with the digits of each `ExactNumber`. */
export function exactJson(value: unknown): string {
  if (value instanceof ExactNumber) return value.digits;
  if (Array.isArray(value)) return `[${value.map(exactJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}:${exactJson(member)}`)
    .join(",")}}`;
}

/** JSON text without the white space between its parts, so that it has no line breaks. */
export function compactJson(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
}
