/** Makes the aggregate of a feature. */
import type { Batch, Vector } from "../columns/batch.ts";
import type { ColumnSpec, FeatureSpec } from "../specs.ts";
import type { Aggregate, Overflows } from "./aggregate.ts";
import { countDistinct } from "./count-distinct.ts";
import { count } from "./count.ts";
import { extreme } from "./min-max.ts";
import { avg, sum } from "./sum.ts";

/** Makes the aggregate of a window feature that reads `column`, not yet bound. null: no column. */
export function aggregateOf(
  feature: FeatureSpec,
  column: ColumnSpec | null,
  overflows: Overflows,
): Aggregate {
  if (column === null) return count();
  switch (feature.aggregate) {
    case "count":
      return count();
    case "sum":
      return sum(column, overflows);
    case "avg":
      return avg(column, overflows);
    case "min":
      return extreme(column, -1);
    case "max":
      return extreme(column, 1);
    case "countDistinct":
      return countDistinct(column);
    case "latest":
      throw new TypeError("latest is no aggregate of a window");
  }
}

/** Makes the aggregate of a window feature and binds it to these columns. */
export function bindAggregate(
  feature: FeatureSpec,
  columns: Batch,
  overflows: Overflows,
): Aggregate {
  const [vector, column] =
    feature.column === null ? [null, null] : columnVector(columns, feature.column);
  const aggregate = aggregateOf(feature, column, overflows);
  aggregate.bind(vector);
  return aggregate;
}

export function columnVector(batch: Batch, name: string): readonly [Vector, ColumnSpec] {
  const index = batch.columns.findIndex((column) => column.name === name);
  if (index < 0) throw new TypeError(`the batch has no column ${name}`);
  return [batch.vectors[index]!, batch.columns[index]!];
}
