import { valueAt, type Vector } from "../columns/batch.ts";
import type { Aggregate } from "./aggregate.ts";

/** How many different values there are; values are compared, not texts: 1.0 = 1.00, −0 = 0 (law 3). */
export function countDistinct(vector: Vector): Aggregate {
  return vector.is === "string" ? distinctCodes(vector.codes, vector.valid, vector.dictionary.length) : distinctValues(vector);
}

/** Equal strings have equal codes, so a stamp per code tells whether this window has seen it. */
function distinctCodes(codes: Int32Array, valid: Uint8Array | null, size: number): Aggregate {
  const seen = new Uint32Array(size);
  let stamp = 1;
  let different = 0;
  return {
    reset() {
      different = 0;
      if (++stamp > 0xffffffff) {
        seen.fill(0);
        stamp = 1;
      }
    },
    add(row) {
      if (valid !== null && valid[row] === 0) return;
      const code = codes[row]!;
      if (seen[code] === stamp) return;
      seen[code] = stamp;
      different++;
    },
    finish: () => BigInt(different),
  };
}

/** A Set holds −0 and 0 as one, and bigints and numbers by value; bytes go in as text. */
function distinctValues(vector: Vector): Aggregate {
  const seen = new Set<unknown>();
  return {
    reset() { seen.clear(); },
    add(row) {
      const value = valueAt(vector, row);
      if (value !== null) seen.add(value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value);
    },
    finish: () => BigInt(seen.size),
  };
}
