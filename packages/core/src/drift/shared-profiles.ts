/** Puts the profiles of two sides beside each other, with their values in the same bins. */
import { columnProfile, MOST_FREQUENT } from "../profile/column-profile.ts";
import type { ColumnState } from "../profile/column-state.ts";
import { binEdges, countsBetween } from "../profile/histogram.ts";
import { shownValue } from "../profile/measured-column.ts";
import { numbersOf } from "./bins.ts";
import type { SharedProfiles } from "./drift-types.ts";

/** The profiles of a column on both sides. What one side hides, neither shows. */
export function sharedProfiles(current: ColumnState, reference: ColumnState): SharedProfiles {
  const isHidden = current.measured.isHidden || reference.measured.isHidden;
  return {
    current: columnProfile(current, isHidden),
    reference: columnProfile(reference, isHidden),
    histogram: isHidden ? null : histogramOf(current, reference),
    frequent: isHidden ? null : frequentOf(current, reference),
  };
}

/** Bins of equal width from the least to the greatest value of both sides. */
function histogramOf(current: ColumnState, reference: ColumnState): SharedProfiles["histogram"] {
  const { kind, shown } = current.measured;
  if (kind === "category") return null;
  const sides = [numbersOf(current), numbersOf(reference)] as const;
  const ends = sides.flatMap((numbers) =>
    numbers.length === 0 ? [] : [numbers[0]!, numbers.at(-1)!],
  );
  if (ends.length === 0) return null;
  const values = ends.map(({ value }) => value);
  const edges = binEdges(Math.min(...values), Math.max(...values));
  return {
    edges: edges.map(shown),
    current: countsBetween(edges, sides[0]),
    reference: countsBetween(edges, sides[1]),
  };
}

/** The values with the greatest share of rows on either side. */
function frequentOf(current: ColumnState, reference: ColumnState): SharedProfiles["frequent"] {
  const { measured } = current;
  const [ofCurrent, ofReference] = [current.sorted(), reference.sorted()];
  if (measured.kind !== "category" || ofCurrent === null || ofReference === null) return null;
  const rows = new Map(ofCurrent.map((one) => [one.value, { rows: one.rows, referenceRows: 0 }]));
  for (const { value, rows: referenceRows } of ofReference)
    rows.set(value, { rows: rows.get(value)?.rows ?? 0, referenceRows });
  const share = (part: number, all: number): number => (all === 0 ? 0 : part / all);
  return Array.from(rows, ([value, counts]) => ({
    value: shownValue(measured, value),
    ...counts,
    share: Math.max(share(counts.rows, current.rows), share(counts.referenceRows, reference.rows)),
  }))
    .sort((a, b) => b.share - a.share)
    .slice(0, MOST_FREQUENT)
    .map(({ value, rows, referenceRows }) => ({ value, rows, referenceRows }));
}
