/** Cuts entities into ranges of about equal work. */

/** Entities [first, end). */
export interface EntityRange {
  readonly first: number;
  readonly end: number;
}

/**
 * Cuts the entities [first, end) into ranges whose weights reach `budget`, but for the last. An
 * entity is never cut.
 */
export function entityRanges(
  first: number,
  end: number,
  budget: number,
  weightOf: (entity: number) => number,
): readonly EntityRange[] {
  const ranges: EntityRange[] = [];
  let start = first;
  let weight = 0;
  for (let e = first; e < end; e++) {
    const own = weightOf(e);
    // a heavy entity stands alone
    if (e > start && weight + own > budget) {
      ranges.push({ first: start, end: e });
      start = e;
      weight = 0;
    }
    weight += own;
  }
  if (start < end) ranges.push({ first: start, end });
  return ranges;
}
