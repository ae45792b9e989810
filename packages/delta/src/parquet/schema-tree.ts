/** The schema of a Parquet file as a tree. A column without parts is a tree of one node. */
import type { SchemaElement } from "hyparquet";

/** An element of the schema with its parts. */
export interface ParquetNode {
  readonly element: SchemaElement;
  readonly parent: ParquetNode | null;
  readonly children: readonly ParquetNode[];
  /** The number of elements above it, without the root. */
  readonly depth: number;
  /** The definition level of a value: the number of optional and repeated elements down to it. */
  readonly definition: number;
  /** The number of repeated elements down to it. */
  readonly repetition: number;
}

/**
 * Makes the trees of the columns. `elements` come as in a file, without the root: each before its
 * parts. Takes no recursion, because a file may claim any depth.
 */
export function treesOf(elements: readonly SchemaElement[]): ParquetNode[] {
  const trees: ParquetNode[] = [];
  const open: { readonly node: ParquetNode & { children: ParquetNode[] }; left: number }[] = [];
  for (const element of elements) {
    const parent = open.at(-1);
    const repetition = element.repetition_type;
    const node = {
      element,
      parent: parent?.node ?? null,
      children: [],
      depth: open.length,
      definition: (parent?.node.definition ?? 0) + (repetition === "REQUIRED" ? 0 : 1),
      repetition: (parent?.node.repetition ?? 0) + (repetition === "REPEATED" ? 1 : 0),
    };
    if (parent === undefined) trees.push(node);
    else {
      parent.node.children.push(node);
      parent.left--;
    }
    const children = element.num_children ?? 0;
    if (children > 0) open.push({ node, left: children });
    while (open.at(-1)?.left === 0) open.pop();
  }
  if (open.length > 0) throw new Error("its schema lacks columns that it counts");
  return trees;
}

/** The names down to a node, as a column chunk has them. */
export function pathOf(node: ParquetNode): string[] {
  const path: string[] = [];
  for (let next: ParquetNode | null = node; next !== null; next = next.parent)
    path.unshift(next.element.name);
  return path;
}
