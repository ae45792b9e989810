/** The layouts of vectors, by kind. */
import type { NestedKind, ScalarKind, Vector, VectorOf } from "../vector.ts";
import type { VectorLayout, VectorMoves } from "../vector-layout.ts";
import { nestedMoves } from "./nested-moves.ts";
import { textLayout } from "./texts.ts";
import {
  bigLayout,
  booleanLayout,
  bytesLayout,
  float64Layout,
  int32Layout,
  int64Layout,
} from "./values.ts";

const layouts: { readonly [K in ScalarKind]: VectorLayout<VectorOf<K>> } & {
  readonly [K in NestedKind]: VectorMoves<VectorOf<K>>;
} = {
  string: textLayout,
  int32: int32Layout,
  int64: int64Layout,
  float64: float64Layout,
  boolean: booleanLayout,
  big: bigLayout,
  bytes: bytesLayout,
  ...nestedMoves(layoutOf),
};

/** The layout of vectors of this kind. What has parts can only be moved without its type. */
export function layoutOf(vector: { readonly kind: ScalarKind }): VectorLayout;
export function layoutOf(vector: Pick<Vector, "kind">): VectorMoves;
export function layoutOf({ kind }: Pick<Vector, "kind">): VectorMoves {
  return layouts[kind];
}
