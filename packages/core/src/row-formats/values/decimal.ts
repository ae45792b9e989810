/** Exact decimals, in every form in which Debezium writes NUMERIC. */
import { Failure, NON_FINITE } from "./failure.ts";

/** The number `unscaled · 10^−scale`. */
export interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

const NOT_A_DECIMAL = new Failure("NOT_A_DECIMAL");
const TOO_PRECISE = new Failure("DECIMAL_TOO_PRECISE");
const TOO_LARGE = new Failure("DECIMAL_TOO_LARGE");
/**
 * The largest exponent, beyond those of PostgreSQL. Without the limit a short text could make a
 * number of any length.
 */
const MAX_EXPONENT = 20_000;

const NUMERAL = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,9}))?$/;
const SPECIAL = /^(?:nan|[+-]?inf(?:inity)?|(?:positive|negative)_infinity)$/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const isSpecial = (text: string): boolean => SPECIAL.test(text);
export const isNumeral = (text: string): boolean => NUMERAL.test(text);
export const isBase64 = (text: string): boolean =>
  text !== "" && text.length % 4 === 0 && BASE64.test(text);

/** Reads a decimal text, such as `-12.50`, `1.25E3` or `NaN`. */
export function decimalOfText(text: string): Decimal | Failure {
  const match = NUMERAL.exec(text);
  if (match === null) return isSpecial(text) ? NON_FINITE : NOT_A_DECIMAL;
  const fraction = match[3] ?? "";
  const exponent = match[4] === undefined ? 0 : Number(match[4]);
  const digits = BigInt(match[2]! + fraction);
  if (digits === 0n) return { unscaled: 0n, scale: 0 };
  if (Math.abs(exponent) > MAX_EXPONENT) return exponent < 0 ? TOO_PRECISE : TOO_LARGE;
  return { unscaled: match[1] === "-" ? -digits : digits, scale: fraction.length - exponent };
}

/** Reads a big-endian two's complement in base64, as Kafka Connect writes a Decimal. */
export function decimalOfBase64(text: string, scale: number): Decimal | Failure {
  if (!isBase64(text) || Math.abs(scale) > MAX_EXPONENT) return NOT_A_DECIMAL;
  const bytes = Buffer.from(text, "base64");
  const unscaled =
    bytes.length <= 6
      ? BigInt(bytes.readIntBE(0, bytes.length))
      : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString("hex")}`));
  return { unscaled, scale };
}

/**
 * Gives the unscaled digits at a scale. The number must be below `limit`. Fraction digits beyond
 * the scale must be zeros (law 9: a decimal with more digits than its type is unreadable).
 */
export function fitDecimal(decimal: Decimal, scale: number, limit: bigint): bigint | Failure {
  const fitted = rescale(decimal, scale - decimal.scale);
  if (fitted === null) return TOO_PRECISE;
  return fitted < limit && fitted > -limit ? fitted : TOO_LARGE;
}

/** Gives the whole number, or null if the decimal has a fraction. */
export function wholeNumber(decimal: Decimal): bigint | null {
  return rescale(decimal, -decimal.scale);
}

function rescale({ unscaled }: Decimal, by: number): bigint | null {
  if (by >= 0) return by === 0 ? unscaled : unscaled * 10n ** BigInt(by);
  const power = 10n ** BigInt(-by);
  return unscaled % power === 0n ? unscaled / power : null;
}

/** Prints digits with a point, as PostgreSQL does. */
export function decimalText({ unscaled, scale }: Decimal): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString();
  const sign = unscaled < 0n ? "-" : "";
  if (scale <= 0) return sign + (unscaled === 0n ? "0" : digits + "0".repeat(-scale));
  const padded = digits.padStart(scale + 1, "0");
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

/** Gives the nearest double. */
export function decimalNumber({ unscaled, scale }: Decimal): number {
  return Number(`${unscaled}e${-scale}`);
}
