/** The memory of events, and copies of events that share no memory with others. */
import { pickRows } from "../columns/gather-rows.ts";
import { sequence } from "../columns/sequence.ts";
import type { Vector } from "../types/vector.ts";
import type { EventBatch } from "./event-batch.ts";

/** The memory of a text, or of another value that is an object, about. */
const OBJECT_BYTES = 48;

/** The bytes of a batch in memory, about. */
export function bytesOfBatch({ length, from, vectors }: EventBatch): number {
  const times = from === null ? 12 : 28;
  return vectors.reduce((sum, vector) => sum + bytesOfVector(vector), length * times);
}

function bytesOfVector(vector: Vector): number {
  const valid = vector.valid?.byteLength ?? 0;
  switch (vector.kind) {
    case "string":
      return valid + vector.codes.byteLength + vector.dictionary.length * OBJECT_BYTES;
    case "big":
      return valid + vector.values.length * OBJECT_BYTES;
    case "bytes":
      return vector.values.reduce((sum, one) => sum + one.length + OBJECT_BYTES, valid);
    case "list":
      return valid + vector.offsets.byteLength + bytesOfVector(vector.elements);
    case "map":
      return (
        valid +
        vector.offsets.byteLength +
        bytesOfVector(vector.keys) +
        bytesOfVector(vector.values)
      );
    case "struct":
      return vector.fields.reduce((sum, field) => sum + bytesOfVector(field), valid);
    default:
      return valid + vector.values.byteLength;
  }
}

/**
 * Copies a batch out of the memory that it shares, so that it can be written or sent alone. A
 * dictionary with more texts than rows is cut to the texts of the rows.
 */
export function ownBatch({ length, entity, time, from, to, vectors }: EventBatch): EventBatch {
  return {
    length,
    entity: own(entity),
    time: own(time),
    from: from && own(from),
    to: to && own(to),
    vectors: vectors.map((vector) => ownVector(vector, length)),
  };
}

/**
 * A batch that can be written alone. A writer of arrays writes their rows only, so no number is
 * copied. A dictionary with more texts than rows is cut to the texts of the rows.
 */
export function writableBatch(batch: EventBatch): EventBatch {
  const { length, vectors } = batch;
  return {
    ...batch,
    vectors: vectors.map((vector) => ownVector(vector, length, (array) => array)),
  };
}

type Numbers = Int32Array | Float64Array | Uint8Array | BigInt64Array;

function own<A extends Numbers>(values: A): A {
  return values.slice() as A;
}

/** The same, of one vector. */
export function ownVector(
  vector: Vector,
  length: number,
  taken: <A extends Numbers>(values: A) => A = own,
): Vector {
  const valid = vector.valid && taken(vector.valid);
  switch (vector.kind) {
    case "float64":
    case "int64":
    case "int32":
    case "boolean":
      return {
        ...vector,
        values: taken<Float64Array>(vector.values as Float64Array),
        valid,
      } as Vector;
    case "string": {
      const { codes, dictionary } = vector;
      if (dictionary.length <= length)
        return { kind: "string", codes: taken(codes), dictionary, valid };
    }
  }
  // the texts and the elements of a slice may be few of many
  return plainVector(pickRows(vector, sequence(length)));
}

/**
 * A vector whose arrays are its own, as plain objects: the texts of a vector may be decoded on
 * first use, and bytes may lie in the memory of others.
 */
function plainVector(vector: Vector): Vector {
  switch (vector.kind) {
    case "string": {
      const { codes, dictionary, valid } = vector;
      return { kind: "string", codes, dictionary, valid };
    }
    case "bytes":
      return { ...vector, values: vector.values.map((one) => one.slice()) };
    case "list":
      return { ...vector, elements: plainVector(vector.elements) };
    case "map":
      return { ...vector, keys: plainVector(vector.keys), values: plainVector(vector.values) };
    case "struct":
      return { ...vector, fields: vector.fields.map(plainVector) };
    default:
      return vector;
  }
}

/** The buffers of a batch that a thread may take over. Values that are objects are copied. */
export function buffersOfBatch({ entity, time, from, to, vectors }: EventBatch): ArrayBuffer[] {
  const buffers = [entity, time, from, to].flatMap((one) => (one === null ? [] : [bufferOf(one)]));
  return [...buffers, ...vectors.flatMap(buffersOfVector)];
}

/** The buffers of a vector that a thread may take over. */
export function buffersOfVector(vector: Vector): ArrayBuffer[] {
  const valid = vector.valid === null ? [] : [bufferOf(vector.valid)];
  switch (vector.kind) {
    case "string":
      return [...valid, bufferOf(vector.codes)];
    case "big":
    case "bytes":
      return valid;
    case "list":
      return [...valid, bufferOf(vector.offsets), ...buffersOfVector(vector.elements)];
    case "map": {
      const { offsets, keys, values } = vector;
      return [...valid, bufferOf(offsets), ...buffersOfVector(keys), ...buffersOfVector(values)];
    }
    case "struct":
      return [...valid, ...vector.fields.flatMap(buffersOfVector)];
    default:
      return [...valid, bufferOf(vector.values)];
  }
}

function bufferOf({ buffer }: { readonly buffer: ArrayBufferLike }): ArrayBuffer {
  return buffer as ArrayBuffer;
}
