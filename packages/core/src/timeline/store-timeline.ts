/** Reads a request for a timeline, and answers it from the history. */
import { timeOf } from "../define/time-input.ts";
import { resultsOf } from "../engine/engine-columns.ts";
import { TidemarkError } from "../errors.ts";
import { historyRows } from "../explain/history-rows.ts";
import { maskingOption } from "../explain/masking.ts";
import { historyTables } from "../offline/history-tables.ts";
import type { OfflineReader } from "../offline/offline-reader.ts";
import {
  countOption,
  refuseUnknownOptions,
  wordOption,
  type OptionNames,
} from "../option-checks.ts";
import { sourcesOf } from "../plan/columns-read.ts";
import { keyColumns, keysNeeded, keysReader } from "../request/entity-keys.ts";
import type { SelectedFeature } from "../specs.ts";
import type { OfflineStore, ResultColumns } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";
import { timelineOf, type TimelineQuestion } from "./timeline.ts";
import type { Timeline } from "./timeline-types.ts";

const OPTIONS: OptionNames = {
  names: new Set([
    "features",
    "entity",
    "from",
    "to",
    "knowledge",
    "maxPoints",
    "personal",
    "signal",
  ]),
  renamed: { feature: "features", entities: "entity", asOf: "to" },
};
const KNOWLEDGE = ["as-known", "as-corrected"] as const;
const DEFAULT_POINTS = 1_000;
const MOST_POINTS = 10_000;
/** How often a timeline is made again because the history was written meanwhile. */
const ATTEMPTS = 3;

/** A request, as JavaScript gives it. */
export interface TimelineInput {
  readonly features?: unknown;
  readonly entity?: unknown;
  readonly from?: unknown;
  readonly to?: unknown;
  readonly knowledge?: unknown;
  readonly maxPoints?: unknown;
  readonly personal?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** What a timeline is made from. */
export interface TimelineContext {
  readonly clock: () => number;
  /** Reads a selection, as other calls of the store do. */
  readonly selectionOf: (features: unknown, call: string) => readonly SelectedFeature[];
  readonly offline: OfflineStore;
  readonly reader: OfflineReader;
}

/** Makes the timeline that a request asks for. */
export async function storeTimeline(
  request: TimelineInput,
  { clock, selectionOf, offline, reader }: TimelineContext,
): Promise<Timeline> {
  refuseUnknownOptions("timeline", request, OPTIONS);
  const { signal } = request;
  signal?.throwIfAborted();
  const selection = selectionOf(request.features, "timeline");
  const question: TimelineQuestion = {
    selection,
    keys: keysReader(selection).read(request.entity, 0),
    from: timeOf(request.from, "timeline: from"),
    to: request.to === undefined ? clock() : timeOf(request.to, "timeline: to"),
    knowledge: wordOption("timeline: knowledge", request.knowledge, KNOWLEDGE),
    maxPoints: pointsOption(request.maxPoints),
    masking: maskingOption("timeline: personal", request.personal),
  };
  const { keys, from, to, knowledge } = question;
  if (from > to)
    throw new TidemarkError(
      "OPTION_INVALID",
      `timeline: from ${formatTime(from)} is after to ${formatTime(to)}; exchange them`,
    );
  const answer = async (
    asked: readonly SelectedFeature[],
    times: Float64Array,
  ): Promise<readonly ResultColumns[]> =>
    resultsOf(
      await reader.read({
        selection: asked,
        keys: keyColumns(
          keysNeeded(asked),
          Array.from(times, () => keys),
        ),
        times,
        knowledge,
        since: null,
        workers: 0,
        signal,
      }),
    );
  for (let attempt = 1; ; attempt++) {
    const before = await historyVersions(offline, selection, signal);
    const timeline = await timelineOf(question, { logged: historyRows(offline, signal), answer });
    const isSame = before === (await historyVersions(offline, selection, signal));
    if (isSame || attempt === ATTEMPTS) return timeline;
  }
}

function pointsOption(given: unknown): number {
  const points = countOption("timeline: maxPoints", given, MOST_POINTS) ?? DEFAULT_POINTS;
  if (points >= 2) return points;
  throw new TidemarkError(
    "OPTION_INVALID",
    `timeline: maxPoints is ${points}; give a whole number from 2 to ${MOST_POINTS}`,
  );
}

/** A text that changes when a change log of the features is written. */
async function historyVersions(
  offline: OfflineStore,
  selection: readonly SelectedFeature[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const versions: (number | null)[] = [];
  for (const source of sourcesOf(selection)) {
    const state = await offline.state(historyTables(source).changes.name, { signal });
    versions.push(state?.version ?? null);
  }
  return versions.join();
}
