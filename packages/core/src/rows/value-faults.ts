/** Says what each reason of an unreadable value means, and the next step. */

const VALUE_FAULTS: Readonly<Record<string, string>> = {
  DECIMAL_TOO_LARGE:
    "the number has more digits before the point than the column declares; declare " +
    "decimal(p, s) with a greater p",
  DECIMAL_TOO_PRECISE:
    "the number has more digits after the point than the column declares; declare decimal(p, s) " +
    "with a greater s",
  INTEGER_OUT_OF_RANGE: "the number is beyond the column's type; declare int64() or a decimal",
  NOT_A_BOOLEAN: "the value is neither true nor false; declare the column by what it holds",
  NOT_A_DATE: "the value is no day, such as 2025-06-05; correct the writer, or declare string()",
  NOT_A_DECIMAL: "the value is no decimal number; declare the column by what it holds",
  NOT_A_NUMBER: "the value is no number; declare the column by what it holds",
  NOT_A_TIME: "the value is no time, such as 2025-06-05T09:30:00Z; correct the writer",
  NOT_AN_INTEGER: "the value is no whole number; declare the column by what it holds",
  NOT_BYTES: "the value is no text that holds bytes; declare the column by what it holds",
  NOT_JSON: "the text is not JSON; declare the column as string()",
  NULL_NOT_ALLOWED: "the value is null, and the column is not declared as nullable()",
  NUMBER_OUT_OF_RANGE: "the number is beyond those of a float64; declare a decimal or string()",
  TIME_OUT_OF_RANGE: "the number lies beyond the times that are kept; check its unit",
};

/** Says what the reason means; undefined: the reason says it. */
export function valueFault(reason: string): string | undefined {
  return Object.hasOwn(VALUE_FAULTS, reason) ? VALUE_FAULTS[reason] : undefined;
}
