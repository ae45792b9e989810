/** Says when a run compacts the history: the tail of the log stays small, and so do reads of it. */

/** From so many changes on they are compacted if they are a part of the rows. */
const COMPACT_ROWS = 100_000;
/** The part of the rows of the versions table. */
const COMPACT_FRACTION = 0.25;
/** So many changes are always compacted. */
const MOST_CHANGES = 250_000;

/** Whether so many changes that are not compacted are compacted now. `rows` counts the versions. */
export async function isCompactionDue(
  changes: number,
  rows: () => Promise<number>,
): Promise<boolean> {
  if (changes < COMPACT_ROWS) return false;
  return changes >= MOST_CHANGES || changes >= COMPACT_FRACTION * (await rows());
}
