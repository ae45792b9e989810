/**
 * Reads NUMERIC in its five forms: base64 with a scale, `{scale, value}`, text, a JSON number, and
 * base64 in a message without a schema.
 */
import type { Decimal } from "../values/decimal.ts";
import {
  decimalOfBase64,
  decimalOfText,
  isBase64,
  isDigitsAndBase64,
  isNumeral,
  isSpecial,
} from "../values/decimal.ts";
import { Failure, WITHOUT_SCALE } from "../values/failure.ts";
import { JsonMembers, NUMBER, OBJECT } from "./json-text.ts";
import type { ColumnSpec } from "@tidemark/core/spi";
import type { ConnectField } from "./connect-schema.ts";
import { TidemarkError } from "@tidemark/core";

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
}

/** Makes the reader of a column's decimals. */
export function numericReader({ source, column, field }: NumericOptions): NumericReader {
  const scale = field?.scale ?? (column.type === "decimal" ? (column.scale ?? null) : null);
  const inner = new JsonMembers();
  const base64 = (text: string): Decimal | Failure =>
    scale === null ? WITHOUT_SCALE : decimalOfBase64(text, scale);
  const text =
    field === null
      ? textOrBase64(`source "${source}": column "${column.database}"`, scale, base64)
      : field.type === "bytes"
        ? base64
        : decimalOfText;
  return (row, i) => {
    if (row.isString(i)) return text(row.string(i));
    if (row.kind(i) === NUMBER) return decimalOfText(row.raw(i));
    if (row.kind(i) !== OBJECT) return NOT_A_DECIMAL;
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

/**
 * Reads a string of a message without a schema, which may hold digits or base64.
 *
 * - A point, a sign or a length that is no multiple of 4 means digits; padding means base64.
 * - "1234" can be both. The column's earlier values decide, and digits are the first guess.
 * - A word that is base64 by chance, such as "none", is no number in a column of digits.
 *
 * @throws DECIMAL_ENCODING_UNCLEAR when base64 follows a value that was guessed to be digits.
 */
function textOrBase64(
  column: string,
  scale: number | null,
  base64: (text: string) => Decimal | Failure,
): (text: string) => Decimal | Failure {
  let bytes: boolean | null = null;
  let guessed: string | null = null;
  return (text) => {
    if (isDigitsAndBase64(text)) {
      if (bytes === true) return base64(text);
      if (bytes === null) guessed = text;
      return decimalOfText(text);
    }
    if (isNumeral(text) || isSpecial(text)) {
      bytes = false;
      guessed = null;
      return decimalOfText(text);
    }
    const padded = text.endsWith("=");
    if (!isBase64(text) || (!padded && (scale === null || bytes === false || guessed !== null)))
      return NOT_A_DECIMAL;
    if (guessed !== null) {
      throw new TidemarkError(
        "DECIMAL_ENCODING_UNCLEAR",
        `${column} held "${guessed}", which was read as digits, and now holds "${text}", ` +
          "which is base64: " +
          "set the connector's decimal.handling.mode=string, or send schemas with the " +
          "messages (value.converter.schemas.enable=true)",
      );
    }
    bytes = true;
    return base64(text);
  };
}
