/**
 * Counts what a store answers from its online store: statuses by feature, hits of the answer cache,
 * and the stored rows behind an answer. The counts are of this process and start at zero.
 */
import type { SelectedFeature } from "../specs.ts";
import type { ResultColumns, Status } from "../spi.ts";

/** How many values of a feature were answered with each status. */
export interface FeatureAnswerCounts {
  /** Name of the view or the derived view. */
  readonly view: string;
  readonly feature: string;
  readonly statuses: Readonly<Record<Status, number>>;
}

/** The stored rows behind the computed answers of a view, one answer for each entity. */
export interface EntityRowCounts {
  readonly view: string;
  /** The number of answers by their rows: up to each of `ENTITY_ROW_BOUNDS`, and more than all. */
  readonly answers: readonly number[];
  /** The sum of the rows of all answers. */
  readonly rows: number;
  /** The most rows of one entity. */
  readonly most: number;
}

/** What the online store of a store has answered since the store was opened. */
export interface AnswerCounts {
  /**
   * Answers of one view for one entity: from the cache, and computed although the cache may keep
   * them.
   */
  readonly answerCache: { readonly hits: number; readonly misses: number };
  readonly features: readonly FeatureAnswerCounts[];
  readonly entityRows: readonly EntityRowCounts[];
}

/**
 * The bounds of `EntityRowCounts.answers`. An entity with many rows costs much to read and write.
 *
 * @example
 * const [view] = store.answerCounts().entityRows;
 * const hot = view?.answers.filter((_, i) => (ENTITY_ROW_BOUNDS[i - 1] ?? 0) >= 10_000);
 */
export const ENTITY_ROW_BOUNDS: readonly number[] = [
  0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000,
];

const STATUSES: readonly Status[] = [
  "PRESENT",
  "NULL_VALUE",
  "NOT_FOUND",
  "OUTSIDE_MAX_AGE",
  "NEEDS_BACKFILL",
  "NOT_READY",
];
const STATUS_INDEX: ReadonlyMap<Status, number> = new Map(STATUSES.map((status, i) => [status, i]));

interface Feature {
  readonly view: string;
  readonly feature: string;
  /** By the index of the status in `STATUSES`. */
  readonly counts: Float64Array;
}

interface EntityRows {
  readonly answers: Float64Array;
  rows: number;
  most: number;
}

/** Counts in plain numbers: an answer adds to them in less time than a lookup in a map takes. */
export class AnswerCounter {
  hits = 0;
  misses = 0;
  private readonly features = new Map<string, Feature>();
  private readonly bySelection = new WeakMap<readonly SelectedFeature[], readonly Feature[]>();
  private readonly byView = new Map<string, EntityRows>();

  /** Counts the statuses of an answer. */
  addAnswers(
    selection: readonly SelectedFeature[],
    answers: readonly ResultColumns[],
    length: number,
  ): void {
    let features = this.bySelection.get(selection);
    if (features === undefined) {
      features = selection.map((selected) => this.featureOf(selected));
      this.bySelection.set(selection, features);
    }
    for (let f = 0; f < features.length; f++) {
      const { statuses } = answers[f]!;
      const { counts } = features[f]!;
      for (let row = 0; row < length; row++) {
        const status = statuses[row]!;
        counts[status === "PRESENT" ? 0 : STATUS_INDEX.get(status)!]!++;
      }
    }
  }

  /** Counts the stored rows that an answer for one entity was computed from. */
  addEntityRows(view: string, rows: number): void {
    let known = this.byView.get(view);
    if (known === undefined) {
      known = { answers: new Float64Array(ENTITY_ROW_BOUNDS.length + 1), rows: 0, most: 0 };
      this.byView.set(view, known);
    }
    let bound = 0;
    while (bound < ENTITY_ROW_BOUNDS.length && rows > ENTITY_ROW_BOUNDS[bound]!) bound++;
    known.answers[bound]!++;
    known.rows += rows;
    if (rows > known.most) known.most = rows;
  }

  counts(): AnswerCounts {
    return {
      answerCache: { hits: this.hits, misses: this.misses },
      features: [...this.features.values()].map(({ view, feature, counts }) => ({
        view,
        feature,
        statuses: Object.fromEntries(STATUSES.map((status, i) => [status, counts[i]!])) as Record<
          Status,
          number
        >,
      })),
      entityRows: [...this.byView].map(([view, { answers, rows, most }]) => ({
        view,
        answers: [...answers],
        rows,
        most,
      })),
    };
  }

  private featureOf({ view, feature }: SelectedFeature): Feature {
    const key = `${view.name}\0${feature.name}`;
    let known = this.features.get(key);
    if (known === undefined) {
      const counts = new Float64Array(STATUSES.length);
      this.features.set(key, (known = { view: view.name, feature: feature.name, counts }));
    }
    return known;
  }
}
