/** Finds the rows of a batch whose keys may be in a set, without reading the keys one by one. */
import type { Batch } from "../columns/batch.ts";
import { primaryKeyIndexes } from "../rows/row-change.ts";
import type { SourceSpec, Value } from "../specs.ts";

/** Bits of the filter for each key: at most one of sixteen other keys passes. */
const BITS_PER_KEY = 16;

/** Whether the key of row `i` may be in the set. False: it is not. */
type MayContain = (i: number) => boolean;

const always: MayContain = () => true;

/**
 * Makes the filter of a set of primary keys. It looks at one integer column of the key, which is
 * cheaper than the text of a key. Without an integer column, each row passes.
 */
export function keyFilter(
  source: SourceSpec,
  keys: { readonly size: number; values(): Iterable<{ readonly key: readonly Value[] }> },
): (batch: Pick<Batch, "vectors">) => MayContain {
  const primaryKey = primaryKeyIndexes(source);
  const k = primaryKey.findIndex((index) => source.columns[index]!.type === "int64");
  if (k < 0) return () => always;
  const bits = 2 ** Math.max(5, Math.ceil(Math.log2(keys.size * BITS_PER_KEY + 1)));
  const mask = bits - 1;
  const words = new Int32Array(bits / 32);
  const long = new BigInt64Array(1);
  const halves = new Int32Array(long.buffer);
  for (const { key } of keys.values()) {
    long[0] = key[k] as bigint;
    const bit = hash(halves[0]!, halves[1]!) & mask;
    words[bit >>> 5]! |= 1 << (bit & 31);
  }
  const has = (bit: number): boolean => ((words[bit >>> 5]! >>> (bit & 31)) & 1) === 1;
  return ({ vectors }) => {
    const vector = vectors[primaryKey[k]!]!;
    if (vector.kind !== "int64") return always;
    const { buffer, byteOffset, length } = vector.values;
    const pairs = new Int32Array(buffer, byteOffset, length * 2);
    return (i) => has(hash(pairs[2 * i]!, pairs[2 * i + 1]!) & mask);
  };
}

/** Mixes both halves of an integer. */
function hash(a: number, b: number): number {
  const mixed = Math.imul(a ^ Math.imul(b, 0x85ebca6b), 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
