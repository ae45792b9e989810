/**
 * Reads NUMERIC in its five forms: base64 with a scale, `{scale, value}`, text, a JSON number, and
 * base64 in a message without a schema.
 */
import type { Decimal } from "../values/decimal.ts";
import { decimalOfBase64, decimalOfText, isBase64, isNumeral } from "../values/decimal.ts";
import { Failure, WITHOUT_SCALE } from "../values/failure.ts";
import { JsonMembers, NUMBER, OBJECT } from "./json-text.ts";
import type { ColumnSpec } from "../../specs.ts";
import type { ColumnContext } from "./column-context.ts";
import type { ConnectField } from "./connect-schema.ts";
import { TidemarkError } from "../../errors.ts";
import { nextEncoding, readAs, textForm } from "./text-encoding.ts";

/** Reads the decimal of member `i`. */
export type NumericReader = (row: JsonMembers, i: number) => Decimal | Failure;

const NOT_A_DECIMAL = new Failure("NOT_A_DECIMAL");

/** The column that a reader reads. */
export interface NumericOptions {
  /** The source's name, for errors. */
  readonly source: string;
  readonly column: ColumnSpec;
  /** The column's schema; null: the message has no schema. */
  readonly field: ConnectField | null;
  readonly context: ColumnContext;
  /** Warns once about the column. */
  readonly warn: (code: string, message: string) => void;
}

const DECIMAL_SCHEMAS = new Set([
  "org.apache.kafka.connect.data.Decimal",
  "io.debezium.data.VariableScaleDecimal",
]);
const BITS_SCHEMA = "io.debezium.data.Bits";

/** Says whether the schema names a decimal. Other named bytes, such as bits, are none. */
export const isDecimalSchema = ({ name }: ConnectField): boolean =>
  name !== null && DECIMAL_SCHEMAS.has(name);

/** Makes the reader of a column's decimals. */
export function numericReader(options: NumericOptions): NumericReader {
  const { column, field } = options;
  const scale = field?.scale ?? (column.type === "decimal" ? (column.scale ?? null) : null);
  const inner = new JsonMembers();
  const base64 = (text: string): Decimal | Failure =>
    scale === null ? WITHOUT_SCALE : decimalOfBase64(text, scale);
  const text =
    field === null
      ? textOrBase64(options, scale, base64)
      : field.type === "bytes"
        ? bytesNumber(field, column, base64)
        : decimalOfText;
  const objects = field === null || field.name === null || isDecimalSchema(field);
  return (row, i) => {
    if (row.isString(i)) return text(row.string(i));
    if (row.kind(i) === NUMBER) {
      const raw = row.raw(i);
      if (column.type === "decimal" && mayLackDigits(raw)) warnOfDouble(options);
      return decimalOfText(raw);
    }
    if (row.kind(i) !== OBJECT || !objects) return NOT_A_DECIMAL;
    inner.scan(row.raw(i), 0);
    const [at, value] = [inner.find("scale"), inner.find("value")];
    return inner.length === 2 &&
      at >= 0 &&
      value >= 0 &&
      inner.kind(at) === NUMBER &&
      inner.isString(value)
      ? decimalOfBase64(inner.string(value), Number(inner.raw(at)))
      : NOT_A_DECIMAL;
  };
}

/** Reads the base64 of a field of bytes: a decimal, or the bits of a bit(n) as a whole number. */
function bytesNumber(
  field: ConnectField,
  column: ColumnSpec,
  decimal: (text: string) => Decimal | Failure,
): (text: string) => Decimal | Failure {
  if (isDecimalSchema(field)) return decimal;
  const whole = column.type === "int32" || column.type === "int64";
  if (whole && field.name === BITS_SCHEMA) return bitsNumber;
  const failure = new Failure(
    "NOT_A_DECIMAL",
    `the schema says ${field.name ?? "bytes"}, which is no number; declare the column as ` +
      `${field.name === BITS_SCHEMA ? "string(), bytes() or int64()" : "bytes() or string()"}`,
  );
  return () => failure;
}

/** Reads a bit(n). Debezium writes its bytes with the lowest first. */
function bitsNumber(text: string): Decimal | Failure {
  if (text !== "" && !isBase64(text)) return NOT_A_DECIMAL;
  const hex = Buffer.from(text, "base64").reverse().toString("hex");
  return { unscaled: BigInt(`0x0${hex}`), scale: 0 };
}

/**
 * Says whether a double may have lost digits of the number: it prints as 16 or 17 digits. More
 * digits than that come from no double.
 */
function mayLackDigits(raw: string): boolean {
  if (raw.length < 16) return false;
  const digits =
    /^-?0*([\d.]+)/
      .exec(raw)?.[1]
      ?.replace(".", "")
      .replace(/^0+|0+$/g, "") ?? "";
  return digits.length === 16 || digits.length === 17;
}

function warnOfDouble({ column, warn }: NumericOptions): void {
  warn(
    "DECIMAL_FROM_DOUBLE",
    `column "${column.database}" is a decimal, and its numbers come with the 16 or 17 digits ` +
      "of a double, which may have lost others; set the connector's decimal.handling.mode=string",
  );
}

/** Reads a string of a message without a schema, which may hold digits or base64. */
function textOrBase64(
  options: NumericOptions,
  scale: number | null,
  base64: (text: string) => Decimal | Failure,
): (text: string) => Decimal | Failure {
  const { column } = options;
  if (scale === null) return textWithoutScale(options);
  if (column.encoding === undefined) return learnedText(options, scale, base64);
  return column.encoding === "digits" ? declaredDigits : declaredBase64(options, scale, base64);
}

/**
 * Reads it by what the texts of the column were in the partition. Digits are the first guess.
 *
 * @throws DECIMAL_ENCODING_UNCLEAR when base64 follows a value that was guessed to be digits, or a
 * number follows a word that was guessed to be base64.
 */
function learnedText(
  options: NumericOptions,
  scale: number,
  base64: (text: string) => Decimal | Failure,
): (text: string) => Decimal | Failure {
  const { source, column, context } = options;
  return (text) => {
    const known = context.row.texts.textsOf(column.database);
    const isPadded = text.endsWith("=");
    if (known === "digits" && !isPadded) return decimalOfText(text);
    // the text itself may be of a key, which teaches nothing
    const texts =
      known === "base64" && isPadded ? known : nextEncoding(readAs(known), textForm(text));
    if (known === "digits?" || texts === "digits?" || texts === "words")
      warnOfGuess(options, text, texts === "words" ? "base64" : "digits");
    switch (readAs(texts)) {
      case "base64":
      case "words":
        warnOfScale(options, scale);
        return base64(text);
      case "unclear":
        throw new TidemarkError(
          "DECIMAL_ENCODING_UNCLEAR",
          `source "${source}": column "${column.database}" comes as text without a schema, now ` +
            `as ${JSON.stringify(text)}, and its texts may be digits or base64: a clear one ` +
            `contradicts an earlier guess. ${encodingStep(column)}`,
        );
      default:
        return decimalOfText(text);
    }
  };
}

/** Reads a string as digits. Without a scale, base64 is no number. */
function textWithoutScale(options: NumericOptions): (text: string) => Decimal | Failure {
  const { column, context } = options;
  return (text) => {
    const form = textForm(text);
    if (form === "base64") return WITHOUT_SCALE;
    if (form === "either") {
      const known = context.row.texts.textsOf(column.database);
      if (readAs(known) === "base64") return WITHOUT_SCALE;
      if (known !== "digits") warnOfGuess(options, text, "digits");
    }
    return decimalOfText(text);
  };
}

const NOT_DIGITS = new Failure(
  "NOT_A_DECIMAL",
  'the column is declared with encoding "digits", and the message holds base64',
);
const NOT_BASE64 = new Failure(
  "NOT_A_DECIMAL",
  'the column is declared with encoding "base64", and the message holds something else',
);

const declaredDigits = (text: string): Decimal | Failure =>
  isBase64(text) && !isNumeral(text) ? NOT_DIGITS : decimalOfText(text);

function declaredBase64(
  options: NumericOptions,
  scale: number,
  base64: (text: string) => Decimal | Failure,
): (text: string) => Decimal | Failure {
  return (text) => {
    if (!isBase64(text)) return NOT_BASE64;
    warnOfScale(options, scale);
    return base64(text);
  };
}

function warnOfScale({ column, warn }: NumericOptions, scale: number): void {
  warn(
    "DECIMAL_SCALE_FROM_DEFINITION",
    `column "${column.database}" comes as base64 without a schema, so its scale is taken from ` +
      `the definition (${scale}); if the database has another, or had, every value of that time ` +
      "is wrong: set the connector's decimal.handling.mode=string, or send schemas with the " +
      "messages (value.converter.schemas.enable=true)",
  );
}

function warnOfGuess({ column, warn }: NumericOptions, text: string, as: string): void {
  warn(
    "DECIMAL_ENCODING_GUESSED",
    `column "${column.database}" comes as text without a schema, and ${JSON.stringify(text)} ` +
      `may be digits or base64; it is read as ${as}, because no text before it was clear. ` +
      encodingStep(column),
  );
}

/** Says what makes the encoding known. */
function encodingStep({ database, precision, scale }: ColumnSpec): string {
  const options =
    precision === undefined ? "precision, scale" : `precision: ${precision}, scale: ${scale}`;
  return (
    `Say it in the definition: decimal("${database}", { ${options}, encoding: "digits" }), or ` +
    '"base64"; or send schemas with the messages (value.converter.schemas.enable=true)'
  );
}
