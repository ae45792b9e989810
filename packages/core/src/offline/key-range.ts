/** The range of the entity keys that a read wants, so that it skips rows of other entities. */
import { compareValues } from "../columns/compare.ts";
import { valueAt, type Batch } from "../columns/batch.ts";
import type { Value, ValueType } from "../specs.ts";
import type { OfflineStore } from "../spi.ts";
import type { HistoryContext } from "./merge-versions.ts";

/** The least and the greatest value of the first key of some entities. */
export interface KeyRange {
  readonly type: ValueType;
  readonly min: Value;
  readonly max: Value;
}

/** The types of keys whose ranges a store knows. */
const TYPES: ReadonlySet<ValueType> = new Set(["string", "int64", "int32"]);

/** The range of the first of these keys; undefined: there is none that helps a reader. */
export function rangeOfKeys({ columns, vectors, length }: Batch): KeyRange | undefined {
  const type = columns[0]?.type;
  if (type === undefined || !TYPES.has(type) || length === 0) return undefined;
  let min = valueAt(vectors[0]!, 0);
  let max = min;
  for (let i = 1; i < length; i++) {
    const value = valueAt(vectors[0]!, i);
    if (compareValues(type, value, min) < 0) min = value;
    if (compareValues(type, value, max) > 0) max = value;
  }
  return { type, min, max };
}

/** The same in a table, whose column of the key must have its type. */
export function keyRangeIn(
  { source, tables }: Pick<HistoryContext, "source" | "tables">,
  [first]: readonly string[],
  keys: KeyRange | undefined,
): Parameters<OfflineStore["scan"]>[1]["keyRange"] {
  const index = source.columns.findIndex(({ name }) => name === first);
  if (keys === undefined || source.columns[index]?.type !== keys.type) return undefined;
  const { min, max } = keys;
  return { column: tables.declared[index]!.name, min, max };
}
