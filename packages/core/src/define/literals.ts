/** Literals of definitions. Their type follows the expression beside them. */
import { TidemarkError } from "../errors.ts";
import { literalExpression } from "../expr/tree.ts";
import type { LiteralExpression, TypeSpec } from "../specs.ts";
import { formatDecimal } from "../types/decimal-text.ts";
import { described } from "./definition.ts";
import { fromUser } from "./user-values.ts";

/**
 * Makes a literal of the type of the expression beside it.
 *
 * @throws VALUE_INVALID when the value is null or not of the type.
 */
export function literalOf(who: string, value: unknown, beside: TypeSpec): LiteralExpression {
  if (value === null || value === undefined)
    throw new TidemarkError(
      "VALUE_INVALID",
      `${who}: comparing with ${String(value)} is true for no row; use isNull or isNotNull`,
    );
  // A number beside a decimal means its digits.
  const digits = beside.type === "decimal" ? digitsOf(value) : undefined;
  const input = digits === undefined ? value : formatDecimal(digits.unscaled, digits.scale);
  const column = { ...beside, nullable: false, name: "", database: "" };
  return literalExpression(fromUser(input, column, who), beside);
}

/**
 * Makes a number out of a literal of arithmetic. Text is a decimal. A number is a decimal beside a
 * decimal; else an int64 if it is whole, and a float64 if it is not.
 *
 * @throws VALUE_INVALID when the value is no number.
 */
export function numberLiteral(
  who: string,
  value: unknown,
  beside: readonly TypeSpec[],
): LiteralExpression {
  const isDecimal =
    typeof value === "string" ||
    (beside.some(({ type }) => type === "decimal") &&
      !beside.some(({ type }) => type === "float64"));
  const digits = digitsOf(value);
  if (digits === undefined)
    throw new TidemarkError(
      "VALUE_INVALID",
      `${who}: ${described(value)} is no number; give a column, a number, or a decimal ` +
        'such as "12.50"',
    );
  if (isDecimal) {
    const { unscaled, scale } = digits;
    return literalExpression(unscaled, { type: "decimal", nullable: false, precision: 38, scale });
  }
  if (typeof value === "bigint") return integer(who, value, undefined);
  const number = value as number;
  return Number.isInteger(number) && Number.isSafeInteger(number)
    ? integer(who, BigInt(number), "number")
    : literalExpression(number, { type: "float64", nullable: false });
}

/**
 * Makes a literal of the value's own type.
 *
 * @throws VALUE_INVALID when the value is none of a literal.
 */
export function anyLiteral(
  who: string,
  value: unknown,
  beside: readonly TypeSpec[],
): LiteralExpression {
  const type = { nullable: false, name: "", database: "" };
  if (typeof value === "string") {
    const spec = { ...type, type: "string" } as const;
    return literalExpression(fromUser(value, spec, who), spec);
  }
  if (typeof value === "boolean") return literalExpression(value, { ...type, type: "boolean" });
  if (value instanceof Date) {
    const spec = { ...type, type: "timestamp" } as const;
    return literalExpression(fromUser(value, spec, who), spec);
  }
  if (typeof value === "number" || typeof value === "bigint")
    return numberLiteral(who, value, beside);
  throw new TidemarkError(
    "VALUE_INVALID",
    `${who}: ${described(value)} is no value; give an expression, a text, a number, a boolean ` +
      "or a Date",
  );
}

function integer(who: string, value: bigint, mode: "number" | undefined): LiteralExpression {
  if (value !== BigInt.asIntN(64, value))
    throw new TidemarkError("VALUE_INVALID", `${who}: ${value} does not fit into an int64`);
  return literalExpression(value, {
    type: "int64",
    nullable: false,
    ...(mode === undefined ? {} : { mode }),
  });
}

interface Digits {
  readonly unscaled: bigint;
  readonly scale: number;
}

/** The digits of a number as JavaScript prints it, or of a decimal text; undefined: no number. */
function digitsOf(value: unknown): Digits | undefined {
  if (typeof value === "bigint") return within(value, 0);
  if (typeof value !== "string" && !(typeof value === "number" && Number.isFinite(value)))
    return undefined;
  const found = /^([+-]?)([0-9]+)(?:\.([0-9]+))?(?:e([+-][0-9]+))?$/.exec(String(value));
  if (found === null || (typeof value === "string" && found[4] !== undefined)) return undefined;
  const [, sign, whole, fraction = "", exponent = "0"] = found;
  const scale = fraction.length - Number(exponent);
  if (scale > 38 || scale < -38) return undefined;
  const unscaled = BigInt(`${sign === "-" ? "-" : ""}${whole}${fraction}`);
  return scale < 0 ? within(unscaled * 10n ** BigInt(-scale), 0) : within(unscaled, scale);
}

function within(unscaled: bigint, scale: number): Digits | undefined {
  const most = 10n ** 38n;
  return unscaled < most && unscaled > -most ? { unscaled, scale } : undefined;
}
