/** Leaves texts out of a dictionary that no row of a row group has. */
import type { Vector } from "@tidemark/core/spi";

/** The number of texts below which a dictionary is written as it is. */
const FEW_TEXTS = 64;
/** Where more than this part of the texts is used, the others stay. */
const MAX_USED_PART = 0.75;

/**
 * The same rows with the texts that they use, in the same order. Rows that were cut out of others
 * have the dictionary of all.
 */
export function withUsedTexts(vector: Vector): Vector {
  if (vector.kind !== "string" || vector.distinct === true) return vector;
  const { codes, dictionary, valid } = vector;
  if (dictionary.length < FEW_TEXTS) return vector;
  const places = new Int32Array(dictionary.length);
  for (let i = 0; i < codes.length; i++)
    if (valid === null || valid[i] === 1) places[codes[i]!] = 1;
  const used: string[] = [];
  for (let code = 0; code < places.length; code++)
    if (places[code] === 1) places[code] = used.push(dictionary[code]!) - 1;
  if (used.length > dictionary.length * MAX_USED_PART) return vector;
  const own = new Int32Array(codes.length);
  for (let i = 0; i < own.length; i++)
    own[i] = valid === null || valid[i] === 1 ? places[codes[i]!]! : -1;
  return { kind: "string", codes: own, dictionary: used, valid };
}
