/** Compares two answers to the same question, value by value. */
import { isDeepStrictEqual } from "node:util";

export interface Difference {
  /** The index of the row in both lists. */
  readonly row: number;
  readonly feature: string;
  readonly left: unknown;
  readonly right: unknown;
}

export interface Comparison {
  readonly compared: number;
  readonly differences: readonly Difference[];
}

/** Compares bit for bit: 0 and −0 differ, and so do 0.1 + 0.2 and 0.3. */
export function compare(
  features: readonly string[],
  left: readonly object[],
  right: readonly object[],
): Comparison {
  const differences: Difference[] = [];
  left.forEach((one, row) => {
    for (const feature of features) {
      const a = (one as Readonly<Record<string, unknown>>)[feature];
      const b = (right[row] as Readonly<Record<string, unknown>>)[feature];
      if (!isDeepStrictEqual(a, b)) differences.push({ row, feature, left: a, right: b });
    }
  });
  return { compared: left.length * features.length, differences };
}
