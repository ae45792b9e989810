import type { Vector } from "../columns/batch.ts";
import { int64Count, type Aggregate } from "./aggregate.ts";

/**
 * `count()` counts rows; `count(column)` counts the rows with a value there (law 9: nulls are
 * ignored).
 */
export function count(): Aggregate {
  let valid: Uint8Array | null = null;
  let rows = 0;
  return {
    bind(vector: Vector | null) {
      valid = vector?.valid ?? null;
    },
    reset() {
      rows = 0;
    },
    add(list, length) {
      if (valid === null) rows += length;
      else for (let i = 0; i < length; i++) rows += valid[list[i]!]!;
    },
    finish: () => int64Count(rows),
  };
}
