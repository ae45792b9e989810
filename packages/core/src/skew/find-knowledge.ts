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

/** With which knowledge the history gives a logged value. Of several, the nearest to the answer. */
export interface FoundKnowledge {
  /** The commit time of the first change that the answer lacks, µs. null: there is none such. */
  readonly late: number | null;
  /** The commit time of the last change that the answer has too early, µs. null: none such. */
  readonly early: number | null;
}

/** The most changes that an answer may lack, of the rows of one entity. */
const MOST_LATE = 256;
/** The most changes that an answer may have too early, of the rows of one entity. */
const MOST_EARLY = 32;
/** How long (µs) after an answer a change may be committed that the answer has. */
const EARLY_REACH = 60_000_000;
/** Knowledges that are tried at once. */
const TRIED_AT_ONCE = 50_000;

interface Trial {
  readonly row: number;
  readonly kind: "late" | "early";
  /** The commit time of the change, µs. */
  readonly change: number;
  /** The time of the knowledge, µs: changes that were committed before it count. */
  readonly knownAt: number;
}

/** What is known of values that differ. */
export interface SearchedKnowledge {
  /** For each value its knowledge. */
  readonly found: readonly FoundKnowledge[];
  /** For each row that differs, the commit times of the changes before its answer, µs. */
  readonly changes: ReadonlyMap<number, readonly number[]>;
}

/**
 * Finds the knowledge of each value. `timesOf`: the commit times of changes of each of these rows.
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
): Promise<SearchedKnowledge> {
  const byRow = new Map<number, number[]>();
  differing.forEach(({ row }, i) => {
    const list = byRow.get(row);
    if (list === undefined) byRow.set(row, [i]);
    else list.push(i);
  });
  const changed = [...byRow.keys()];
  const found = differing.map((): { late: number | null; early: number | null } => ({
    late: null,
    early: null,
  }));
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
          found[d]![kind] === null &&
          isSame(logged, statedValue(writers[feature]!, answers[feature]!, i))
        )
          found[d]![kind] = change;
      }
    });
  }
  const changes = changed.map((row, i) => {
    const before = times[i]!.filter((time) => time < rows[row]!.answeredAt);
    return [row, before.slice(-MOST_LATE)] as const;
  });
  return { found, changes: new Map(changes) };
}

/** The knowledges to try for a row that was answered then, the nearest first. */
function trialsOf(row: number, answeredAt: number, times: readonly number[]): readonly Trial[] {
  const late = times.filter((time) => time < answeredAt).slice(-MOST_LATE);
  const early = times
    .filter((time) => time >= answeredAt && time <= answeredAt + EARLY_REACH)
    .slice(0, MOST_EARLY);
  const trials: readonly Trial[] = [
    ...late.map((change) => ({ row, kind: "late" as const, change, knownAt: change })),
    ...early.map((change) => ({ row, kind: "early" as const, change, knownAt: change + 1 })),
  ];
  return [...trials].sort(
    (a, b) => Math.abs(a.knownAt - answeredAt) - Math.abs(b.knownAt - answeredAt),
  );
}
