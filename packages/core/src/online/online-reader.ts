/**
 * Computes features at request time: from one snapshot of the online store, at one time, with the
 * shared kernels.
 */
import { keyText } from "../columns/key-bytes.ts";
import { TidemarkError } from "../errors.ts";
import { asOfKernel } from "../asof/as-of-kernel.ts";
import type { SelectedFeature, Value, ViewSpec } from "../specs.ts";
import type { AggregatePlan, ResultColumns, JoinPlan, OnlineStore } from "../spi.ts";
import { entityLogsOf, type EntityLog, type EntityLogs } from "./entity-logs.ts";
import { reusingDecoder } from "../columns/batch-codec.ts";
import type { Batch } from "../columns/batch.ts";
import type { ByteReader } from "../columns/bytes.ts";
import {
  readEntityLogs,
  timedRows,
  wantedColumns,
  type StoredEntityLog,
  type EntityLogRequest,
  type ReadCell,
} from "./stored-rows.ts";
import { viewPlans, type ViewPlan } from "../plan/view-plans.ts";
import { formatTime } from "../time/parse-time.ts";
import { entityLogName } from "./source-layout.ts";
import {
  decodeSourceState,
  missingForFeature,
  layoutFor,
  sourceStateKey,
  type SourceState,
} from "./source-state.ts";
import { resultWriters, type ResultWriter, type TimedRows } from "../window/timed-rows.ts";
import { spansOf, unchangedUntil } from "../window/unchanged-until.ts";
import { windowKernelBinder, type WindowKernel } from "../window/window-kernel.ts";

import {
  createAnswerCache,
  checkedCacheBytes,
  cachedFrom,
  writeCached,
  type CachedAnswer,
  type CachedAnswers,
} from "./answer-cache.ts";

export interface OnlineQuery {
  readonly selection: readonly SelectedFeature[];
  /** For each request, the values of the entity keys by name. */
  readonly keys: readonly Readonly<Record<string, Value>>[];
  /** The time of the request, µs. */
  readonly t: number;
}

/** A plan, prepared for the current state of its source. */
interface PreparedPlan extends ViewPlan {
  readonly entityLog: string;
  readonly spans: readonly number[];
  current: {
    readonly knownState: object;
    readonly entityLog: EntityLog;
    readonly wanted: readonly number[] | undefined;
    readonly decode: ((reader: ByteReader) => Batch) | undefined;
    /**
     * null: answers are not cached. A dimension is never cached, because its rows hold between two
     * times.
     */
    readonly cached: CachedAnswers | null;
  } | null;
  /** Computes answers one after another; nothing else may run between the rows of two answers. */
  readonly kernels: (rows: TimedRows) => WindowKernel;
}

/** The state of a source as it was last read. */
interface KnownState {
  readonly state: SourceState;
  readonly entityLogs: EntityLogs;
}

/**
 * The number of requests from which the change counter is read. Reading the counter costs as much
 * as reading one entity.
 */
const COUNTER_MIN_REQUESTS = 4;

/** The request of one plan for one entity. */
interface EntityRequest extends EntityLogRequest {
  readonly text: string;
  /** A cached answer that holds at the requested time if the log tail still has its version. */
  readonly cached: CachedAnswer | null;
}

interface Preparation {
  readonly plans: readonly PreparedPlan[];
  /** One view for each source. */
  readonly sources: readonly ViewSpec[];
  readonly stateKeys: readonly Uint8Array[];
}

export interface OnlineReader {
  /**
   * Returns result columns for each selected feature, row i for request i (law 8: answer i belongs
   * to request i).
   */
  read(question: OnlineQuery): Promise<readonly ResultColumns[]>;
}

export interface OnlineReaderOptions {
  readonly store: OnlineStore;
  readonly namespace: string;
  readonly views: readonly ViewSpec[];
  /** The size of the answer cache, bytes; 0: no cache. */
  readonly answerCacheBytes?: number | undefined;
  readonly onOverflow: (count: number) => void;
}

export function onlineReader(options: OnlineReaderOptions): OnlineReader {
  const { store, namespace, views } = options;
  const states = new Map<string, KnownState>();

  /** The state of a source; the state is decoded again only when its cell has changed. */
  function stateOf(view: ViewSpec, cell: ReadCell): KnownState {
    const { source } = view;
    const known = states.get(source.name);
    if (known !== undefined && (cell === "same" || known.state.version === (cell?.version ?? null)))
      return known;
    if (cell === "same") throw new TypeError("a state that is not known cannot be the same");
    const asked = layoutFor(source, views);
    const state: SourceState =
      cell === null
        ? { layout: asked, horizon: -Infinity, truncates: [], version: null }
        : decodeSourceState(store, asked, cell);
    const fresh: KnownState = { state, entityLogs: entityLogsOf(namespace, state.layout) };
    states.set(source.name, fresh);
    return fresh;
  }

  const bytes = checkedCacheBytes(options.answerCacheBytes);
  const answerCache = bytes === 0 ? null : createAnswerCache(bytes);
  const preparations = new WeakMap<readonly SelectedFeature[], Preparation>();

  const overflows = { count: 0 };
  const kernelsOf = (plan: AggregatePlan | JoinPlan): PreparedPlan["kernels"] =>
    "longestWindow" in plan
      ? windowKernelBinder(plan, overflows)
      : (rows) => asOfKernel(plan, rows);

  /** Prepares what depends on the selection alone, once per selection. */
  function prepare(selection: readonly SelectedFeature[]): Preparation {
    const known = preparations.get(selection);
    if (known !== undefined) return known;
    const plans = viewPlans(selection).map((plan) => ({
      ...plan,
      entityLog: entityLogName(plan.view),
      spans: spansOf(plan.plan),
      current: null,
      kernels: kernelsOf(plan.plan),
    }));
    const sources = [...new Map(plans.map(({ view }) => [view.source.name, view])).values()];
    const fresh = {
      plans,
      sources,
      stateKeys: sources.map((view) => sourceStateKey(namespace, view.source.name)),
    };
    preparations.set(selection, fresh);
    return fresh;
  }

  /**
   * Reads log tails and source states in one snapshot. The log tails are requested with the known
   * layout, which seldom changes. The states in the snapshot then confirm the layout.
   */
  async function snapshot({ plans, sources, stateKeys }: Preparation, question: OnlineQuery) {
    if (sources.some((view) => !states.has(view.source.name))) {
      const cells = await store.read(stateKeys);
      sources.forEach((view, i) => stateOf(view, cells[i] ?? null));
    }
    for (let useCounter = true; ; useCounter = false) {
      const versions = sources.map((view) => states.get(view.source.name)!.state.version);
      const requests = plans.flatMap((plan) =>
        entityLogRequests(plan, states.get(plan.view.source.name)!, question),
      );
      const changeCounter =
        useCounter && requests.length >= COUNTER_MIN_REQUESTS
          ? (store.changeCounter?.() ?? null)
          : null;
      // an answer seen at this change counter is unchanged, and so is the source state seen with it
      const asked =
        changeCounter === null
          ? requests
          : requests.filter(({ cached }) => cached?.seen !== changeCounter);
      if (changeCounter !== null && asked.length === 0) {
        for (const view of sources) refuseBefore(states.get(view.source.name)!.state, question.t);
        return { requests, changeCounter, entityLogs: requests.map(() => "same" as const) };
      }
      const read = await readEntityLogs(store, asked, {
        keys: stateKeys,
        known: versions,
        accept(cells) {
          // a segment before the horizon may be deleted
          sources.forEach((view, i) => {
            refuseBefore(stateOf(view, cells[i] ?? null).state, question.t);
          });
        },
      });
      if (sources.some((view, i) => states.get(view.source.name)!.state.version !== versions[i]))
        continue;
      if (asked.length === requests.length) return { requests, changeCounter, entityLogs: read };
      // after a write, the cached answers and this read may be of two snapshots
      if (store.changeCounter!() !== changeCounter) continue;
      let next = 0;
      return {
        requests,
        changeCounter,
        entityLogs: requests.map((request) => (request === asked[next] ? read[next++]! : "same")),
      };
    }
  }

  function entityLogRequests(
    prepared: PreparedPlan,
    knownState: KnownState,
    { keys, t }: OnlineQuery,
  ): EntityRequest[] {
    const { view, plan } = prepared;
    if (prepared.current?.knownState !== knownState) {
      refuseUnanswerable(view, plan, knownState.state);
      const entityLog = knownState.entityLogs.logs.find(
        (one) => one.layout.name === prepared.entityLog,
      )!;
      const wanted = wantedColumns(
        knownState.entityLogs,
        entityLog,
        plan.columns,
        knownState.state,
      );
      prepared.current?.cached?.clear();
      const cached =
        knownState.entityLogs.layout.timeIndex < 0 ? null : (answerCache?.forPlan() ?? null);
      prepared.current = {
        knownState,
        entityLog,
        wanted,
        decode: wanted === undefined ? undefined : reusingDecoder(entityLog.format.columns, wanted),
        cached,
      };
    }
    const { entityLog, wanted, decode, cached: answers } = prepared.current;
    const notBefore = "longestWindow" in plan ? t - plan.longestWindow : -Infinity;
    const columns = view.entity.keys;
    return keys.map((named) => {
      const key = columns.map((column) => named[column.name]!);
      const text = answers === null ? "" : keyText(columns, key);
      const found = answers?.get(text);
      const cached = found !== undefined && found.from <= t && t <= found.until ? found : null;
      return {
        entityLogs: knownState.entityLogs,
        entityLog,
        key,
        tailKey: found?.tailKey ?? entityLog.tail(key),
        known: cached?.version ?? null,
        notBefore,
        wanted,
        decode,
        text,
        cached,
      };
    });
  }

  function refuseUnanswerable(
    view: ViewSpec,
    plan: AggregatePlan | JoinPlan,
    state: SourceState,
  ): void {
    // the next request reads the state again
    const refused = (message: string): TidemarkError => {
      states.delete(view.source.name);
      return new TidemarkError("NEEDS_BACKFILL", `${store.name}: ${message}`);
    };
    if (state.backfilling !== undefined)
      throw refused(
        `source "${view.source.name}" is being filled from its history and is not whole yet: ` +
          "wait for store.backfill, or call it again where it was stopped",
      );
    for (const feature of plan.features) {
      const lack = missingForFeature(state, view, feature);
      if (lack === null) continue;
      throw refused(
        `feature ${view.name}.${feature.name} needs ${lack}, which the store does not hold: ` +
          "fill an empty online store with store.backfill or from the beginning of the log, " +
          "or leave the feature out until then",
      );
    }
  }

  function refuseBefore({ horizon, layout }: SourceState, t: number): void {
    if (t >= horizon) return;
    throw new TidemarkError(
      "ASOF_BEFORE_HORIZON",
      `${store.name}: ${formatTime(t)} lies before ${formatTime(horizon)}, ` +
        `from where on the store holds every row of source "${layout.source.name}": ` +
        "ask getHistoricalFeatures, or keep more with online.retention of openStore",
    );
  }

  return {
    async read(question) {
      const prepared = prepare(question.selection);
      const { plans } = prepared;
      const { requests, changeCounter, entityLogs } = await snapshot(prepared, question);
      const answers = new Array<ResultColumns>(question.selection.length);
      const length = question.keys.length;
      plans.forEach((plan, p) => {
        const { indexes } = plan;
        const results = resultWriters(plan.plan.features, length);
        for (let row = 0; row < length; row++) {
          const request = requests[p * length + row]!;
          const cells = entityLogs[p * length + row]!;
          if (cells !== "same")
            answerRow(plan, request, cells, changeCounter, question.t, results, row);
          else {
            writeCached(request.cached!, results, row);
            if (changeCounter !== null) request.cached!.seen = changeCounter;
          }
        }
        indexes.forEach((list, f) => {
          for (const index of list) answers[index] = results[f]!;
        });
      });
      return answers;
    },
  };

  function answerRow(
    prepared: PreparedPlan,
    request: EntityRequest,
    cells: StoredEntityLog | null,
    changeCounter: number | null,
    t: number,
    results: readonly ResultWriter[],
    row: number,
  ): void {
    const { view, plan, spans, kernels, current } = prepared;
    const rows = timedRows(
      request.entityLogs,
      request.entityLog,
      request.key,
      cells,
      states.get(view.source.name)!.state,
    );
    kernels(rows)(0, rows.columns.length, t, results, row);
    if (overflows.count > 0) {
      // every answer with an overflow is counted, so such answers are not cached
      options.onOverflow(overflows.count);
      overflows.count = 0;
    } else if (cells !== null && current!.cached !== null) {
      const answer = cachedFrom(results, row, {
        tailKey: request.tailKey,
        version: cells.version,
        from: t,
        until: unchangedUntil(plan, spans, rows, t),
        seen: changeCounter,
      });
      if (answer !== null) current!.cached.set(request.text, answer);
    }
  }
}
