/** Describes how lists, maps and structs are stored in a Parquet file. */
import type { SchemaElement } from "hyparquet";
import type { ColumnSpec, FieldSpec, TypeSpec } from "@tidemark/core/spi";
import { columnOfElement } from "./elements.ts";
import { MAX_SCHEMA_DEPTH } from "./limits.ts";
import { elementOf, type TimestampForm } from "./parquet-types.ts";
import type { ParquetNode } from "./schema-tree.ts";

/** Describes how Tidemark writes a column: its element, then the elements of its parts. */
export function elementsOf(column: ColumnSpec, timestamps: TimestampForm): SchemaElement[] {
  const { name, type, nullable } = column;
  const repetition_type = nullable ? "OPTIONAL" : "REQUIRED";
  const part = (of: TypeSpec, partName: string): SchemaElement[] =>
    elementsOf({ ...of, name: partName, database: partName }, timestamps);
  switch (type) {
    case "list":
      return [
        { name, repetition_type, num_children: 1, ...annotation("LIST") },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        ...part(column.element!, "element"),
      ];
    case "map":
      return [
        { name, repetition_type, num_children: 1, ...annotation("MAP") },
        { name: "key_value", repetition_type: "REPEATED", num_children: 2 },
        ...part({ ...column.keys!, nullable: false }, "key"),
        ...part(column.values!, "value"),
      ];
    case "struct":
      return [
        { name, repetition_type, num_children: column.fields!.length },
        ...column.fields!.flatMap((field) => part(field, field.name)),
      ];
    default:
      return [elementOf({ ...column, type }, timestamps)];
  }
}

function annotation(type: "LIST" | "MAP"): Pick<SchemaElement, "converted_type" | "logical_type"> {
  return { converted_type: type, logical_type: { type } };
}

/** Returns the column of a foreign file; null if Tidemark has no value type for it. */
export function columnOfNode(node: ParquetNode, utcInt96: boolean): ColumnSpec | null {
  const type = typeOfNode(node, utcInt96);
  if (type === null || node.element.repetition_type === "REPEATED") return null;
  return { ...type, name: node.element.name, database: node.element.name };
}

function typeOfNode(node: ParquetNode, utcInt96: boolean): TypeSpec | null {
  if (node.depth > MAX_SCHEMA_DEPTH) return null;
  // A repeated node that is the element of a list has no nulls.
  const nullable = node.element.repetition_type === "OPTIONAL";
  if (node.children.length === 0) {
    const column = columnOfElement(
      nullable ? node.element : { ...node.element, repetition_type: "REQUIRED" },
      utcInt96,
    );
    if (column === null) return null;
    const { name: _name, database: _database, ...type } = column;
    return type;
  }
  const list = elementOfList(node);
  if (list !== null) {
    const element = typeOfNode(list.element, utcInt96);
    return element && { type: "list", nullable, element };
  }
  const map = entriesOfMap(node);
  if (map !== null) {
    const key = map.key.children.length === 0 ? typeOfNode(map.key, utcInt96) : null;
    const value = typeOfNode(map.value, utcInt96);
    return (
      key && value && { type: "map", nullable, keys: { ...key, nullable: false }, values: value }
    );
  }
  if (isList(node.element) || isMap(node.element)) return null;
  const fields: FieldSpec[] = [];
  for (const child of node.children) {
    const type = child.element.repetition_type === "REPEATED" ? null : typeOfNode(child, utcInt96);
    if (type === null) return null;
    fields.push({ ...type, name: child.element.name });
  }
  return { type: "struct", nullable, fields };
}

function isList({ converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  return logical?.type === "LIST" || converted === "LIST";
}

function isMap({ converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  return logical?.type === "MAP" || converted === "MAP" || converted === "MAP_KEY_VALUE";
}

/**
 * Finds the elements of a list; null if the node is no list. In files of old writers the repeated
 * node is the element (Parquet's rules of backward compatibility).
 */
export function elementOfList(
  node: ParquetNode,
): { readonly repeated: ParquetNode; readonly element: ParquetNode } | null {
  const repeated = node.children[0];
  if (!isList(node.element) || node.children.length !== 1 || !isRepeated(repeated!)) return null;
  const { name } = repeated!.element;
  const isElement =
    repeated!.children.length !== 1 || name === "array" || name === `${node.element.name}_tuple`;
  return { repeated: repeated!, element: isElement ? repeated! : repeated!.children[0]! };
}

/** Finds the keys and values of a map; null if the node is no map. */
export function entriesOfMap(
  node: ParquetNode,
): {
  readonly repeated: ParquetNode;
  readonly key: ParquetNode;
  readonly value: ParquetNode;
} | null {
  const repeated = node.children[0];
  if (!isMap(node.element) || node.children.length !== 1 || !isRepeated(repeated!)) return null;
  const [key, value] = repeated!.children;
  if (repeated!.children.length !== 2 || isRepeated(key!) || isRepeated(value!)) return null;
  return { repeated: repeated!, key: key!, value: value! };
}

function isRepeated({ element }: ParquetNode): boolean {
  return element.repetition_type === "REPEATED";
}
