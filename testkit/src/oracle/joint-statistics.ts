/**
 * Statistics of two numbers of each row, for the oracle. Each is a rational number of BigInts that
 * is rounded once. The definitions are those of textbooks: products of distances from the means.
 */
import type { AggregateOptions, TypeSpec, Value } from "../../../packages/core/src/specs.ts";
import type { OracleFault } from "./planted-faults.ts";
import { finite, lessThanRows, nearestRoot, unitsOfAll } from "./statistics.ts";

/** The sum of n·(distance of a) times n·(distance of b) from their means. */
function jointDistances(a: readonly bigint[], b: readonly bigint[]): bigint {
  const n = BigInt(a.length);
  const [sumA, sumB] = [a, b].map((all) => all.reduce((x, y) => x + y, 0n)) as [bigint, bigint];
  return a.reduce((total, x, i) => total + (n * x - sumA) * (n * b[i]! - sumB), 0n);
}

/**
 * Computes a statistic; undefined: it is none of these. No row has a null. A slope is per `unit` of
 * the second number.
 */
export function jointStatistic(
  name: string,
  columns: readonly TypeSpec[],
  rows: readonly (readonly Value[])[],
  options: AggregateOptions,
  fault: OracleFault | null,
  unit = 1n,
): Value | undefined {
  const n = BigInt(rows.length);
  const [first, second] = columns.map((column, i) =>
    unitsOfAll(
      column,
      rows.map((row) => row[i]!),
    ),
  );
  const joint = jointDistances(first!.units, second!.units);
  const spreadOf = ({ units }: typeof first & object): bigint => jointDistances(units, units);
  switch (name) {
    case "covariance": {
      const less = lessThanRows(options, fault);
      if (rows.length <= less) return null;
      const perOne = first!.perOne * second!.perOne;
      return finite([joint, n * n * (n - BigInt(less)) * perOne]);
    }
    case "correlation": {
      const spreads = spreadOf(first!) * spreadOf(second!);
      if (spreads === 0n) return null;
      const root = nearestRoot([joint ** 2n, spreads])!;
      return joint < 0n ? -root : root;
    }
    case "slope": {
      const spread = spreadOf(second!);
      if (spread === 0n) return null;
      return finite([joint * second!.perOne * unit, spread * first!.perOne]);
    }
    default:
      return undefined;
  }
}
