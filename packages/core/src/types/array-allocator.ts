/** Allocates the arrays of vectors. A decoder may use the same arrays again. */

/** Each array has at least `length` items, with any content. */
export interface ArrayAllocator {
  bytes(length: number): Uint8Array;
  int32(length: number): Int32Array;
  int64(length: number): BigInt64Array;
  float64(length: number): Float64Array;
}

/** Makes each array anew. */
export const newArrays: ArrayAllocator = {
  bytes: (length) => new Uint8Array(length),
  int32: (length) => new Int32Array(length),
  int64: (length) => new BigInt64Array(length),
  float64: (length) => new Float64Array(length),
};

/**
 * An allocator that hands out the same arrays again after each reset, in the same order.
 * Allocating a typed array costs more than decoding into it.
 */
export function reusedArrays(): ArrayAllocator & { reset(): void } {
  const kinds = {
    bytes: arrayPool(newArrays.bytes),
    int32: arrayPool(newArrays.int32),
    int64: arrayPool(newArrays.int64),
    float64: arrayPool(newArrays.float64),
  };
  return {
    bytes: kinds.bytes.take,
    int32: kinds.int32.take,
    int64: kinds.int64.take,
    float64: kinds.float64.take,
    reset() {
      kinds.bytes.reset();
      kinds.int32.reset();
      kinds.int64.reset();
      kinds.float64.reset();
    },
  };
}

function arrayPool<A extends { readonly length: number }>(
  make: (length: number) => A,
): { take(length: number): A; reset(): void } {
  const arrays: A[] = [];
  let used = 0;
  return {
    take(length) {
      const reused = arrays[used];
      if (reused !== undefined && reused.length >= length) {
        used++;
        return reused;
      }
      return (arrays[used++] = make(length + (length >>> 1)));
    },
    reset() {
      used = 0;
    },
  };
}
