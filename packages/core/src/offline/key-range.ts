/** The ranges of the entity keys that a read wants, so that it skips rows of other entities. */
import type { HistoryContext } from "./history-context.ts";
import { compareValues } from "../columns/compare.ts";
import { valueAt, type Batch } from "../columns/batch.ts";
import type { Value, ValueType } from "../specs.ts";
import type { KeyRanges } from "../spi.ts";

/** The first keys of some entities. */
export interface EntityKeyRanges extends Pick<KeyRanges, "ranges"> {
  readonly type: ValueType;
}

/** The types of keys whose ranges a store knows. */
const TYPES: ReadonlySet<ValueType> = new Set(["string", "int64", "int32"]);
/** The greatest number of ranges. More keys share ranges with their neighbours. */
const MAX_RANGES = 4096;

/** The ranges of the first of these keys; undefined: there is none that helps a reader. */
export function rangesOfKeys(
  { columns, vectors, length }: Batch,
  maxRanges: number = MAX_RANGES,
): EntityKeyRanges | undefined {
  const type = columns[0]?.type;
  if (type === undefined || !TYPES.has(type) || length === 0) return undefined;
  const keys: Value[] = [];
  for (let i = 0; i < length; i++) {
    const value = valueAt(vectors[0]!, i);
    if (value !== keys.at(-1)) keys.push(value);
  }
  keys.sort((a, b) => compareValues(type, a, b));
  const step = Math.ceil(keys.length / maxRanges);
  const ranges: { min: Value; max: Value }[] = [];
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    const last = ranges.at(-1);
    if (last !== undefined && (i % step !== 0 || key === last.max)) last.max = key;
    else ranges.push({ min: key, max: key });
  }
  return { type, ranges };
}

/** The same in a table, whose column of the key must have its type. */
export function keyRangesIn(
  { source, tables }: Pick<HistoryContext, "source" | "tables">,
  [first]: readonly string[],
  keys: EntityKeyRanges | undefined,
): KeyRanges | undefined {
  const index = source.columns.findIndex(({ name }) => name === first);
  if (keys === undefined || source.columns[index]?.type !== keys.type) return undefined;
  return { column: tables.declared[index]!.name, ranges: keys.ranges };
}
