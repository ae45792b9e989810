import { valueAt, type Vector } from "../columns/batch.ts";
import { compareValues } from "../columns/compare.ts";
import type { ColumnSpec, Value } from "../model.ts";
import type { Aggregate } from "./aggregate.ts";

/** The smallest (`sign` −1) or largest (`sign` 1) value in the order of law 3; null where there is none. */
export function extreme(vector: Vector, column: ColumnSpec, sign: -1 | 1): Aggregate {
  return vector.is === "float64" ? extremeNumber(vector.values, vector.valid, sign) : extremeValue(vector, column, sign);
}

function extremeNumber(values: Float64Array, valid: Uint8Array | null, sign: -1 | 1): Aggregate {
  const nothing = sign * -Infinity;
  let best = nothing;
  return {
    reset() { best = nothing; },
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

function extremeValue(vector: Vector, column: ColumnSpec, sign: -1 | 1): Aggregate {
  let best: Value = null;
  return {
    reset() { best = null; },
    add(rows, length) {
      for (let i = 0; i < length; i++) {
        const value = valueAt(vector, rows[i]!);
        if (value !== null && (best === null || compareValues(column.kind, value, best) * sign > 0)) best = value;
      }
    },
    finish: () => best,
  };
}
