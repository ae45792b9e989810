/** The layout of lists and maps: offsets into the vectors of their parts. */
import type { Value } from "../../specs.ts";
import { GrowingArray, GrowingValidity } from "../layouts/growing-array.ts";
import type { VectorOf } from "../vector.ts";
import type { Element, VectorLayout, VectorMoves } from "../vector-layout.ts";

/** Makes the layout of lists or of maps. A value is an array of items. */
export function rangedLayout<V extends VectorOf<"list"> | VectorOf<"map">>(
  moves: VectorMoves<V>,
  element: Element,
  /** Makes the vector of `items`, the items of all values one after the other. */
  make: (offsets: Int32Array, items: readonly Value[], valid: Uint8Array | null) => V,
): VectorLayout<V> {
  const of = <Row>(rows: readonly Row[], valueOf: (row: Row) => Value): V => {
    const offsets = new Int32Array(rows.length + 1);
    const items: Value[] = [];
    let valid: Uint8Array | null = null;
    for (let i = 0; i < rows.length; i++) {
      const value = valueOf(rows[i]!) as readonly Value[] | null;
      if (value === null) (valid ??= new Uint8Array(rows.length).fill(1))[i] = 0;
      else for (const item of value) items.push(item);
      offsets[i + 1] = items.length;
    }
    return make(offsets, items, valid);
  };
  return {
    ...moves,
    element,
    builder(capacity) {
      const offsets = new GrowingArray((length) => new Int32Array(length), capacity + 1);
      const valid = new GrowingValidity(capacity);
      const items: Value[] = [];
      offsets.push(0);
      return {
        push(value) {
          if (valid.push(value)) for (const item of value as readonly Value[]) items.push(item);
          offsets.push(items.length);
        },
        finish: () => make(offsets.array(), items, valid.finish()),
      };
    },
    of,
    missing: (length) => make(new Int32Array(length + 1), [], new Uint8Array(length)),
  };
}
