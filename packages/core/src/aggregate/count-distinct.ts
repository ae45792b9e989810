import { valueAt, type Vector } from "../columns/batch.ts";
import type { Aggregate } from "./aggregate.ts";

/** How many different values there are; values are compared, not texts: 1.0 = 1.00, −0 = 0 (law 3). */
export function countDistinct(vector: Vector): Aggregate {
  return vector.is === "string" ? distinctCodes(vector.codes, vector.valid) : distinctValues(vector);
}

/** Equal strings have equal codes, so a stamp per code tells whether this window has seen it. */
function distinctCodes(codes: Int32Array, valid: Uint8Array | null): Aggregate {
  // the codes say how many there are: the texts themselves need not be decoded
  let size = 0;
  for (let row = 0; row < codes.length; row++) if (codes[row]! >= size) size = codes[row]! + 1;
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
    add(rows, length) {
      for (let i = 0; i < length; i++) {
        const row = rows[i]!;
        if (valid !== null && valid[row] === 0) continue;
        const code = codes[row]!;
        if (seen[code] === stamp) continue;
        seen[code] = stamp;
        different++;
      }
    },
    finish: () => BigInt(different),
  };
}

/** A Set holds −0 and 0 as one, and bigints and numbers by value; bytes go in as text. */
function distinctValues(vector: Vector): Aggregate {
  const seen = new Set<unknown>();
  return {
    reset() { seen.clear(); },
    add(rows, length) {
      for (let i = 0; i < length; i++) {
        const value = valueAt(vector, rows[i]!);
        if (value !== null) seen.add(value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value);
      }
    },
    finish: () => BigInt(seen.size),
  };
}
