/**
 * Computes features of the past for entity rows (law 8: the answer has exactly the rows asked, in
 * their order).
 */
import { TidemarkError } from "../errors.ts";
import { historyTables } from "./history-tables.ts";
import type { HistoryContext } from "./merge-versions.ts";
import { historyState, versionEvents, type HistoryState } from "./version-events.ts";
import { versionRows } from "./version-rows.ts";
import { valueAt } from "../columns/batch.ts";
import type { Knowledge } from "../request/request-types.ts";
import { columnIndex } from "../rows/row-change.ts";
import type { SelectedFeature, SourceSpec, Value } from "../specs.ts";
import type { ResultColumns, ComputeEngine, Events, OfflineStore } from "../spi.ts";
import { EVENTS_PER_PARTITION, entityPartitions, joinPartitions } from "./entity-partitions.ts";
import { viewPlans } from "../plan/view-plans.ts";

export interface OfflineQuery {
  readonly selection: readonly SelectedFeature[];
  /** For each entity row, the values of the entity keys by name. */
  readonly keys: readonly Readonly<Record<string, Value>>[];
  /** The time of each entity row, µs. */
  readonly times: Float64Array;
  readonly knowledge: Knowledge;
  readonly signal?: AbortSignal | undefined;
}

export function historyContext(offline: OfflineStore, source: SourceSpec): HistoryContext {
  const tables = historyTables(source);
  return { offline, source, tables, rows: versionRows(source, tables) };
}

export interface OfflineReader {
  context(source: SourceSpec): HistoryContext;
  /**
   * The commit time from which each source's history is complete, µs; null if the source has no
   * history.
   */
  coverage(
    sources: readonly SourceSpec[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, number | null>>;
  /** Returns result columns for each selected feature. With `since`, a row before it is refused. */
  read(
    question: OfflineQuery & { readonly since: ReadonlyMap<string, number | null> | null },
  ): Promise<readonly ResultColumns[]>;
}

export function openOfflineReader(offline: OfflineStore, engine: ComputeEngine): OfflineReader {
  const known = new Map<string, { readonly version: number; readonly since: number | null }>();

  return {
    context: (source) => historyContext(offline, source),
    async coverage(sources, signal) {
      const result = new Map<string, number | null>();
      for (const source of sources) {
        const state = await offline.state(historyContext(offline, source).tables.changes.name, {
          signal,
        });
        let entry = known.get(source.name);
        if (entry?.version !== state?.version || entry === undefined) {
          known.set(
            source.name,
            (entry = {
              version: state?.version ?? -1,
              since:
                state === null ? null : await knownSince(offline, source, state.version, signal),
            }),
          );
        }
        result.set(source.name, entry.since);
      }
      return result;
    },
    async read(question) {
      if (question.since !== null) refuseBeforeHistory(question.times, question.since);
      return readHistory(offline, engine, question);
    },
  };
}

/** Computes all features. Every view reads the same version of its source's tables. */
async function readHistory(
  offline: OfflineStore,
  engine: ComputeEngine,
  question: OfflineQuery,
): Promise<readonly ResultColumns[]> {
  const { selection, signal } = question;
  const answers = new Array<ResultColumns>(selection.length);
  const states = new Map<string, HistoryState | null>();
  for (const { view, plan, indexes } of viewPlans(selection)) {
    const context = historyContext(offline, view.source);
    if (!states.has(view.source.name))
      states.set(view.source.name, await historyState(context, signal));
    const state = states.get(view.source.name)!;
    const reach = "longestWindow" in plan ? plan.longestWindow : Infinity;
    const partitions: {
      readonly indexes: Int32Array;
      readonly answers: readonly ResultColumns[];
    }[] = [];
    for (const { rows, entityOf, indexes: own, earliest, latest } of entityPartitions(
      view,
      question.keys,
      question.times,
      partitionCount(state),
    )) {
      const events: AsyncIterable<Events> =
        state === null
          ? noEvents()
          : versionEvents(context, state, {
              columns: plan.columns,
              keyColumns: view.keyColumns,
              entityOf,
              knowledge: question.knowledge,
              times: { min: earliest - reach, max: latest },
              signal,
            });
      partitions.push({
        indexes: own,
        answers: await ("longestWindow" in plan
          ? engine.aggregate(plan, events, rows, { signal })
          : engine.joinAsOf(plan, events, rows, { signal })),
      });
    }
    const computed = joinPartitions(partitions, question.keys.length);
    indexes.forEach((list, f) => {
      for (const index of list) answers[index] = computed[f]!;
    });
  }
  return answers;
}

/**
 * The earliest commit time in the log (law 6: coverage gives each source's known since). A declared
 * since column may be earlier (law 2: snapshot rows hold from a declared column).
 */
async function knownSince(
  offline: OfflineStore,
  source: SourceSpec,
  version: number,
  signal?: AbortSignal,
): Promise<number | null> {
  const { tables } = historyContext(offline, source);
  const since =
    source.eventTime.kind === "committed" && source.eventTime.since !== null
      ? [tables.declared[columnIndex(source, source.eventTime.since)]!.name]
      : [];
  let earliest = Infinity;
  for await (const batch of offline.scan(tables.changes.name, {
    columns: ["_committed", ...since],
    version,
    signal,
  })) {
    for (const vector of batch.vectors) {
      for (let i = 0; i < batch.length; i++)
        earliest = Math.min(earliest, (valueAt(vector, i) as number | null) ?? Infinity);
    }
  }
  return Number.isFinite(earliest) ? earliest : null;
}

/** Refuses rows before the history of a source (law 6: `beforeHistory: "error"`). */
function refuseBeforeHistory(times: Float64Array, since: ReadonlyMap<string, number | null>): void {
  for (const [source, start] of since) {
    const row = times.findIndex((time) => start === null || time <= start);
    if (row < 0) continue;
    const from =
      start === null
        ? "has no history yet"
        : `is known from ${new Date(start / 1000).toISOString()} on`;
    throw new TidemarkError(
      "ASKNOWN_BEFORE_HISTORY",
      `entity row ${row} asks for ${new Date(times[row]! / 1000).toISOString()}, ` +
        `and source "${source}" ${from}: leave such rows out, or write beforeHistory: "empty"`,
    );
  }
}

function partitionCount(state: HistoryState | null): number {
  return Math.max(
    1,
    Math.ceil(((state?.versions?.rows ?? 0) + (state?.log.rows ?? 0) / 4) / EVENTS_PER_PARTITION),
  );
}

async function* noEvents(): AsyncIterable<Events> {
  // a source without history has no rows
}
