/**
 * Compares timelines with the answers of the history at random times, and just before and at each
 * of their points.
 */
import { localEngine } from "../../../packages/core/src/engine/local-engine.ts";
import { resultsOf } from "../../../packages/core/src/engine/engine-columns.ts";
import { jsonOf } from "../../../packages/core/src/explain/exact-json.ts";
import { historyRows } from "../../../packages/core/src/explain/history-rows.ts";
import { nothingMasked } from "../../../packages/core/src/explain/masking.ts";
import { openOfflineReader } from "../../../packages/core/src/offline/offline-reader.ts";
import {
  keyColumns,
  keysNeeded,
  type KeyValues,
} from "../../../packages/core/src/request/entity-keys.ts";
import type { SelectedFeature } from "../../../packages/core/src/specs.ts";
import type { OfflineStore, ResultColumns } from "../../../packages/core/src/spi.ts";
import { formatTime, parseTime } from "../../../packages/core/src/time/parse-time.ts";
import { timelineOf } from "../../../packages/core/src/timeline/timeline.ts";
import type { Random } from "../generate/random.ts";
import type { Scenario } from "../generate/scenario.ts";

/** How many answers were compared with timelines, and what was wrong with some. */
export interface ComparedTimelines {
  readonly timelines: number;
  readonly exact: number;
  /** The points of exact timelines. */
  readonly points: number;
  readonly answers: number;
  readonly faults: readonly string[];
}

const MAX_POINTS = 1_000;
/** The random times at which a timeline is compared. */
const TIMES = 40;

/** Compares the timelines of the entities of some requests, under both knowledges. */
export async function compareTimelines(
  scenario: Scenario,
  offline: OfflineStore,
  random: Random,
): Promise<ComparedTimelines> {
  const { requests } = scenario;
  const selection: readonly SelectedFeature[] = [
    ...scenario.selected,
    ...scenario.derived,
    ...scenario.roles.map((one) => one.selected),
  ];
  const reader = openOfflineReader(offline, localEngine());
  const logged = historyRows(offline, undefined);
  const all = requests.map(({ time }) => time).sort((a, b) => a - b);
  const faults: string[] = [];
  let [timelines, exact, points, answers] = [0, 0, 0, 0];

  for (const row of new Set([0, Math.floor(requests.length / 2)]))
    for (const knowledge of ["as-known", "as-corrected"] as const) {
      const { keys } = requests[row]!;
      const span = all.at(-1)! - all[0]!;
      // a short interval has microseconds next to changes, and a long one has all of them
      const from = random.chance(0.5) ? all[0]! : requests[row]!.time - Math.floor(span / 8);
      const to = from + Math.max(1, Math.floor(random.chance(0.3) ? span / 50 : span / 3));
      const answer = (
        some: readonly SelectedFeature[],
        times: Float64Array,
      ): Promise<readonly ResultColumns[]> => answersAt(some, keys, times, knowledge);
      const timeline = await timelineOf(
        { selection, keys, from, to, knowledge, maxPoints: MAX_POINTS, masking: nothingMasked },
        { logged, answer },
      );
      const asked = new Set<number>([from, to]);
      for (let i = 0; i < TIMES; i++)
        asked.add(from + Math.floor(random.fraction() * (to - from + 1)));
      const starts = timeline.features.map((one) =>
        one.points.map(({ at }) => parseTime(at, "UTC")!),
      );
      for (const time of random.shuffled(starts.flat()).slice(0, 2 * TIMES)) {
        asked.add(time);
        if (time > from) asked.add(time - 1);
        if (time < to) asked.add(time + 1);
      }
      const times = Float64Array.from(asked).sort();
      const found = await answer(selection, times);
      timeline.features.forEach((one, f) => {
        timelines++;
        if (!one.isExact) return;
        exact++;
        points += one.points.length;
        const who = `seed ${scenario.seed}, ${knowledge}, request ${row}, ${one.feature}`;
        one.points.forEach((point, i) => {
          const before = one.points[i - 1];
          if (before !== undefined && textOf(before) === textOf(point))
            faults.push(`${who}: two points are equal at ${point.at}`);
        });
        let at = 0;
        times.forEach((time, t) => {
          while (at + 1 < starts[f]!.length && starts[f]![at + 1]! <= time) at++;
          answers++;
          const { values, statuses } = found[f]!;
          const value = jsonOf(values[t]!, selection[f]!.feature.result);
          const expected = textOf({ value, status: statuses[t]! });
          if (textOf(one.points[at]!) !== expected)
            faults.push(
              `${who}: at ${formatTime(time)} the history answers ${expected}, and the timeline ` +
                `${textOf(one.points[at]!)} since ${one.points[at]!.at}`,
            );
        });
      });
    }
  return { timelines, exact, points, answers, faults };

  async function answersAt(
    some: readonly SelectedFeature[],
    keys: KeyValues,
    times: Float64Array,
    knowledge: "as-known" | "as-corrected",
  ): Promise<readonly ResultColumns[]> {
    const columns = keyColumns(
      keysNeeded(some),
      Array.from(times, () => keys),
    );
    const question = { selection: some, keys: columns, times, knowledge, since: null };
    return resultsOf(await reader.read(question));
  }
}

function textOf({ value, status }: { readonly value: unknown; readonly status: string }): string {
  return `${status} ${JSON.stringify(value)}`;
}
