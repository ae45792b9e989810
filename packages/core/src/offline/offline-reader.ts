/**
 * Computes features of the past for entity rows (law 8: the answer has exactly the rows asked, in
 * their order).
 */
import { reachOfPlan } from "../window/window-edges.ts";
import { TidemarkError } from "../errors.ts";
import { threadsWithin } from "../memory-limit.ts";
import { readChangeLog } from "./change-log.ts";
import type { EventsQuery } from "./events-query.ts";
import { historyContext, type HistoryContext } from "./history-context.ts";
import { knownAtRows } from "./known-at-rows.ts";
import { historyLookups, withLookups, type DimensionHistory } from "./history-lookups.ts";
import { readingEvents, readingsOfInput, type TableReading } from "./reading-events.ts";
import { rangesOfKeys } from "./key-range.ts";
import { tableReferences } from "./table-references.ts";
import { historyState, type HistoryState } from "./version-events.ts";
import { valueAt, type Batch } from "../columns/batch.ts";
import type { Overflows } from "../columns/overflows.ts";
import { engineColumnOf, resultsOf } from "../engine/engine-columns.ts";
import {
  withDerivedFeatures,
  type AnswerForms,
  type BaseQuestion,
} from "../request/derived-answers.ts";
import type { Knowledge, TrainingSet } from "../request/request-types.ts";
import { parseTime } from "../time/parse-time.ts";
import { rowChangesOf } from "../rows/row-change.ts";
import type { SelectedFeature, SourceSpec } from "../specs.ts";
import type { ComputeEngine, EngineColumn, OfflineStore } from "../spi.ts";
import { entityNumbers } from "./entity-numbers.ts";
import { viewPlans } from "../plan/compile.ts";
import { dimensionsOf, inputOf } from "../plan/plan-kinds.ts";

export interface OfflineQuery {
  readonly selection: readonly SelectedFeature[];
  /** The entity keys and the request data of the entity rows. */
  readonly keys: Batch;
  /** The time of each entity row, µs. */
  readonly times: Float64Array;
  readonly knowledge: Knowledge;
  /**
   * As known: the time of each entity row's knowledge, µs. Changes that were committed before it
   * count. Default: the time of the entity row.
   */
  readonly knownAt?: Float64Array | undefined;
  /** The bytes that the events and answers may take, about. Default: 1 GiB. */
  readonly memoryLimit?: number | undefined;
  /** The number of threads that compute. Default: one for each core. */
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal | undefined;
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
  /** Returns the answers to each selected feature. With `since`, a row before it is refused. */
  read(
    question: OfflineQuery & { readonly since: ReadonlyMap<string, number | null> | null },
  ): Promise<readonly EngineColumn[]>;
}

/** Questions and answers as columns. */
const columnForms: AnswerForms<OfflineQuery, EngineColumn> = {
  length: ({ keys }) => keys.length,
  given({ keys }, name) {
    const vector = keys.vectors[keys.columns.findIndex((column) => column.name === name)]!;
    return (row) => valueAt(vector, row);
  },
  open: (column) => resultsOf([column])[0]!,
  close: (answers, { result }) => engineColumnOf(answers, result),
};

export function openOfflineReader(
  offline: OfflineStore,
  engine: ComputeEngine,
  onOverflow?: (count: number) => void,
): OfflineReader {
  const known = new Map<string, { readonly version: number; readonly since: number | null }>();

  const readFeatures = withDerivedFeatures(
    columnForms,
    (question: BaseQuestion<OfflineQuery>) => readHistory(offline, engine, question, onOverflow),
    onOverflow,
  );

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
      return readFeatures(question);
    },
  };
}

/** Computes all features. Every view reads the same version of its source's tables. */
async function readHistory(
  offline: OfflineStore,
  engine: ComputeEngine,
  question: BaseQuestion<OfflineQuery>,
  onOverflow: ((count: number) => void) | undefined,
): Promise<readonly EngineColumn[]> {
  const { selection, signal } = question;
  const answers = new Array<EngineColumn>(selection.length);
  const workers = threadsWithin(question.memoryLimit, question.workers);
  const states = new Map<string, HistoryState | null>();
  const stateOf = async (source: SourceSpec): Promise<HistoryState | null> => {
    if (!states.has(source.name))
      states.set(source.name, await historyState(historyContext(offline, source), signal));
    return states.get(source.name)!;
  };
  for (const { view, plan, indexes } of viewPlans(selection)) {
    const tables: TableReading[] = [];
    for (const reading of readingsOfInput(view, inputOf(plan.input.input))) {
      const { source } = reading.view;
      const context = historyContext(offline, source);
      tables.push({ ...reading, context, state: await stateOf(source) });
    }
    const times = eventTimes(question, reachOfPlan(plan));
    const dimensions: DimensionHistory[] = [];
    for (const source of dimensionsOf(view, plan))
      dimensions.push({ context: historyContext(offline, source), state: await stateOf(source) });
    const overflows: Overflows = { count: 0 };
    const lookUp = await historyLookups(plan.input.input, dimensions, times, overflows, signal);
    const numbers = entityNumbers(view, question.keys);
    const { keyCount, entity, keys, entityOf } = numbers;
    const apart =
      question.knownAt === undefined
        ? null
        : knownAtRows(numbers, question.times, question.knownAt);
    const rows = apart?.rows ?? { length: entity.length, keyCount, entity, time: question.times };
    const query = {
      entityOf,
      knowledge: question.knowledge,
      times,
      keys: rangesOfKeys(keys()),
      workers,
      signal,
    };
    const references = tableReferences([...tables, ...dimensions]);
    const computed = await engine.compute(
      { plan, tables: references, knowledge: question.knowledge, rows },
      {
        events() {
          const events = withLookups(readingEvents(tables, query, overflows), lookUp);
          return apart === null ? events : apart.events(events);
        },
        keys: apart?.keys ?? keys,
        memoryLimit: question.memoryLimit,
        workers,
        // rows that are apart have the events of their entity each
        expectedEvents: apart === null ? eventCount(tables) : undefined,
        signal,
      },
    );
    if (overflows.count > 0) onOverflow?.(overflows.count);
    indexes.forEach((index, column) => {
      answers[index] = computed[column]!;
    });
  }
  return answers;
}

/** The event times of the rows that can matter, both ends included. */
function eventTimes({ times }: OfflineQuery, reach: number): EventsQuery["times"] {
  const earliest = times.reduce((least, time) => Math.min(least, time), Infinity);
  const latest = times.reduce((most, time) => Math.max(most, time), -Infinity);
  return { min: earliest - reach, max: latest };
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
  let earliest = Infinity;
  if (source.eventTime.kind === "committed" && source.eventTime.since !== null) {
    const rowChanges = rowChangesOf(source);
    for await (const change of readChangeLog(offline, tables, source, { version, signal })) {
      earliest = Math.min(earliest, change.committed ?? Infinity);
      for (const row of rowChanges(change)) earliest = Math.min(earliest, row.change.committed);
    }
  } else {
    const table = tables.changes.name;
    // the log of the table says it without a look at the rows, if it has statistics
    const described = await offline.describe?.(table, { timeColumn: "_committed", signal });
    if (described?.version === version && described.oldest !== null) return described.oldest;
    for await (const { length, vectors } of offline.scan(table, {
      columns: ["_committed"],
      version,
      signal,
    }))
      for (let i = 0; i < length; i++)
        earliest = Math.min(earliest, (valueAt(vectors[0]!, i) as number | null) ?? Infinity);
  }
  return Number.isFinite(earliest) ? earliest : null;
}

/** The commit time from which each source's history is complete, µs, as a coverage says it. */
export function knownSinceOf(
  coverage: TrainingSet<unknown>["coverage"],
): ReadonlyMap<string, number | null> {
  return new Map(
    Object.entries(coverage).map(([source, { knownSince }]) => [
      source,
      knownSince === null ? null : parseTime(knownSince, "UTC"),
    ]),
  );
}

/**
 * Refuses rows before the history of a source (law 6: `beforeHistory: "error"`). `first` is the
 * number of the first row.
 */
export function refuseBeforeHistory(
  times: Float64Array,
  since: ReadonlyMap<string, number | null>,
  first: number = 0,
): void {
  for (const [source, start] of since) {
    const row = times.findIndex((time) => start === null || time <= start);
    if (row < 0) continue;
    const from =
      start === null
        ? "has no history yet"
        : `is known from ${new Date(start / 1000).toISOString()} on`;
    throw new TidemarkError(
      "ASKNOWN_BEFORE_HISTORY",
      `entity row ${first + row} asks for ${new Date(times[row]! / 1000).toISOString()}, ` +
        `and source "${source}" ${from}: leave such rows out, or write beforeHistory: "empty"`,
    );
  }
}

/** How many events the tables have, at most: a change makes one version. */
function eventCount(tables: readonly TableReading[]): number {
  return tables.reduce(
    (sum, { state }) => sum + Math.max(state?.versions?.rows ?? 0, state?.log.rows ?? 0),
    0,
  );
}
