/** Puts two distributions in the same bins, which the reference decides. */
import type { ColumnState } from "../profile/column-state.ts";
import type { Measured } from "../profile/measured-column.ts";
import { rowsIn, type CountedNumbers } from "./distances.ts";

/** Numbers of rows by bin, of both sides. */
export interface BinnedRows {
  readonly current: readonly number[];
  readonly reference: readonly number[];
}

/** Numbers with at most so many different values in the reference are compared value by value. */
const FEW_VALUES = 20;
/** The categories of the reference that have a bin of their own. The others share one. */
const MOST_CATEGORIES = 1000;
const BINS = 10;

/** The values of a state as doubles, or the middles of its bins where it is a sketch. */
export function numbersOf(state: ColumnState): CountedNumbers {
  const { measured } = state;
  const values = state.sorted();
  if (values !== null) {
    const numbers: { value: number; rows: number }[] = [];
    // different decimals and integers may be one double
    for (const { value, rows } of values) {
      const number = measured.toNumber(value);
      const last = numbers.at(-1);
      if (last?.value === number) last.rows += rows;
      else numbers.push({ value: number, rows });
    }
    return numbers;
  }
  const { bins, range } = state.sketched();
  if (range === null) return [];
  const [least, greatest] = [measured.toNumber(range.least), measured.toNumber(range.greatest)];
  return bins
    .sorted()
    .map(({ value, rows }) => ({ value: Math.min(Math.max(value, least), greatest), rows }));
}

/**
 * Bins of numbers. Between them lie the deciles of the reference, and a value at one of them is
 * above it. Few different values have a bin each. Missing values have a bin of their own.
 */
export function numberBins(
  current: CountedNumbers,
  reference: CountedNumbers,
  nulls: { readonly current: number; readonly reference: number },
): BinnedRows {
  if (reference.length <= FEW_VALUES) {
    const places = new Map(reference.map(({ value }, i) => [value, i]));
    return withNulls(
      inPlaces(current, places, ({ value }) => value),
      inPlaces(reference, places, ({ value }) => value),
      nulls,
    );
  }
  const edges = [...new Set(decilesOf(reference))];
  return withNulls(between(current, edges), between(reference, edges), nulls);
}

/** A bin for each of the most frequent categories of the reference, and one for the others. */
export function categoryBins(current: ColumnState, reference: ColumnState): BinnedRows | null {
  const [ofCurrent, ofReference] = [current.sorted(), reference.sorted()];
  if (ofCurrent === null || ofReference === null) return null;
  const frequent = ofReference.toSorted((a, b) => b.rows - a.rows).slice(0, MOST_CATEGORIES);
  const places = new Map(frequent.map(({ value }, i) => [value, i]));
  const value = (one: { readonly value: Measured }): Measured => one.value;
  return withNulls(inPlaces(ofCurrent, places, value), inPlaces(ofReference, places, value), {
    current: current.nulls,
    reference: reference.nulls,
  });
}

/** Rows by place. The last place has the values that have none. */
function inPlaces<One extends { readonly rows: number }, Value>(
  values: readonly One[],
  places: ReadonlyMap<Value, number>,
  valueOf: (one: One) => Value,
): readonly number[] {
  const rows = new Array<number>(places.size + 1).fill(0);
  for (const one of values) rows[places.get(valueOf(one)) ?? places.size]! += one.rows;
  return rows;
}

function between(numbers: CountedNumbers, edges: readonly number[]): readonly number[] {
  const rows = new Array<number>(edges.length + 1).fill(0);
  let bin = 0;
  for (const { value, rows: own } of numbers) {
    while (bin < edges.length && value >= edges[bin]!) bin++;
    rows[bin]! += own;
  }
  return rows;
}

function withNulls(
  current: readonly number[],
  reference: readonly number[],
  nulls: { readonly current: number; readonly reference: number },
): BinnedRows {
  return { current: [...current, nulls.current], reference: [...reference, nulls.reference] };
}

/** The nine deciles: between two values they interpolate. */
function decilesOf(numbers: CountedNumbers): readonly number[] {
  const rows = rowsIn(numbers);
  const deciles: number[] = [];
  let [i, below] = [0, 0];
  for (let decile = 1; decile < BINS; decile++) {
    const place = ((rows - 1) * decile) / BINS;
    const whole = Math.floor(place);
    while (below + numbers[i]!.rows <= whole) below += numbers[i++]!.rows;
    const low = numbers[i]!.value;
    // the next row has the same value, or the next one
    const high = whole + 1 < below + numbers[i]!.rows ? low : (numbers[i + 1]?.value ?? low);
    deciles.push(low + (high - low) * (place - whole));
  }
  return deciles;
}
