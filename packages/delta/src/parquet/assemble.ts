/** Assembles lists, maps and structs from the leaves of a column and their levels. */
import { lengthOf, typeOf } from "@tidemark/core/internal/columns";
import type { Vector } from "@tidemark/core/spi";
import { valueError, type SlotLevels } from "./chunk-reader.ts";
import {
  type ColumnPlan,
  type ListPlan,
  type MapPlan,
  partsOf,
  type StructPlan,
} from "./column-plan.ts";
import { ValueError } from "./convert.ts";
import { ascendingEntries } from "./map-order.ts";

/** A vector, and the levels of the first of its leaves. */
interface Part {
  readonly vector: Vector;
  readonly levels: SlotLevels;
}

/**
 * Assembles a column. `nextLeaf` reads its leaves, in the order of the schema.
 *
 * @throws PARQUET_VALUE when a map has a key twice, or a missing key.
 */
export function assembled(file: string, plan: ColumnPlan, nextLeaf: () => Part): Vector {
  const part = (of: ColumnPlan): Part => {
    if (of.kind === "leaf") return nextLeaf();
    const parts = partsOf(of).map(part);
    const { levels } = parts[0]!;
    const vectors = parts.map(({ vector }) => vector);
    const length = lengthOf(vectors[0]!);
    if (vectors.some((vector) => lengthOf(vector) !== length)) throw new Error(UNEQUAL);
    if (of.kind === "struct") return { vector: structOf(of, vectors, levels, length), levels };
    const ranges = rangesOf(of, levels);
    if (ranges.offsets.at(-1) !== length) throw new Error(UNEQUAL);
    return {
      vector:
        of.kind === "list"
          ? { kind: "list", ...ranges, elements: vectors[0]! }
          : ascendingEntries({ kind: "map", ...ranges, keys: vectors[0]!, values: vectors[1]! }),
      levels,
    };
  };
  try {
    return part(plan).vector;
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw valueError(file, plan.node.element.name, error);
  }
}

const UNEQUAL = "the parts of a column have different lengths";

/** Finds where lists begin and end, and which are missing. */
function rangesOf(
  { node, repeated, exists }: ListPlan | MapPlan,
  { definition, repetition }: SlotLevels,
): { readonly offsets: Int32Array; readonly valid: Uint8Array | null } {
  const isBegin = (i: number): boolean =>
    repetition[i]! < repeated.repetition && definition[i]! >= exists;
  let length = 0;
  for (let i = 0; i < definition.length; i++) if (isBegin(i)) length++;
  const offsets = new Int32Array(length + 1);
  const valid = new Uint8Array(length);
  let list = 0;
  let entries = 0;
  let present = 0;
  let isOpen = false;
  for (let i = 0; i < definition.length; i++) {
    if (repetition[i]! > repeated.repetition) continue;
    const hasEntry = definition[i]! >= repeated.definition;
    if (repetition[i] === repeated.repetition && !(isOpen && hasEntry))
      throw new Error("a list goes on after its end");
    if (isBegin(i)) {
      offsets[list] = entries;
      if (definition[i]! >= node.definition) {
        valid[list] = 1;
        present++;
      }
      list++;
    }
    if (hasEntry) entries++;
    isOpen = hasEntry;
  }
  offsets[length] = entries;
  return { offsets, valid: present === length ? null : valid };
}

function structOf(
  { node, exists, fields }: StructPlan,
  vectors: readonly Vector[],
  { definition, repetition }: SlotLevels,
  length: number,
): Vector {
  const valid = new Uint8Array(length);
  let row = 0;
  let present = 0;
  for (let i = 0; i < definition.length; i++) {
    if (repetition[i]! > node.repetition || definition[i]! < exists) continue;
    if (definition[i]! >= node.definition) {
      valid[row] = 1;
      present++;
    }
    row++;
  }
  if (row !== length) throw new Error(UNEQUAL);
  let next = 0;
  return {
    kind: "struct",
    fields: fields.map((field) =>
      field.kind === "absent" ? typeOf(field.spec).layout.missing(length) : vectors[next++]!,
    ),
    valid: present === length ? null : valid,
  };
}
