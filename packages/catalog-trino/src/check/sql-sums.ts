/** Exact sums in SQL. Floats are summed by blocks of exponents, and rounded once here. */
import type { TypeSpec, Value } from "@tidemark/core/spi";
import { roundRational } from "@tidemark/core/internal";
import { NotInSql } from "./not-in-sql.ts";
import { sqlBits, unscaled } from "./sql-values.ts";
import { alone, type SqlAggregate } from "./sql-aggregate.ts";

/** The exact sum of the present values: `numerator` ÷ `denominator` · 2^`exponent`. */
interface ExactTotal {
  readonly numerator: bigint;
  readonly denominator: bigint;
  readonly exponent: number;
  /** How many values there are. */
  readonly values: number;
}

/** The most digits of a decimal that 38 digits can sum: 10^10 rows of the largest. */
const MOST_DIGITS = 28;

/** The number of exponents in a block. */
const BLOCK = 32;
/** The exponent of the least bit of a double with the biased exponent 0. */
const LEAST_EXPONENT = -1075;

/** Makes an aggregate of an exact sum. `finish` is called if a row passes the filter. */
function exactSum(
  sql: string,
  spec: TypeSpec,
  finish: (total: ExactTotal) => Value,
  nothing: Value,
): SqlAggregate {
  const { type, precision = 38, scale = 0 } = spec;
  if (type === "float64") return floatSum(sql, finish, nothing);
  const places = type === "decimal" ? scale : 0;
  if (type === "decimal" && precision > MOST_DIGITS)
    throw new NotInSql(`38 digits do not hold every sum of decimals of ${precision} digits`);
  return alone(
    [
      { sql: (f) => `CAST(sum(CAST(${sql} AS decimal(38, ${places}))) ${f} AS varchar)` },
      { sql: (f) => `count(${sql}) ${f}` },
    ],
    ([total, values]) =>
      finish({
        numerator: total === null ? 0n : unscaled(total as string, places),
        denominator: 10n ** BigInt(places),
        exponent: 0,
        values: Number(values),
      }),
    nothing,
  );
}

/**
 * With e′ = max(biased exponent, 1) a double is ±mantissa · 2^(e′ − 1075). Block ⌊e′ ÷ 32⌋ sums
 * ±mantissa · 2^(e′ mod 32), which is below 2^84: 38 digits hold the sum of 2^42 of them.
 */
function floatSum(sql: string, finish: (total: ExactTotal) => Value, nothing: Value): SqlAggregate {
  const bits = sqlBits(sql);
  const biased = `bitwise_and(bitwise_right_shift(${bits}, 52), 2047)`;
  const exponent = `greatest(${biased}, 1)`;
  const hidden = `if(${biased} = 0, 0, 4503599627370496)`;
  const mantissa = `if(${bits} < 0, -1, 1) * (bitwise_and(${bits}, 4503599627370495) + ${hidden})`;
  const shift = `bitwise_left_shift(BIGINT '1', CAST(${exponent} % ${BLOCK} AS integer))`;
  const part = `CAST(${mantissa} AS decimal(19, 0)) * CAST(${shift} AS decimal(19, 0))`;
  return {
    groups: [`${exponent} / ${BLOCK}`],
    columns: [
      { sql: (f) => `CAST(sum(${part}) ${f} AS varchar)` },
      { sql: (f) => `count(${sql}) ${f}` },
    ],
    read(groups) {
      let numerator = 0n;
      let values = 0;
      for (const { keys, cells } of groups) {
        // a row without a value has no block
        if (keys[0] === null) continue;
        numerator += BigInt(cells[0] as string) << BigInt(Number(keys[0]) * BLOCK);
        values += Number(cells[1]);
      }
      return groups.length === 0
        ? nothing
        : finish({ numerator, denominator: 1n, exponent: LEAST_EXPONENT, values });
    },
  };
}

/** Rounds once; a sum outside float64 is the largest double (law 3: a sum saturates). */
function rounded({ numerator, denominator, exponent }: ExactTotal): number {
  const value = roundRational(numerator, denominator, exponent);
  return Number.isFinite(value) ? value : Math.sign(value) * Number.MAX_VALUE;
}

/** `sum(x)`: of floats a double, of integers an int64, of decimals a decimal of 38 digits. */
export function sqlSum(sql: string, spec: TypeSpec): SqlAggregate {
  if (spec.type === "float64") return exactSum(sql, spec, rounded, 0);
  const most = spec.type === "decimal" ? 10n ** 38n - 1n : 2n ** 63n - 1n;
  const least = spec.type === "decimal" ? -most : -(2n ** 63n);
  const held = ({ numerator }: ExactTotal): bigint =>
    numerator > most ? most : numerator < least ? least : numerator;
  return exactSum(sql, spec, held, 0n);
}

/** `avg(x)`: the sum as a double, divided once. */
export function sqlAvg(sql: string, spec: TypeSpec): SqlAggregate {
  return exactSum(
    sql,
    spec,
    (total) => (total.values === 0 ? null : withoutMinusZero(rounded(total) / total.values)),
    null,
  );
}

/** No answer is −0 (law 3). */
function withoutMinusZero(value: number): number {
  return value === 0 ? 0 : value;
}
