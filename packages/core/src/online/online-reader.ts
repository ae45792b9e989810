/**
 * Computes features at request time: from one snapshot of the online store, at one time, with the
 * shared kernels.
 */
import type { SelectedBaseFeature, ViewSpec } from "../specs.ts";
import type { OnlineStore, ResultColumns } from "../spi.ts";
import { resultWriters, type ResultWriter } from "../window/timed-rows.ts";
import { checkedCacheBytes, createAnswerCache } from "./answer-cache.ts";
import type { AnswerCounter } from "./answer-counts.ts";
import { needsMoreReads, rowAnswers } from "./answer-rows.ts";
import { givingWay } from "./give-way.ts";
import { knownStates } from "./known-states.ts";
import {
  missingError,
  withMissing,
  withoutMissing,
  type MissingFeature,
  type NarrowedSelection,
  type ReadinessRules,
} from "./missing-features.ts";
import {
  singleValues,
  withDerivedFeatures,
  type BaseQuestion,
} from "../request/derived-answers.ts";
import type { OnlineQuery } from "./online-query.ts";
import { planPreparer, type Preparation } from "./prepared-plans.ts";
import { snapshotReader, type Snapshot } from "./read-snapshot.ts";
import { ATTEMPTS, segmentsMissing } from "./stored-rows.ts";

/** The number of entities and views of a request that is computed at once. */
const SMALL_REQUEST = 32;

export interface OnlineReader {
  /**
   * Returns result columns for each selected feature, row i for request i (law 8: answer i belongs
   * to request i).
   *
   * @throws NEEDS_BACKFILL when the store does not hold what a feature needs.
   * @throws NOT_READY when a source was never level with its log or its history.
   */
  read(question: OnlineQuery): Promise<readonly ResultColumns[]>;
}

export interface OnlineReaderOptions {
  readonly store: OnlineStore;
  readonly namespace: string;
  readonly views: readonly ViewSpec[];
  /** The size of the answer cache, bytes; 0: no cache. */
  readonly answerCacheBytes?: number | undefined;
  /** Which sources are answered. By default those that are ready. */
  readonly rules?: ReadinessRules | undefined;
  readonly onOverflow: (count: number) => void;
  readonly onTruncated?: ((count: number) => void) | undefined;
  readonly counter?: AnswerCounter | undefined;
}

const READY_SOURCES: ReadinessRules = { serveWhileFilling: false, isPushLevel: () => true };

export function onlineReader(options: OnlineReaderOptions): OnlineReader {
  const { store, namespace, views, rules = READY_SOURCES, onOverflow } = options;
  const bytes = checkedCacheBytes(options.answerCacheBytes);
  const answerCache = bytes === 0 ? null : createAnswerCache(bytes);
  const overflows = { count: 0 };
  const states = knownStates(store, namespace, views);
  const { prepare, currentPlan } = planPreparer(namespace, answerCache, overflows);
  const readSnapshot = snapshotReader(store, states, currentPlan, rules);
  const { computeAtOnce, computeInTurns } = rowAnswers(store, overflows, options);

  const narrowings = new WeakMap<
    readonly SelectedBaseFeature[],
    { readonly missing: string; readonly narrowed: NarrowedSelection }
  >();

  /** The selection without missing features, prepared once as long as the same are missing. */
  function narrowedTo(
    selection: readonly SelectedBaseFeature[],
    missing: readonly MissingFeature[],
  ): NarrowedSelection {
    const text = JSON.stringify(
      missing.map(({ view, feature, status }) => [view.name, feature.name, status]),
    );
    const known = narrowings.get(selection);
    if (known?.missing === text) return known.narrowed;
    const narrowed = withoutMissing(selection, missing);
    narrowings.set(selection, { missing: text, narrowed });
    return narrowed;
  }

  return { read: withDerivedFeatures(singleValues, readBase, onOverflow) };

  async function readBase(question: BaseQuestion<OnlineQuery>): Promise<readonly ResultColumns[]> {
    let asked = question;
    const narrowed: NarrowedSelection[] = [];
    for (let attempt = 0; attempt < ATTEMPTS && asked.selection.length > 0; attempt++) {
      const prepared = prepare(asked.selection);
      const giveWay =
        asked.keys.length * prepared.plans.length <= SMALL_REQUEST ? null : givingWay(asked.signal);
      const read = await readSnapshot(prepared, asked, giveWay);
      if ("missing" in read) {
        if (question.onMissing !== "null") throw missingError(store, read.missing);
        const next = narrowedTo(asked.selection, read.missing);
        narrowed.push(next);
        asked = { ...question, selection: next.selection };
        continue;
      }
      const results = prepared.plans.map(({ plan }) =>
        resultWriters(plan.columns, asked.keys.length),
      );
      if (giveWay === null && !needsMoreReads(read)) {
        computeAtOnce(read, asked, results);
      } else {
        const turns = giveWay ?? givingWay(asked.signal);
        if (!(await computeInTurns(read, asked, results, turns))) continue;
      }
      const answers = resultColumns(prepared, read, asked, results);
      return narrowed.length === 0 ? answers : widened(narrowed, answers, question);
    }
    if (asked.selection.length > 0) throw segmentsMissing(store);
    return widened(narrowed, [], question);
  }
}

/** Puts the missing features back into the answers of a selection that was narrowed. */
function widened(
  narrowed: readonly NarrowedSelection[],
  answers: readonly ResultColumns[],
  { keys }: OnlineQuery,
): readonly ResultColumns[] {
  return narrowed.reduceRight((columns, one) => withMissing(one, columns, keys.length), answers);
}

/** Puts the results in the order of the selection. */
function resultColumns(
  { plans }: Preparation,
  { repeated }: Snapshot,
  { selection }: OnlineQuery,
  results: readonly (readonly ResultWriter[])[],
): readonly ResultColumns[] {
  for (const { request, first } of repeated)
    for (const result of results[request.plan.position]!) copyRow(result, first.row, request.row);
  const answers = new Array<ResultColumns>(selection.length);
  for (const { indexes, position } of plans) {
    const written = results[position]!;
    indexes.forEach((index, column) => {
      answers[index] = written[column]!;
    });
  }
  return answers;
}

function copyRow({ values, statuses, times }: ResultWriter, from: number, to: number): void {
  values[to] = values[from]!;
  statuses[to] = statuses[from]!;
  times[to] = times[from]!;
}
