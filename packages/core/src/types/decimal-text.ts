/** Converts decimals between text and unscaled digits, held as a bigint. */
import { damaged } from "../bytes/bytes.ts";

/**
 * Reads a decimal as unscaled digits at `scale`; null if the text is no decimal (law 9: unreadable
 * is missing).
 * More than `scale` fraction digits, or `precision` digits in all, also give null.
 */
export function parseDecimal(text: string, precision: number, scale: number): bigint | null {
  const found = /^([+-]?)([0-9]+)(?:\.([0-9]+))?$/.exec(text);
  if (found === null) return null;
  const fraction = found[3] ?? "";
  if (fraction.length > scale) return null;
  const digits = BigInt(found[2]! + fraction.padEnd(scale, "0"));
  if (digits >= 10n ** BigInt(precision)) return null;
  return found[1] === "-" ? -digits : digits;
}

/** Formats unscaled digits with exactly `scale` fraction digits. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  const negative = unscaled < 0n;
  const digits = (negative ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? "" : `.${digits.slice(digits.length - scale)}`;
  return `${negative ? "-" : ""}${whole}${fraction}`;
}

/**
 * Reads unscaled digits as Tidemark wrote them.
 *
 * @throws STATE_DAMAGED when the text has other characters.
 */
export function storedDigits(text: string): bigint {
  if (!/^-?\d{1,39}$/.test(text)) throw damaged("has a decimal without digits");
  return BigInt(text);
}
