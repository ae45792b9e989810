/** From what a feature says to an aggregate over its vector. */
import type { Batch, Vector } from "../columns/batch.ts";
import type { ColumnSpec, FeatureSpec } from "../model.ts";
import type { Aggregate, Overflows } from "./aggregate.ts";
import { countDistinct } from "./count-distinct.ts";
import { count } from "./count.ts";
import { extreme } from "./min-max.ts";
import { avg, sum } from "./sum.ts";

/** The aggregate of a window feature over these columns. */
export function bindAggregate(feature: FeatureSpec, columns: Batch, overflows: Overflows): Aggregate {
  if (feature.column === null) return count(null);
  const [vector, column] = vectorOf(columns, feature.column);
  switch (feature.aggregate) {
    case "count": return count(vector);
    case "sum": return sum(vector, column, overflows);
    case "avg": return avg(vector, column, overflows);
    case "min": return extreme(vector, column, -1);
    case "max": return extreme(vector, column, 1);
    case "countDistinct": return countDistinct(vector);
    case "latest": throw new TypeError("latest is a fact, not an aggregate of a window");
  }
}

export function vectorOf(batch: Batch, name: string): readonly [Vector, ColumnSpec] {
  const index = batch.columns.findIndex((column) => column.name === name);
  if (index < 0) throw new TypeError(`the batch has no column ${name}`);
  return [batch.vectors[index]!, batch.columns[index]!];
}
