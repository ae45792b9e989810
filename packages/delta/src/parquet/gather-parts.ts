/** Gathers rows of a column of lists, maps or structs into a new vector. */
import { layoutOf, TidemarkError, typeOf } from "@tidemark/core/internal/columns";
import type { ColumnSpec, TypeSpec, Vector } from "@tidemark/core/spi";
import type { Piece } from "./gather.ts";

/**
 * Gathers a column with parts. Its dictionaries then hold only texts of these rows.
 *
 * @throws COLUMN_TYPE_CONFLICT when a batch has the column with another type.
 */
export function gatherParts(column: ColumnSpec, pieces: readonly Piece[], where: string): Vector {
  let length = 0;
  for (const { from, to } of pieces) length += to - from;
  const absent = typeOf(column).layout.missing(1);
  const vectors = pieces.map(({ batch }) => {
    const index = batch.columns.findIndex(({ name }) => name === column.name);
    return index < 0 ? absent : batch.vectors[index]!;
  });
  for (const vector of vectors) checkKinds(column, vector, column.name, where);
  const vectorIndexes = new Int32Array(length);
  const rowIndexes = new Int32Array(length);
  const valid = new Uint8Array(length).fill(1);
  let nulls = 0;
  let at = 0;
  for (const [p, { rows, from, to }] of pieces.entries()) {
    const vector = vectors[p]!;
    for (let i = from; i < to; i++, at++) {
      const row = vector === absent ? 0 : rows === null ? i : rows[i]!;
      vectorIndexes[at] = p;
      rowIndexes[at] = row;
      if (vector.valid === null || vector.valid[row] === 1) continue;
      valid[at] = 0;
      nulls++;
    }
  }
  if (vectors.length === 0) return typeOf(column).layout.missing(0);
  return layoutOf(vectors[0]!).gather(
    vectors,
    vectorIndexes,
    rowIndexes,
    nulls === 0 ? null : valid,
  );
}

/** Refuses vectors of another type, in any part. */
function checkKinds(spec: TypeSpec, vector: Vector, name: string, where: string): void {
  if (vector.kind !== typeOf(spec).layout.kind)
    throw new TidemarkError(
      "COLUMN_TYPE_CONFLICT",
      `${where}: the rows bring column "${name}" as ${vector.kind}, and it is ${spec.type}; ` +
        "convert it first",
    );
  for (const { part, vector: values, name: partName } of partsOf(spec, vector))
    checkKinds(part, values, `${name}.${partName}`, where);
}

/** Finds a part that lacks a value though it is not nullable; null: there is none. */
export function partWithNulls(spec: TypeSpec, vector: Vector, name: string): string | null {
  for (const { part, vector: values, name: partName } of partsOf(spec, vector)) {
    const path = `${name}.${partName}`;
    // a field of a missing struct is missing too
    const within = vector.kind === "struct" ? vector.valid : null;
    if (!part.nullable && values.valid?.some((there, i) => there === 0 && within?.[i] !== 0))
      return path;
    const below = partWithNulls(part, values, path);
    if (below !== null) return below;
  }
  return null;
}

interface TypedPart {
  readonly name: string;
  readonly part: TypeSpec;
  readonly vector: Vector;
}

function partsOf(spec: TypeSpec, vector: Vector): readonly TypedPart[] {
  switch (vector.kind) {
    case "list":
      return [{ name: "element", part: spec.element!, vector: vector.elements }];
    case "map":
      return [
        { name: "key", part: { ...spec.keys!, nullable: false }, vector: vector.keys },
        { name: "value", part: spec.values!, vector: vector.values },
      ];
    case "struct":
      return spec.fields!.map((part, f) => ({ name: part.name, part, vector: vector.fields[f]! }));
    default:
      return [];
  }
}
