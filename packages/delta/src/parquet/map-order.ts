/** Brings the entries of maps of foreign files into the order of their keys. */
import { layoutOf, lengthOf } from "@tidemark/core/internal/columns";
import type { Vector } from "@tidemark/core/spi";
import { ValueError } from "./convert.ts";
import { compareCodePoints } from "./statistics.ts";

type MapVector = Extract<Vector, { kind: "map" }>;
type Compare = (a: number, b: number) => number;

/**
 * Returns the maps with ascending keys, as Tidemark holds them. Its own files have them so.
 *
 * @throws ValueError when a key is missing, or twice in one map.
 */
export function ascendingEntries(maps: MapVector): MapVector {
  const { offsets, keys } = maps;
  if (keys.valid !== null) throw new ValueError("has a map with a missing key");
  const compare = comparison(keys);
  if (isAscending(offsets, compare)) return maps;
  const order = Int32Array.from({ length: lengthOf(keys) }, (_, entry) => entry);
  for (let i = 0; i + 1 < offsets.length; i++)
    order.subarray(offsets[i]!, offsets[i + 1]!).sort(compare);
  const gathered = (vector: Vector): Vector => {
    const valid = vector.valid && Uint8Array.from(order, (entry) => vector.valid![entry]!);
    return layoutOf(vector).gather([vector], new Int32Array(order.length), order, valid);
  };
  const sorted = { ...maps, keys: gathered(keys), values: gathered(maps.values) };
  if (!isAscending(offsets, comparison(sorted.keys)))
    throw new ValueError("has a map with the same key twice");
  return sorted;
}

function isAscending(offsets: Int32Array, compare: Compare): boolean {
  for (let i = 0; i + 1 < offsets.length; i++)
    for (let entry = offsets[i]! + 1; entry < offsets[i + 1]!; entry++)
      if (compare(entry - 1, entry) >= 0) return false;
  return true;
}

/** Compares keys by their entry (law 3: one order of values). */
function comparison(keys: Vector): Compare {
  switch (keys.kind) {
    case "string": {
      const { codes, dictionary } = keys;
      return (a, b) => compareCodePoints(dictionary[codes[a]!]!, dictionary[codes[b]!]!);
    }
    case "bytes":
      return (a, b) => Buffer.compare(keys.values[a]!, keys.values[b]!);
    case "list":
    case "map":
    case "struct":
      throw new TypeError(`a ${keys.kind} cannot be a key`);
    default: {
      const values: ArrayLike<number | bigint> = keys.values;
      return (a, b) => (values[a]! < values[b]! ? -1 : values[a]! > values[b]! ? 1 : 0);
    }
  }
}
