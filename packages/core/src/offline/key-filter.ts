/** Finds the rows of batches whose primary keys are in a set. */
import type { HistoryContext } from "./history-context.ts";
import { selectRows, valueAt, type Batch, type Vector } from "../columns/batch.ts";
import { primaryKeyIndexes } from "../rows/row-change.ts";
import type { Value } from "../specs.ts";

/** Bits of the filter for each key: at most one of sixteen other keys passes. */
const BITS_PER_KEY = 16;

/** Keys by the text that identifies them. */
export interface KeySet {
  readonly size: number;
  has(text: string): boolean;
  values(): Iterable<{ readonly key: readonly Value[] }>;
}

/** The text of the key of row `i` if the key is in the set. null: it is not. */
export type FindKey = (i: number) => string | null;

type KeyContext = Pick<HistoryContext, "source" | "tables" | "rows">;

/** The columns of the versions table that hold the primary key. */
export function keyNames({ source, tables }: Omit<KeyContext, "rows">): readonly string[] {
  return primaryKeyIndexes(source).map((index) => tables.declared[index]!.name);
}

/**
 * Finds keys in batches whose columns have these names. A filter looks at one integer column of the
 * key first, which is cheaper than the text of a key.
 */
export function keyFinder(
  context: KeyContext,
  keys: KeySet,
  names: readonly string[],
): (batch: Pick<Batch, "vectors">) => FindKey {
  const columns = keyNames(context).map((name) => names.indexOf(name));
  const mayContain = integerFilter(context, keys);
  return ({ vectors }) => {
    const own = columns.map((c) => vectors[c]!);
    const passes = mayContain(own);
    return (i) => {
      if (!passes(i)) return null;
      const text = context.rows.textOf(own.map((vector) => valueAt(vector, i)));
      return keys.has(text) ? text : null;
    };
  };
}

/** The rows whose keys none of these finds. */
export function withoutKeys(batch: Batch, finders: readonly FindKey[]): Batch {
  if (finders.length === 0) return batch;
  const kept = new Uint8Array(batch.length);
  for (let i = 0; i < kept.length; i++) kept[i] = finders.every((find) => find(i) === null) ? 1 : 0;
  return selectRows(batch, kept);
}

/**
 * The least and greatest value of an integer column of the keys, so that a scan skips files and row
 * groups without them. undefined: there is no such column.
 */
export function keyRange(
  { source, tables }: KeyContext,
  keys: KeySet,
): { readonly column: string; readonly min: number; readonly max: number } | undefined {
  const k = integerColumn(source);
  if (k < 0 || keys.size === 0) return undefined;
  let [min, max]: [bigint | null, bigint | null] = [null, null];
  for (const { key } of keys.values()) {
    const value = key[k] as bigint;
    if (min === null || value < min) min = value;
    if (max === null || value > max) max = value;
  }
  const safe = BigInt(Number.MAX_SAFE_INTEGER);
  if (min === null || max === null || min < -safe || max > safe) return undefined;
  const column = keyNames({ source, tables })[k]!;
  return { column, min: Number(min), max: Number(max) };
}

/** The place of the first integer column in the primary key; −1: there is none. */
function integerColumn(source: KeyContext["source"]): number {
  return primaryKeyIndexes(source).findIndex((index) => source.columns[index]!.type === "int64");
}

/** Whether the key of row `i` may be in the set. False: it is not. */
type MayContain = (i: number) => boolean;

const always: MayContain = () => true;

/** Makes the filter of an integer column. Without one, each row passes. */
function integerFilter(
  { source }: KeyContext,
  keys: KeySet,
): (vectors: readonly Vector[]) => MayContain {
  const k = integerColumn(source);
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
  return (vectors) => {
    const vector = vectors[k]!;
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
