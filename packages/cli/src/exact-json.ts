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

/** JSON text without the white space between its parts, so that it has no line breaks. */
export function compactJson(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
}
