/** Reads entity keys from text and JSON. No message shows a key: it may name a person. */
import { fromUser } from "../define/user-values.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value, ValueType } from "../specs.ts";
import { ExactNumber } from "./exact-json.ts";

/**
 * Reads a key from its text form. A key of whole numbers may have a fraction of zeros or an
 * exponent, as pandas writes a column that had a gap.
 * @throws KEY_INVALID when the text is no value of the key; `location` names its place.
 */
export function keyFromText(column: ColumnSpec, given: string, location: () => string): Value {
  const text = given.trim();
  const matched = (form: RegExp): string => {
    if (!form.test(text)) throw keyInvalid(column, "the text", location);
    return text;
  };
  const whole = (): bigint => wholeNumber(text, column, location);
  const value = keyForms[column.type]?.({ matched, whole }) ?? given;
  try {
    return fromUser(value, column, location(), "KEY_INVALID");
  } catch (cause) {
    throw keyInvalid(column, "the value", location, cause);
  }
}

interface KeyText {
  /** The text without white space around it. It has this form, or an error is thrown. */
  readonly matched: (form: RegExp) => string;
  readonly whole: () => bigint;
}

/** Read keys whose text is not the value itself. */
const keyForms: Readonly<Partial<Record<ValueType, (text: KeyText) => unknown>>> = {
  int64: ({ whole }) => whole(),
  int32: ({ whole }) => Number(whole()),
  float64: ({ matched }) => Number(matched(/^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/)),
  decimal: ({ matched }) => matched(/^-?\d+(?:\.\d+)?$/),
  boolean: ({ matched }) => matched(/^(?:true|false)$/i).toLowerCase() === "true",
  bytes({ matched }) {
    const text = matched(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);
    return new Uint8Array(Buffer.from(text, "base64"));
  },
};

/**
 * Reads a key from a JSON value. Numbers may be texts, because JSON readers lose digits. No other
 * conversion happens.
 * @throws KEY_INVALID when the value is no value of the key.
 */
export function keyFromJson(column: ColumnSpec, given: unknown, location: () => string): Value {
  const number =
    given instanceof ExactNumber
      ? (given.whole()?.toString() ?? given.digits)
      : typeof given === "number"
        ? String(given)
        : null;
  const [kind, types]: readonly [string, readonly ColumnSpec["type"][]] =
    number !== null
      ? ["a number", ["int64", "int32", "float64", "decimal"]]
      : typeof given === "boolean"
        ? ["a boolean", ["boolean"]]
        : typeof given === "string"
          ? ["text", ["string", "int64", "int32", "decimal", "timestamp", "date", "bytes", "json"]]
          : ["an object or a list", []];
  if (!types.includes(column.type)) throw keyInvalid(column, kind, location);
  return keyFromText(column, number ?? String(given), location);
}

/** The error of a row without a key. */
export function keyMissing(location: () => string): TidemarkError {
  return new TidemarkError("KEY_INVALID", `${location()} is empty; give every row its keys`);
}

const MAX_DIGITS = 40;

function wholeNumber(text: string, column: ColumnSpec, location: () => string): bigint {
  if (/^[+-]?\d{1,20}$/.test(text)) return BigInt(text.replace(/^\+/, ""));
  const [, sign, digits] = /^([+-]?)(\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)$/.exec(text) ?? [];
  if (digits === undefined || digits.length > MAX_DIGITS)
    throw keyInvalid(column, "the text", location);
  // A fraction or an exponent is what a float prints.
  const whole = new ExactNumber(digits).whole();
  if (whole === null)
    throw new TidemarkError(
      "KEY_INVALID",
      `${location()}: ${text} is not whole; give the keys as whole numbers`,
    );
  if (!Number.isSafeInteger(Number(whole)))
    throw new TidemarkError(
      "KEY_INVALID",
      `${location()}: ${text} was a float, and floats from 2^53 on have lost digits; ` +
        'write the column as integers, as .astype("Int64") does in pandas',
    );
  return sign === "-" ? -whole : whole;
}

function keyInvalid(
  column: ColumnSpec,
  given: string,
  location: () => string,
  cause?: unknown,
): TidemarkError {
  const next =
    column.type === "string" ? "write it in quotes, as text" : `give ${column.type} values`;
  return new TidemarkError(
    "KEY_INVALID",
    `${location()}: ${given} is no ${column.type}, which its entity says; ${next}`,
    { cause },
  );
}
