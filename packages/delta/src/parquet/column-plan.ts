/**
 * Finds how a column lies in the tree of a Parquet file: where its lists, maps, structs and values
 * are. Reading and writing follow the same plan.
 */
import type { FieldSpec, TypeSpec } from "@tidemark/core/spi";
import type { ParquetNode } from "./schema-tree.ts";
import { elementOfList, entriesOfMap } from "./nested-elements.ts";
import type { ScalarColumn } from "./parquet-types.ts";
import { pathOf } from "./schema-tree.ts";

/** How one column, or one part of it, lies in a file. */
export type ColumnPlan = LeafPlan | ListPlan | MapPlan | StructPlan;

interface PlanOfNode {
  readonly node: ParquetNode;
  /** From this definition level on, a slot of a leaf below stands for a value here, or its null. */
  readonly exists: number;
}

/** Values without parts, which lie in one column chunk. */
export interface LeafPlan extends PlanOfNode {
  readonly kind: "leaf";
  /** The type of the values. Its name is the path, for messages. */
  readonly column: ScalarColumn;
}

/** Lists. */
export interface ListPlan extends PlanOfNode {
  readonly kind: "list";
  readonly repeated: ParquetNode;
  readonly element: ColumnPlan;
}

/** Maps, which are lists of entries. */
export interface MapPlan extends PlanOfNode {
  readonly kind: "map";
  readonly repeated: ParquetNode;
  readonly key: ColumnPlan;
  readonly value: ColumnPlan;
}

/** Structs. */
export interface StructPlan extends PlanOfNode {
  readonly kind: "struct";
  /** One for each field; a field that the file lacks has only its type. */
  readonly fields: readonly (ColumnPlan | { readonly kind: "absent"; readonly spec: FieldSpec })[];
}

/** Plans a column; null if the file's tree has another shape. */
export function planOf(spec: TypeSpec, node: ParquetNode, exists = 0): ColumnPlan | null {
  if (spec.type === "list") {
    const parts = elementOfList(node);
    if (parts === null) return null;
    const element = planOf(spec.element!, parts.element, parts.repeated.definition);
    return element && { kind: "list", node, exists, repeated: parts.repeated, element };
  }
  if (spec.type === "map") {
    const parts = entriesOfMap(node);
    if (parts === null) return null;
    const key = planOf(spec.keys!, parts.key, parts.repeated.definition);
    const value = planOf(spec.values!, parts.value, parts.repeated.definition);
    return key && value && { kind: "map", node, exists, repeated: parts.repeated, key, value };
  }
  if (spec.type === "struct") {
    const fields: StructPlan["fields"][number][] = [];
    for (const field of spec.fields!) {
      const child = node.children.find(({ element }) => element.name === field.name);
      const plan = child && planOf(field, child, exists);
      if (plan === null) return null;
      fields.push(plan ?? { kind: "absent", spec: field });
    }
    return fields.some(({ kind }) => kind !== "absent")
      ? { kind: "struct", node, exists, fields }
      : null;
  }
  if (node.children.length > 0) return null;
  const name = pathOf(node).join(".");
  return { kind: "leaf", node, exists, column: { ...spec, type: spec.type, name, database: name } };
}

/** The parts of a plan that the file has. */
export function partsOf(plan: Exclude<ColumnPlan, LeafPlan>): readonly ColumnPlan[] {
  if (plan.kind === "list") return [plan.element];
  if (plan.kind === "map") return [plan.key, plan.value];
  return plan.fields.filter((field) => field.kind !== "absent");
}

/** The leaves of a plan, in the order of the file's schema. */
export function leavesOf(plan: ColumnPlan): readonly LeafPlan[] {
  return plan.kind === "leaf" ? [plan] : partsOf(plan).flatMap(leavesOf);
}
