/** Makes the timeline of features: answers of the history at the times at which they may change. */
import { baseFeatures, isDerived, transformsBehind } from "../define/base-features.ts";
import { dataText } from "../define/data-text.ts";
import { sourceReadings } from "../define/source-readings.ts";
import { isTidemarkError } from "../errors.ts";
import { jsonOf, jsonRow } from "../explain/exact-json.ts";
import type { LoggedRow, LoggedRows } from "../explain/logged-rows.ts";
import { maskedIf, type Masking } from "../explain/masking.ts";
import { scalarFunction } from "../expr/scalar-functions.ts";
import { callsFunction } from "../expr/tree.ts";
import { viewPlans } from "../plan/compile.ts";
import { keysNeeded, type KeyValues } from "../request/entity-keys.ts";
import type { Knowledge } from "../request/request-types.ts";
import type { SelectedFeature, ViewSpec } from "../specs.ts";
import type { ResultColumns } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";
import { typeText } from "../types/type-text.ts";
import { movesWithClock } from "../window/unchanged-until.ts";
import { changeTimes } from "./change-times.ts";
import type { FeatureTimeline, Timeline, TimelinePoint } from "./timeline-types.ts";

/** The most values that the history computes for one timeline. */
const MOST_VALUES = 1_000_000;

/** A question about some features of one entity. Times are µs. */
export interface TimelineQuestion {
  readonly selection: readonly SelectedFeature[];
  readonly keys: KeyValues;
  readonly from: number;
  readonly to: number;
  readonly knowledge: Knowledge;
  readonly maxPoints: number;
  readonly masking: Masking;
}

/** What answers the question: the history, and the rows in it. */
export interface TimelineSources {
  readonly logged: Pick<LoggedRows, "rowsOf">;
  /** Answers these features about the entity at each of these times. */
  answer(
    selection: readonly SelectedFeature[],
    times: Float64Array,
  ): Promise<readonly ResultColumns[]>;
}

/** When a feature may change. */
interface FeatureTimes {
  readonly reason: FeatureTimeline["reason"];
  /** Ascending; the first is the start of the timeline. */
  readonly times: readonly number[];
}

/** Makes the timeline. */
export async function timelineOf(
  question: TimelineQuestion,
  { logged, answer }: TimelineSources,
): Promise<Timeline> {
  const { selection, keys, from, to, knowledge, masking } = question;
  const rowsOf = rowsOnce(logged, keys);
  let { maxPoints } = question;
  let features = await timesOfAll(question, maxPoints, rowsOf);
  while (valueCount(features) > MOST_VALUES && maxPoints > 2) {
    maxPoints = Math.ceil(maxPoints / 2);
    features = await timesOfAll(question, maxPoints, rowsOf);
  }
  const answers = new Map<FeatureTimes, AnsweredTimes>();
  for (const group of groupsOf(features)) {
    const times = allTimes(group);
    const asked = group.map((one) => selection[features.indexOf(one)]!);
    const found = await answer(asked, times);
    const places = new Map(Array.from(times, (time, i) => [time, i]));
    group.forEach((one, g) => answers.set(one, { answer: found[g]!, places }));
  }
  const needed = keysNeeded(selection);
  return {
    entity: jsonRow(
      needed,
      needed.map(({ name }) => keys[name] ?? null),
    ),
    from: formatTime(from),
    to: formatTime(to),
    knowledge,
    features: selection.map((selected, f): FeatureTimeline => {
      const { reason, times } = features[f]!;
      const { answer: found, places } = answers.get(features[f]!)!;
      const isExact = reason === null;
      const points = times.map((at): AnswerAt => ({ at, row: places.get(at)! }));
      const kept = isExact ? changesOf(found, points) : points;
      const { view, feature, as } = selected;
      return {
        name: as,
        feature: `${view.name}.${feature.name}`,
        type: typeText(feature.result),
        isExact,
        reason,
        points: kept.map((one) => pointOf(selected, found, one, masking)),
      };
    }),
  };
}

/** The answers of a feature, and the row of each time. */
interface AnsweredTimes {
  readonly answer: ResultColumns;
  readonly places: ReadonlyMap<number, number>;
}

/** A time, and the row of its answer. */
interface AnswerAt {
  readonly at: number;
  readonly row: number;
}

/** Exact features are answered apart from samples, which have many other times. */
function groupsOf(features: readonly FeatureTimes[]): readonly (readonly FeatureTimes[])[] {
  const exact = features.filter(({ reason }) => reason === null);
  const sampled = features.filter(({ reason }) => reason !== null);
  return [exact, sampled].filter(({ length }) => length > 0);
}

/** How many values are computed. */
function valueCount(features: readonly FeatureTimes[]): number {
  return groupsOf(features).reduce((sum, one) => sum + allTimes(one).length * one.length, 0);
}

/** The answers that differ from those before. */
function changesOf(
  { values, statuses }: ResultColumns,
  points: readonly AnswerAt[],
): readonly AnswerAt[] {
  let before: string | null = null;
  return points.filter(({ row }) => {
    const text = dataText([values[row], statuses[row]]);
    const isChange = text !== before;
    before = text;
    return isChange;
  });
}

function pointOf(
  selected: SelectedFeature,
  { values, statuses }: ResultColumns,
  { at, row }: AnswerAt,
  masking: Masking,
): TimelinePoint {
  const value = jsonOf(values[row]!, selected.feature.result);
  return {
    at: formatTime(at),
    value: maskedIf(masking.feature(selected), value),
    status: statuses[row]!,
  };
}

function allTimes(features: readonly FeatureTimes[]): Float64Array {
  return Float64Array.from(new Set(features.flatMap(({ times }) => times))).sort();
}

type RowsOf = (view: ViewSpec) => Promise<readonly LoggedRow[] | "too many">;

/** Reads the rows of each table once. */
function rowsOnce(logged: TimelineSources["logged"], keys: KeyValues): RowsOf {
  const known = new Map<string, ReturnType<LoggedRows["rowsOf"]>>();
  return async (view) => {
    try {
      const rows: LoggedRow[] = [];
      for (const reading of sourceReadings(view)) {
        const own = reading.entity.keys.map(({ name }) => keys[name]);
        const id = dataText([reading.source.name, reading.keyColumns, own]);
        let found = known.get(id);
        if (found === undefined) known.set(id, (found = logged.rowsOf(reading, keys)));
        rows.push(...(await found));
      }
      return rows;
    } catch (error) {
      if (isTidemarkError(error, "EXPLAIN_TOO_LARGE")) return "too many";
      throw error;
    }
  };
}

async function timesOfAll(
  question: TimelineQuestion,
  maxPoints: number,
  rowsOf: RowsOf,
): Promise<readonly FeatureTimes[]> {
  const all: FeatureTimes[] = [];
  for (const selected of question.selection)
    all.push(await timesOf(selected, { ...question, maxPoints }, rowsOf));
  return all;
}

async function timesOf(
  selected: SelectedFeature,
  { from, to, knowledge, maxPoints }: TimelineQuestion,
  rowsOf: RowsOf,
): Promise<FeatureTimes> {
  const plans = viewPlans(baseFeatures([selected]));
  const moves = readsClock(selected) || plans.some(({ plan }) => movesWithClock(plan));
  // samples of a feature that moves have its changes too, if they are few
  const most = (moves ? Math.floor(maxPoints / 2) : maxPoints) - 1;
  const times = new Set([from]);
  let reason: FeatureTimes["reason"] = moves ? "clock" : null;
  for (const { view, plan } of plans) {
    const rows = await rowsOf(view);
    const own = rows === "too many" ? null : changeTimes(plan, rows, { from, to, knowledge, most });
    if (own !== null) for (const time of own) times.add(time);
    if (own === null || times.size > most + 1) {
      reason ??= rows === "too many" ? "rows" : "points";
      times.clear();
      break;
    }
  }
  if (reason !== null) for (const time of spaced(from, to, maxPoints - times.size)) times.add(time);
  return { reason, times: [...times].sort((a, b) => a - b) };
}

/** Equally spaced times from `from` to `to`, both included. */
function spaced(from: number, to: number, count: number): readonly number[] {
  const steps = Math.max(count - 1, 1);
  return Array.from({ length: steps + 1 }, (_, i) => Math.round(from + ((to - from) * i) / steps));
}

const isClock = (name: string): boolean => scalarFunction(name).clock === true;

/** Whether a derived feature, or a transform behind it, reads the time of the request. */
function readsClock(selected: SelectedFeature): boolean {
  if (!isDerived(selected)) return false;
  const { feature } = selected;
  const inputs = transformsBehind(feature).flatMap((transform) => transform.inputs);
  return [feature, ...inputs].some(({ value }) => callsFunction(value, isClock));
}
