/** The column of a feature's values. */
import type { ColumnSpec } from "../specs.ts";
import type { AggregationState } from "./definition.ts";

/**
 * The column of a feature's values, under this name.
 * It is nullable only if law 7 allows null (an empty window) and no default replaces it.
 */
export function resultColumnOf(
  { result, default: defaultValue }: Pick<AggregationState, "result" | "default">,
  name: string,
): ColumnSpec {
  const nullable = result.nullable && defaultValue === undefined;
  return { ...result, name, database: name, nullable };
}
