/** The column of a feature's values. */
import type { ColumnSpec } from "../specs.ts";
import type { AggregationState } from "./definition.ts";

/**
 * The column of a feature's values, under this name. Its type follows law 3 (sums of integers are
 * int64).
 * It is nullable only if law 7 allows null (an empty window) and no default replaces it.
 */
export function resultColumnOf(
  {
    aggregate,
    column,
    default: defaultValue,
  }: Pick<AggregationState, "aggregate" | "column" | "default">,
  name: string,
): ColumnSpec {
  const named = { name, database: name };
  if (aggregate === "count" || aggregate === "countDistinct" || column === null)
    return { ...named, type: "int64", nullable: false, mode: "number" };
  const nullable = defaultValue === undefined;
  switch (aggregate) {
    case "avg":
      return { ...named, type: "float64", nullable };
    case "sum":
      if (column.type === "decimal")
        return { ...named, type: "decimal", nullable: false, precision: 38, scale: column.scale };
      return { ...named, type: column.type === "float64" ? "float64" : "int64", nullable: false };
    default:
      return { ...column, ...named, nullable };
  }
}
