/**
 * Finds with which knowledge the history gives a logged value. The knowledge of the answer may lack
 * the newest changes, or have some that were committed at its time or after.
 */
import type { Batch } from "../columns/batch.ts";
import type { SelectedFeature } from "../specs.ts";
import {
  isSame,
  rowsOfBatch,
  statedValue,
  writersOf,
  type ComparedRows,
  type DifferingValue,
  type HistoryAnswers,
} from "./compare-answers.ts";

/** The knowledge with which the history gives a logged value. */
export interface FoundKnowledge {
  readonly kind: "late" | "early";
  /** The commit time of the first change that the answer lacks, or has too early, µs. */
  readonly change: number;
}

/** The most changes that an answer may lack, of the rows of one entity. */
const MOST_LATE = 256;
/** The most changes that an answer may have too early, of the rows of one entity. */
const MOST_EARLY = 32;
/** Knowledges that are tried at once. */
const TRIED_AT_ONCE = 50_000;

interface Trial extends FoundKnowledge {
  readonly row: number;
  /** The time of the knowledge, µs: changes that were committed before it count. */
  readonly knownAt: number;
}

/**
 * Finds the knowledge of each value; null: no knowledge gives it. Of several, the one nearest to
 * the time of the answer is found. `timesOf`: the commit times of changes of each of these rows.
 */
export async function findKnowledge(
  { selection, rows, keys }: ComparedRows,
  differing: readonly DifferingValue[],
  history: HistoryAnswers,
  timesOf: (
    selection: readonly SelectedFeature[],
    keys: Batch,
    times: Float64Array,
  ) => Promise<readonly (readonly number[])[]>,
): Promise<readonly (FoundKnowledge | null)[]> {
  const byRow = new Map<number, number[]>();
  differing.forEach(({ row }, i) => {
    const list = byRow.get(row);
    if (list === undefined) byRow.set(row, [i]);
    else list.push(i);
  });
  const changed = [...byRow.keys()];
  const found: (FoundKnowledge | null)[] = differing.map(() => null);
  const writers = writersOf(selection);
  const times = await timesOf(
    selection,
    rowsOfBatch(keys, changed),
    Float64Array.from(changed, (row) => rows[row]!.asOf),
  );
  const trials = changed.flatMap((row, i) => trialsOf(row, rows[row]!.answeredAt, times[i]!));
  for (let from = 0; from < trials.length; from += TRIED_AT_ONCE) {
    const tried = trials.slice(from, from + TRIED_AT_ONCE);
    const answers = await history.read(
      selection,
      rowsOfBatch(
        keys,
        tried.map(({ row }) => row),
      ),
      Float64Array.from(tried, ({ row }) => rows[row]!.asOf),
      Float64Array.from(tried, ({ knownAt }) => knownAt),
    );
    tried.forEach(({ row, kind, change }, i) => {
      for (const d of byRow.get(row)!) {
        const { feature, logged } = differing[d]!;
        // the trials of a row begin with the nearest
        if (
          found[d] === null &&
          isSame(logged, statedValue(writers[feature]!, answers[feature]!, i))
        )
          found[d] = { kind, change };
      }
    });
  }
  return found;
}

/** The knowledges to try for a row that was answered then, the nearest first. */
function trialsOf(row: number, answeredAt: number, times: readonly number[]): readonly Trial[] {
  const late = times.filter((time) => time < answeredAt).slice(-MOST_LATE);
  const early = times.filter((time) => time >= answeredAt).slice(0, MOST_EARLY);
  const trials: readonly Trial[] = [
    ...late.map((change) => ({ row, kind: "late" as const, change, knownAt: change })),
    ...early.map((change) => ({ row, kind: "early" as const, change, knownAt: change + 1 })),
  ];
  return [...trials].sort(
    (a, b) => Math.abs(a.knownAt - answeredAt) - Math.abs(b.knownAt - answeredAt),
  );
}
