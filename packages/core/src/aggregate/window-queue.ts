/** Answers windows whose rows enter and leave in the order of time. */
import type { Vector } from "../columns/batch.ts";
import type { TypeSpec, Value } from "../specs.ts";
import { scalarTypeOf } from "../types/value-types.ts";
import { vectorOfKind } from "../types/vector.ts";

/**
 * The answers of one aggregate to windows that move forward over the rows of one entity after
 * another. Rows leave in the order in which they entered.
 */
export interface WindowQueue {
  /** Begins with an entity whose rows start here. Rows with a flag of 0 do not count. */
  begin(vectors: readonly Vector[], passes: Uint8Array | null, start: number): void;
  /** Moves the window to the rows [first, last). Neither is before that of the last window. */
  moveTo(first: number, last: number): Value;
  /** The answer to a window that has one more row than the one whose answer this is. */
  withRow(answer: Value, row: number): Value;
}

/** Whether the values of a type are numbers in a typed array. */
export function isNumber({ type }: TypeSpec): boolean {
  return scalarTypeOf(type).layout.kind === "float64";
}

/**
 * Makes the queue of the smallest (`sign` −1) or largest (`sign` 1) number. It keeps the rows that
 * can still be the answer: each of them is better than all that entered later. Each row enters and
 * leaves once. The method is known as the monotonic queue.
 */
export function extremeQueue(sign: -1 | 1): WindowQueue {
  let values = new Float64Array(0);
  let valid: Uint8Array | null = null;
  let passes: Uint8Array | null = null;
  /** Candidates [head, tail), the best first. Their values have the sign. */
  let rows = new Int32Array(64);
  let best = new Float64Array(64);
  let head = 0;
  let tail = 0;
  let entered = 0;

  function makeRoom(): void {
    const [keptRows, keptBest] = [rows.subarray(head, tail), best.subarray(head, tail)];
    if (head < rows.length / 2) {
      rows = new Int32Array(rows.length * 2);
      best = new Float64Array(rows.length);
      rows.set(keptRows);
      best.set(keptBest);
    } else {
      rows.copyWithin(0, head, tail);
      best.copyWithin(0, head, tail);
    }
    tail -= head;
    head = 0;
  }

  const isThere = (row: number): boolean => valid === null || valid[row] === 1;

  return {
    begin(vectors, flags, start) {
      ({ values, valid } = vectorOfKind(vectors[0]!, "float64") as {
        values: Float64Array<ArrayBuffer>;
        valid: Uint8Array | null;
      });
      passes = flags;
      head = tail = 0;
      entered = start;
    },
    moveTo(first, last) {
      // rows that have left before they entered need no place
      for (let row = Math.max(entered, first); row < last; row++) {
        if (!isThere(row)) continue;
        if (passes !== null && passes[row] === 0) continue;
        const value = sign * values[row]!;
        while (tail > head && best[tail - 1]! <= value) tail--;
        if (tail === rows.length) makeRoom();
        rows[tail] = row;
        best[tail++] = value;
      }
      entered = Math.max(entered, last);
      while (head < tail && rows[head]! < first) head++;
      if (head === tail) return null;
      // −0 is 0 (law 3: one order of values)
      return sign * best[head]! + 0;
    },
    withRow(answer, row) {
      if (!isThere(row)) return answer;
      const value = values[row]! + 0;
      return answer === null || sign * value > sign * (answer as number) ? value : answer;
    },
  };
}
