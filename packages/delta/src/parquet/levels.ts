/**
 * Makes the levels of a column with parts, and gathers the values of its leaves (Dremel's encoding:
 * a repetition level says which list a slot goes on, a definition level where a null or an empty
 * list is). It reads offsets and validity, and makes no JavaScript value for a row.
 */
import type { ScalarVector } from "@tidemark/core/internal";
import type { Vector } from "@tidemark/core/spi";
import type { ColumnPlan, LeafPlan, ListPlan, MapPlan } from "./column-plan.ts";
import type { ParquetNode } from "./schema-tree.ts";

/** The values of one leaf, without gaps, and the levels of its slots. */
export interface LeafValues {
  readonly leaf: LeafPlan;
  /** The values that are there. None is missing. */
  readonly values: ScalarVector;
  readonly count: number;
  /** One level for each slot. */
  readonly definition: Uint8Array;
  readonly repetition: Uint8Array;
}

/** The slots of a node: each is a row of the node's vector, or the place of a null above it. */
interface Slots {
  /** The row in the vector; −1: a null or an empty list above ends the slot. */
  readonly rows: Int32Array;
  readonly definition: Uint8Array;
  readonly repetition: Uint8Array;
}

/** Makes the leaves of a column, in the order of the file's schema. */
export function leafValues(plan: ColumnPlan, vector: Vector, length: number): LeafValues[] {
  const leaves: LeafValues[] = [];
  addLeaves(leaves, plan, vector, {
    rows: Int32Array.from({ length }, (_, row) => row),
    definition: new Uint8Array(length),
    repetition: new Uint8Array(length),
  });
  return leaves;
}

function addLeaves(leaves: LeafValues[], plan: ColumnPlan, vector: Vector, slots: Slots): void {
  if (plan.kind === "leaf") leaves.push(leafOf(plan, vector, slots));
  else if (plan.kind === "list" && vector.kind === "list")
    addLeaves(leaves, plan.element, vector.elements, entrySlots(plan, vector, slots));
  else if (plan.kind === "map" && vector.kind === "map") {
    const entries = entrySlots(plan, vector, slots);
    addLeaves(leaves, plan.key, vector.keys, entries);
    addLeaves(leaves, plan.value, vector.values, entries);
  } else if (plan.kind === "struct" && vector.kind === "struct") {
    const present = presentSlots(plan.node, vector.valid, slots);
    for (const [f, field] of plan.fields.entries())
      if (field.kind !== "absent") addLeaves(leaves, field, vector.fields[f]!, present);
  } else throw new TypeError(`a ${vector.kind} vector where a ${plan.kind} was expected`);
}

/** Ends the slots of missing values. */
function presentSlots(
  { definition: level }: ParquetNode,
  valid: Uint8Array | null,
  slots: Slots,
): Slots {
  const rows = slots.rows.slice();
  const definition = slots.definition.slice();
  for (let i = 0; i < rows.length; i++) {
    if (rows[i]! < 0) continue;
    if (valid !== null && valid[rows[i]!] === 0) rows[i] = -1;
    else definition[i] = level;
  }
  return { rows, definition, repetition: slots.repetition };
}

/** Makes one slot for each element of lists, or entry of maps, and one for each that has none. */
function entrySlots(
  { node, repeated }: ListPlan | MapPlan,
  { offsets, valid }: Extract<Vector, { kind: "list" | "map" }>,
  slots: Slots,
): Slots {
  let length = 0;
  for (let i = 0; i < slots.rows.length; i++) {
    const row = slots.rows[i]!;
    const isThere = row >= 0 && (valid === null || valid[row] === 1);
    length += isThere ? Math.max(1, offsets[row + 1]! - offsets[row]!) : 1;
  }
  const rows = new Int32Array(length).fill(-1);
  const definition = new Uint8Array(length).fill(repeated.definition);
  const repetition = new Uint8Array(length).fill(repeated.repetition);
  let at = 0;
  for (let i = 0; i < slots.rows.length; i++) {
    const row = slots.rows[i]!;
    repetition[at] = slots.repetition[i]!;
    if (row < 0 || (valid !== null && valid[row] === 0)) definition[at++] = slots.definition[i]!;
    else if (offsets[row] === offsets[row + 1]) definition[at++] = node.definition;
    else for (let e = offsets[row]!; e < offsets[row + 1]!; e++) rows[at++] = e;
  }
  return { rows, definition, repetition };
}

function leafOf(leaf: LeafPlan, vector: Vector, slots: Slots): LeafValues {
  const { rows, definition, repetition } = presentSlots(leaf.node, vector.valid, slots);
  let count = 0;
  for (let i = 0; i < rows.length; i++) if (rows[i]! >= 0) rows[count++] = rows[i]!;
  const values = valuesAt(vector, rows.subarray(0, count));
  return { leaf, values, count, definition, repetition };
}

/** Gathers the values at these rows. None of them is missing. */
function valuesAt(vector: Vector, rows: Int32Array): ScalarVector {
  switch (vector.kind) {
    case "string": {
      const { codes, dictionary, distinct } = vector;
      if (distinct !== true)
        return { kind: "string", codes: gathered(codes, rows), dictionary, valid: null };
      const texts = Array.from(rows, (row) => dictionary[codes[row]!]!);
      const ownCodes = Int32Array.from(rows, (_, i) => i);
      return { kind: "string", codes: ownCodes, dictionary: texts, valid: null, distinct };
    }
    case "int32":
      return { kind: "int32", values: gathered(vector.values, rows), valid: null };
    case "int64":
      return { kind: "int64", values: gathered(vector.values, rows), valid: null };
    case "float64":
      return { kind: "float64", values: gathered(vector.values, rows), valid: null };
    case "boolean":
      return { kind: "boolean", values: gathered(vector.values, rows), valid: null };
    case "big":
      return { kind: "big", values: Array.from(rows, (row) => vector.values[row]!), valid: null };
    case "bytes":
      return { kind: "bytes", values: Array.from(rows, (row) => vector.values[row]!), valid: null };
    default:
      throw new TypeError(`a ${vector.kind} vector has parts`);
  }
}

function gathered<T extends Int32Array | Float64Array | BigInt64Array | Uint8Array>(
  values: T,
  rows: Int32Array,
): T {
  const out = new (values.constructor as new (length: number) => T)(rows.length);
  for (let i = 0; i < rows.length; i++) out[i] = values[rows[i]!]!;
  return out;
}
