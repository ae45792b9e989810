import { valueAt, vectorOfKind, type Vector } from "../columns/batch.ts";
import { toHex } from "../bytes/bytes-text.ts";
import type { AnyExpr, SourceOf } from "../define/expression-types.ts";
import type { Aggregation, Ordered } from "../define/aggregations.ts";
import { makeAggregation } from "../define/make-aggregation.ts";
import { int64Count, type Aggregator, type Kernel } from "./aggregator.ts";
import { multisetAccumulator } from "../statistics/multiset.ts";

/**
 * Counts the different values, without nulls. Never null (law 3: 1.0 equals 1.00).
 *
 * @throws DEFINITION_INVALID when the argument is no column, and no function of columns.
 * @throws TYPE_MISMATCH when its values are json.
 *
 * @example
 * const vendors_l1w = countDistinct(transactions.vendor).over("7d");
 */
export function countDistinct<E extends AnyExpr>(
  x: Ordered<E>,
): Aggregation<SourceOf<E>, number, "int64"> {
  return makeAggregation(countDistinctAggregator, [x]);
}

/** The record of `countDistinct`. */
export const countDistinctAggregator: Aggregator = {
  name: "countDistinct",
  parameters: [{ name: "x", accepts: "ordered" }],
  result: () => ({ type: "int64", nullable: false, mode: "number" }),
  empty: () => 0n,
  class: "multiset",
  accumulator: ([form]) => multisetAccumulator(form!.type, ({ size }) => int64Count(size)),
  // A kernel counts codes, or needs no counts of the values, so it is faster.
  kernel: ([form]) =>
    form!.type === "string" || form!.type === "json" ? distinctCodes() : distinctValues(),
  sql: "answer",
  rule: "different values; 1.0 equals 1.00",
  examples: [{ call: "countDistinct(k)", arguments: ["k"], answer: 3n }],
};

/**
 * Counts dictionary codes: equal strings have equal codes.
 * A stamp per code says whether the current window has seen the code, and a count in how many rows.
 */
function distinctCodes(): Kernel {
  let codes: Int32Array = new Int32Array(0);
  let valid: Uint8Array | null = null;
  let lastSeen: Uint32Array = new Uint32Array(16);
  let counts: Uint32Array = new Uint32Array(16);
  let windowNumber = 1;
  let different = 0;
  return {
    // The texts need not be decoded.
    bind([vector]) {
      ({ codes, valid } = vectorOfKind(vector!, "string"));
    },
    reset() {
      different = 0;
      if (++windowNumber > 0xffffffff) {
        lastSeen.fill(0);
        windowNumber = 1;
      }
    },
    add(rows, length) {
      for (let i = 0; i < length; i++) {
        const row = rows[i]!;
        if (valid !== null && valid[row] === 0) continue;
        const code = codes[row]!;
        if (code >= lastSeen.length) {
          lastSeen = grown(lastSeen, code);
          counts = grown(counts, code);
        }
        if (lastSeen[code] !== windowNumber) {
          lastSeen[code] = windowNumber;
          counts[code] = 0;
        }
        if (counts[code]!++ === 0) different++;
      }
    },
    subtract(rows, length) {
      for (let i = 0; i < length; i++) {
        const row = rows[i]!;
        if (valid !== null && valid[row] === 0) continue;
        if (--counts[codes[row]!]! === 0) different--;
      }
    },
    finish: () => int64Count(different),
  };
}

function grown(values: Uint32Array, code: number): Uint32Array {
  const more = new Uint32Array((code + 1) * 2);
  more.set(values);
  return more;
}

/**
 * Counts values in a Set, which compares numbers and bigints by value and takes −0 for 0.
 * Bytes go in as text.
 */
function distinctValues(): Kernel {
  let vector: Vector | null = null;
  const seen = new Set<unknown>();
  return {
    bind([next]) {
      vector = next!;
    },
    reset() {
      seen.clear();
    },
    add(rows, length) {
      for (let i = 0; i < length; i++) {
        const value = valueAt(vector!, rows[i]!);
        if (value !== null) seen.add(value instanceof Uint8Array ? toHex(value) : value);
      }
    },
    finish: () => int64Count(seen.size),
  };
}
