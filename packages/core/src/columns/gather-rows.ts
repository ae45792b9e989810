/**
 * Gathers rows out of many batches, one column at a time.
 * The result equals that of a `VectorBuilder` fed value by value.
 */
import { layoutOf } from "../types/layouts/layouts.ts";
import { gatherValidity } from "../types/layouts/validity.ts";
import { refuseOtherKinds, type Vector } from "../types/vector.ts";

/**
 * Row r of the result is row `rowIndexes[r]` of `vectors[vectorIndexes[r]]`.
 * There is at least one vector, and all are of one kind.
 */
export function gatherRows(
  vectors: readonly Vector[],
  vectorIndexes: Int32Array,
  rowIndexes: Int32Array,
): Vector {
  refuseOtherKinds(vectors);
  const valid = gatherValidity(vectors, vectorIndexes, rowIndexes);
  return layoutOf(vectors[0]!).gather(vectors, vectorIndexes, rowIndexes, valid);
}

/** For each row of one vector: the vector has the index 0. */
let zeros = new Int32Array(0);

/** Row r of the result is row `rowIndexes[r]` of the vector. */
export function pickRows(vector: Vector, rowIndexes: Int32Array): Vector {
  const { length } = rowIndexes;
  if (zeros.length < length) zeros = new Int32Array(length);
  return gatherRows([vector], zeros.subarray(0, length), rowIndexes);
}
