/**
 * Features at request time: one snapshot of the online store, one time, the same kernels as
 * everywhere.
 */
import { keyText } from "../columns/key-bytes.ts";
import { TidemarkError } from "../errors.ts";
import { asOfKernel } from "../asof/as-of-kernel.ts";
import type { Selected, Value, ViewSpec } from "../specs.ts";
import type { AggregatePlan, Answers, JoinPlan, OnlineStore } from "../spi.ts";
import { onlineLanes, type OnlineLane, type OnlineLanes } from "./entity-logs.ts";
import { rowDecoder } from "../columns/batch-codec.ts";
import type { Batch } from "../columns/batch.ts";
import type { ByteReader } from "../columns/bytes.ts";
import {
  readLanes,
  timedRows,
  wantedColumns,
  type LaneCells,
  type LaneRequest,
  type ReadCell,
} from "./stored-rows.ts";
import { viewPlans, type ViewPlan } from "../plan/view-plans.ts";
import { formatTime } from "../time/parse-time.ts";
import { laneName } from "./source-layout.ts";
import {
  decodeSourceState,
  lacking,
  layoutFor,
  sourceStateKey,
  type SourceState,
} from "./source-state.ts";
import { answerSheets, type AnswerSheet, type TimedRows } from "../window/timed-rows.ts";
import { spansOf, unchangedUntil } from "../window/unchanged-until.ts";
import { windowKernels, type WindowKernel } from "../window/window-kernel.ts";

import {
  answerMemory,
  bytesKept,
  keptFrom,
  writeKept,
  type KeptAnswer,
  type KeptAnswers,
} from "./answer-cache.ts";

export interface OnlineQuestion {
  readonly selection: readonly Selected[];
  /** For each request, the values of the entity keys by name. */
  readonly keys: readonly Readonly<Record<string, Value>>[];
  /** µs. */
  readonly t: number;
}

/** A plan, and what it means for the state that its source is in now. */
interface PreparedPlan extends ViewPlan {
  readonly lane: string;
  readonly spans: readonly number[];
  current: {
    readonly of: object;
    readonly lane: OnlineLane;
    readonly wanted: readonly number[] | undefined;
    readonly decode: ((reader: ByteReader) => Batch) | undefined;
    /**
     * null: no answers are kept; not of a source without an event time either, whose rows are known
     * from one time to another.
     */
    readonly kept: KeptAnswers | null;
  } | null;
  /** One answer after another: between the rows of one and those of the next nothing else runs. */
  readonly kernels: (rows: TimedRows) => WindowKernel;
}

/** The state of a source as it was last read. */
interface KnownState {
  readonly state: SourceState;
  readonly lanes: OnlineLanes;
}

/**
 * So many entities are worth a look whether anything was written at all; the look costs as much as
 * reading one.
 */
const MANY = 4;

/** What one plan asks for one entity. */
interface EntityRequest extends LaneRequest {
  readonly text: string;
  /** An answer that holds at the time asked, if the head is still of its version. */
  readonly kept: KeptAnswer | null;
}

interface Preparation {
  readonly plans: readonly PreparedPlan[];
  /** One view for each source. */
  readonly sources: readonly ViewSpec[];
  readonly stateKeys: readonly Uint8Array[];
}

export interface OnlineReader {
  /** One set of answers per selected feature, row i for request i (law 8). */
  read(question: OnlineQuestion): Promise<readonly Answers[]>;
}

export interface OnlineReaderOptions {
  readonly store: OnlineStore;
  readonly namespace: string;
  readonly views: readonly ViewSpec[];
  /** Bytes; 0: none. */
  readonly keepAnswers?: number | undefined;
  readonly onOverflow: (count: number) => void;
}

export function onlineReader(options: OnlineReaderOptions): OnlineReader {
  const { store, namespace, views } = options;
  const states = new Map<string, KnownState>();

  /** The state of a source, decoded again only when its cell has changed. */
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
    const fresh: KnownState = { state, lanes: onlineLanes(namespace, state.layout) };
    states.set(source.name, fresh);
    return fresh;
  }

  const bytes = bytesKept(options.keepAnswers);
  const memory = bytes === 0 ? null : answerMemory(bytes);
  const preparations = new WeakMap<readonly Selected[], Preparation>();

  const overflows = { count: 0 };
  const kernelsOf = (plan: AggregatePlan | JoinPlan): PreparedPlan["kernels"] =>
    "longest" in plan ? windowKernels(plan, overflows) : (rows) => asOfKernel(plan, rows);

  /** What follows from the selection alone, once. */
  function prepare(selection: readonly Selected[]): Preparation {
    const known = preparations.get(selection);
    if (known !== undefined) return known;
    const plans = viewPlans(selection).map((plan) => ({
      ...plan,
      lane: laneName(plan.view),
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
   * Heads are asked before the states are known to be the current ones: the layout seldom changes,
   * and is checked against the same snapshot.
   */
  async function snapshot({ plans, sources, stateKeys }: Preparation, question: OnlineQuestion) {
    if (sources.some((view) => !states.has(view.source.name))) {
      const cells = await store.read(stateKeys);
      sources.forEach((view, i) => stateOf(view, cells[i] ?? null));
    }
    for (let look = true; ; look = false) {
      const versions = sources.map((view) => states.get(view.source.name)!.state.version);
      const requests = plans.flatMap((plan) =>
        laneRequests(plan, states.get(plan.view.source.name)!, question),
      );
      const stamp = look && requests.length >= MANY ? (store.stamp?.() ?? null) : null;
      // what was seen at this stamp is as it was, and so is the state that was seen with it
      const asked = stamp === null ? requests : requests.filter(({ kept }) => kept?.seen !== stamp);
      if (stamp !== null && asked.length === 0) {
        for (const view of sources) refuseBefore(states.get(view.source.name)!.state, question.t);
        return { requests, stamp, lanes: requests.map(() => "same" as const) };
      }
      const read = await readLanes(store, asked, {
        keys: stateKeys,
        known: versions,
        accept(cells) {
          // before the horizon a chunk may be gone for good
          sources.forEach((view, i) => {
            refuseBefore(stateOf(view, cells[i] ?? null).state, question.t);
          });
        },
      });
      if (sources.some((view, i) => states.get(view.source.name)!.state.version !== versions[i]))
        continue;
      if (asked.length === requests.length) return { requests, stamp, lanes: read };
      // a write since the stamp: what was seen then and what is read now may be two snapshots
      if (store.stamp!() !== stamp) continue;
      let next = 0;
      return {
        requests,
        stamp,
        lanes: requests.map((request) => (request === asked[next] ? read[next++]! : "same")),
      };
    }
  }

  function laneRequests(
    prepared: PreparedPlan,
    of: KnownState,
    { keys, t }: OnlineQuestion,
  ): EntityRequest[] {
    const { view, plan } = prepared;
    if (prepared.current?.of !== of) {
      refuse(view, plan, of.state);
      const lane = of.lanes.lanes.find((one) => one.lane.name === prepared.lane)!;
      const wanted = wantedColumns(of.lanes, lane, plan.columns, of.state);
      prepared.current?.kept?.clear();
      const kept = of.lanes.layout.time < 0 ? null : (memory?.forPlan() ?? null);
      prepared.current = {
        of,
        lane,
        wanted,
        decode: wanted === undefined ? undefined : rowDecoder(lane.format.columns, wanted),
        kept,
      };
    }
    const { lane, wanted, decode, kept: answers } = prepared.current;
    const notBefore = "longest" in plan ? t - plan.longest : -Infinity;
    const columns = view.entity.keys;
    return keys.map((named) => {
      const key = columns.map((column) => named[column.name]!);
      const text = answers === null ? "" : keyText(columns, key);
      const found = answers?.get(text);
      const kept = found !== undefined && found.from <= t && t <= found.until ? found : null;
      return {
        lanes: of.lanes,
        lane,
        key,
        headKey: found?.headKey ?? lane.head(key),
        known: kept?.version ?? null,
        notBefore,
        wanted,
        decode,
        text,
        kept,
      };
    });
  }

  function refuse(view: ViewSpec, plan: AggregatePlan | JoinPlan, state: SourceState): void {
    // who asks again is answered from the state as it is then
    const refused = (message: string): TidemarkError => {
      states.delete(view.source.name);
      return new TidemarkError("NEEDS_BACKFILL", `${store.name}: ${message}`);
    };
    if (state.filling !== undefined)
      throw refused(
        `source "${view.source.name}" is being filled from its history and is not whole yet: ` +
          "wait for store.bootstrap, or call it again where it was stopped",
      );
    for (const feature of plan.features) {
      const lack = lacking(state, view, feature);
      if (lack === null) continue;
      throw refused(
        `feature ${view.name}.${feature.name} needs ${lack}, which the store does not hold: ` +
          "fill an empty online store with store.bootstrap or from the beginning of the log, or " +
          "leave the feature out until then",
      );
    }
  }

  function refuseBefore({ horizon, layout }: SourceState, t: number): void {
    if (t >= horizon) return;
    throw new TidemarkError(
      "ASOF_BEFORE_HORIZON",
      `${store.name}: ${formatTime(t)} lies before ${formatTime(horizon)}, from where on the ` +
        `store holds every row of source "${layout.source.name}": ask getHistoricalFeatures, or ` +
        "keep more with retain",
    );
  }

  return {
    async read(question) {
      const prepared = prepare(question.selection);
      const { plans } = prepared;
      const { requests, stamp, lanes } = await snapshot(prepared, question);
      const answers = new Array<Answers>(question.selection.length);
      const length = question.keys.length;
      plans.forEach((plan, p) => {
        const { places } = plan;
        const sheets = answerSheets(plan.plan.features, length);
        for (let row = 0; row < length; row++) {
          const request = requests[p * length + row]!;
          const cells = lanes[p * length + row]!;
          if (cells !== "same") answerRow(plan, request, cells, stamp, question.t, sheets, row);
          else {
            writeKept(request.kept!, sheets, row);
            if (stamp !== null) request.kept!.seen = stamp;
          }
        }
        places.forEach((list, f) => {
          for (const place of list) answers[place] = sheets[f]!;
        });
      });
      return answers;
    },
  };

  function answerRow(
    prepared: PreparedPlan,
    request: EntityRequest,
    cells: LaneCells | null,
    stamp: number | null,
    t: number,
    sheets: readonly AnswerSheet[],
    row: number,
  ): void {
    const { view, plan, spans, kernels, current } = prepared;
    const rows = timedRows(
      request.lanes,
      request.lane,
      request.key,
      cells,
      states.get(view.source.name)!.state,
    );
    kernels(rows)(0, rows.columns.length, t, sheets, row);
    if (overflows.count > 0) {
      // each answer is told, so none is kept
      options.onOverflow(overflows.count);
      overflows.count = 0;
    } else if (cells !== null && current!.kept !== null) {
      const answer = keptFrom(sheets, row, {
        headKey: request.headKey,
        version: cells.version,
        from: t,
        until: unchangedUntil(plan, spans, rows, t),
        seen: stamp,
      });
      if (answer !== null) current!.kept.keep(request.text, answer);
    }
  }
}
