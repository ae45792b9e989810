import { valueAt, vectorOfKind, type Vector } from "../columns/batch.ts";
import { compareValues } from "../columns/compare.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import type { Aggregate } from "./aggregate.ts";

/**
 * The smallest (`sign` −1) or largest (`sign` 1) value, or null for an empty window (law 3: one
 * order of values).
 */
export function extreme(column: ColumnSpec, sign: -1 | 1): Aggregate {
  return column.type === "float64" || column.type === "timestamp"
    ? extremeNumber(sign)
    : extremeValue(column, sign);
}

function extremeNumber(sign: -1 | 1): Aggregate {
  let values: Float64Array = new Float64Array(0);
  let valid: Uint8Array | null = null;
  const nothing = sign * -Infinity;
  let best = nothing;
  return {
    bind(vector) {
      ({ values, valid } = vectorOfKind(vector, "float64"));
    },
    reset() {
      best = nothing;
    },
    add(rows, length) {
      for (let i = 0; i < length; i++) {
        const row = rows[i]!;
        if (valid !== null && valid[row] === 0) continue;
        const value = values[row]!;
        if (sign < 0 ? value < best : value > best) best = value;
      }
    },
    finish: () => (best === nothing ? null : best === 0 ? 0 : best),
  };
}

function extremeValue(column: ColumnSpec, sign: -1 | 1): Aggregate {
  let vector: Vector | null = null;
  let best: Value = null;
  return {
    bind(next) {
      vector = next;
    },
    reset() {
      best = null;
    },
    add(rows, length) {
      for (let i = 0; i < length; i++) {
        const value = valueAt(vector!, rows[i]!);
        if (value !== null && (best === null || compareValues(column.type, value, best) * sign > 0))
          best = value;
      }
    },
    finish: () => best,
  };
}
