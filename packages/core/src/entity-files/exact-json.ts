/**
 * Reads and writes JSON without losing digits. `JSON.parse` would change 9223372036854775807 (law
 * 9).
 */

export class ExactNumber {
  /** The digits as the text has them. */
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }

  /**
   * The value if it is a whole number, as 12, 12.0 and 1.2e1 are. null for a fraction, and for a
   * number with hundreds of digits.
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

/** Parses JSON with an `ExactNumber` for every number. */
export function parseExact(text: string): unknown {
  const reviver = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === "number" ? new ExactNumber(context!.source!) : value;
  return JSON.parse(text, reviver);
}

/**
 * Matches text with numbers that a double may change: many digits, exponents, zeros at the end of a
 * fraction. A match within a string only costs time.
 */
const INEXACT_NUMBER = /[:,[\s]-?(?:[\d.]{16,}|\d+(?:\.\d+)?[eE][+-]?\d+|\d+\.\d*0)(?=\s*[,\]}])/;

/** Parses JSON. Numbers that a double may change become `ExactNumber`s. */
export function parseDigits(text: string): unknown {
  return INEXACT_NUMBER.test(text) ? parseExact(text) : JSON.parse(text);
}

/** Writes parsed JSON with the digits of each `ExactNumber`. */
export function exactJson(value: unknown): string {
  if (value instanceof ExactNumber) return value.digits;
  if (Array.isArray(value)) return `[${value.map(exactJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}:${exactJson(member)}`)
    .join(",")}}`;
}

/** Removes white space and line breaks between the tokens of a JSON text. */
export function compactJson(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
}
