import { valueAt, vectorOfKind, type Vector } from "../columns/batch.ts";
import type { ColumnSpec } from "../specs.ts";
import { int64Count, type Aggregate } from "./aggregate.ts";

/** Counts the different values. Values are compared, not texts (law 3: 1.0 = 1.00, −0 = 0). */
export function countDistinct(column: ColumnSpec): Aggregate {
  return column.type === "string" || column.type === "json" ? distinctCodes() : distinctValues();
}

/**
 * Counts dictionary codes: equal strings have equal codes.
 * A stamp per code says whether the current window has seen the code.
 */
function distinctCodes(): Aggregate {
  let codes: Int32Array = new Int32Array(0);
  let valid: Uint8Array | null = null;
  let lastSeen: Uint32Array = new Uint32Array(16);
  let windowNumber = 1;
  let different = 0;
  return {
    // The texts need not be decoded.
    bind(vector) {
      ({ codes, valid } = vectorOfKind(vector, "string"));
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
        if (code >= lastSeen.length) lastSeen = grown(lastSeen, code);
        if (lastSeen[code] === windowNumber) continue;
        lastSeen[code] = windowNumber;
        different++;
      }
    },
    finish: () => int64Count(different),
  };
}

function grown(seen: Uint32Array, code: number): Uint32Array {
  const more = new Uint32Array((code + 1) * 2);
  more.set(seen);
  return more;
}

/**
 * Counts values in a Set, which compares numbers and bigints by value and takes −0 for 0.
 * Bytes go in as text.
 */
function distinctValues(): Aggregate {
  let vector: Vector | null = null;
  const seen = new Set<unknown>();
  return {
    bind(next) {
      vector = next;
    },
    reset() {
      seen.clear();
    },
    add(rows, length) {
      for (let i = 0; i < length; i++) {
        const value = valueAt(vector!, rows[i]!);
        if (value !== null)
          seen.add(value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value);
      }
    },
    finish: () => int64Count(seen.size),
  };
}
