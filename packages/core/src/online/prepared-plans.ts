/** Plans, prepared once per selection and made current once per state of their source. */
import { planKernelBinder } from "../asof/plan-kernel.ts";
import { reusingDecoder } from "../columns/batch-codec.ts";
import type { Batch } from "../columns/batch.ts";
import type { Overflows } from "../columns/overflows.ts";
import type { ByteReader } from "../bytes/bytes.ts";
import { viewPlans, type ViewPlan } from "../plan/compile.ts";
import { sourceReadings } from "../define/source-readings.ts";
import { dimensionColumns, dimensionsOf, inputOf, lookupsOf, scansOf } from "../plan/plan-kinds.ts";
import type { DeriveNode, LookupNode, ScanNode } from "../plan/nodes.ts";
import type {
  FeatureSpec,
  SelectedBaseFeature,
  SourceSpec,
  ValueType,
  ViewSpec,
} from "../specs.ts";
import type { PlacedBlock } from "../window/row-blocks.ts";
import type { TimedRows } from "../window/timed-rows.ts";
import { movesWithClock, timingOf, type PlanTiming } from "../window/unchanged-until.ts";
import { reachOf } from "../define/window-reach.ts";
import { windowsOf } from "../plan/windows.ts";
import { unionRows } from "../window/union-rows.ts";
import { reachOfPlan } from "../window/window-edges.ts";
import type { WindowKernel } from "../window/window-kernel.ts";
import type { AnswerCache, CachedAnswers } from "./answer-cache.ts";
import type { EntityLog } from "./entity-logs.ts";
import type { KnownState } from "./known-states.ts";
import { entityLogName } from "./source-layout.ts";
import { isFilled, sourceStateKey } from "./source-state.ts";
import { wantedColumns } from "./stored-rows.ts";

/** A plan, prepared for the current state of its source. */
export interface PreparedPlan extends ViewPlan {
  /** Its index among the plans. */
  readonly position: number;
  /** What it reads: one source, or that of each part of a union. */
  readonly inputs: readonly PreparedInput[];
  readonly lookups: readonly PreparedLookup[];
  /** The columns whose values are texts or bytes. */
  readonly textColumns: readonly number[];
  current: CurrentPlan | null;
}

/** What a plan reads of one source. */
export interface PreparedInput {
  /** The view, as it reads this source. */
  readonly view: ViewSpec;
  /** The selected features of the view, as they read this source. */
  readonly features: readonly FeatureSpec[];
  readonly scan: ScanNode;
  readonly sourceIndex: number;
  readonly entityLog: string;
}

/** A lookup of a plan. */
export interface PreparedLookup {
  readonly node: LookupNode;
  readonly dimension: SourceSpec;
  /** The index of the dimension among the sources. */
  readonly sourceIndex: number;
  readonly stateKey: Uint8Array;
  /** Names of the dimension's columns that the lookup reads. */
  readonly columns: readonly string[];
}

/** A plan with the windows that the stored rows fill, and what computes it. */
interface ComputedPlan {
  readonly plan: DeriveNode;
  readonly timing: PlanTiming;
  /** How long before t the oldest row that counts may lie, µs, at most. */
  readonly reach: number;
  /** Computes answers one after another; nothing else may run between the rows of two answers. */
  readonly kernels: (rows: TimedRows, blocks?: readonly PlacedBlock[]) => WindowKernel;
}

/** What a plan needs while the state of its source does not change. */
export interface CurrentPlan extends ComputedPlan {
  readonly inputs: readonly CurrentInput[];
  /** The rows of all parts of a union as one. null: the plan reads one source. */
  readonly union: ((parts: readonly TimedRows[]) => TimedRows) | null;
  /** The state of the dimension of each lookup. */
  readonly dimensions: readonly KnownState[];
  /**
   * null: answers are not cached. A dimension is never cached, because its rows hold between two
   * times. A plan that moves with the clock is never cached, because each t has another answer.
   * A plan over a union is not cached, because an answer depends on several log tails. An answer
   * with lookups holds while the change counter stays.
   */
  readonly cached: CachedAnswers | null;
}

/** What a plan reads of one source in its current state. */
export interface CurrentInput {
  readonly knownState: KnownState;
  readonly entityLog: EntityLog;
  readonly wanted: readonly number[] | undefined;
  readonly decode: ((reader: ByteReader) => Batch) | undefined;
}

export interface Preparation {
  readonly plans: readonly PreparedPlan[];
  /** The sources of the views, and the dimensions that they look up. */
  readonly sources: readonly SourceSpec[];
  readonly stateKeys: readonly Uint8Array[];
}

/** The types whose values have any size. */
const TEXT_TYPES: ReadonlySet<ValueType> = new Set(["string", "json", "bytes"]);

export interface PlanPreparer {
  /** Prepares what depends on the selection alone, once per selection. */
  prepare(selection: readonly SelectedBaseFeature[]): Preparation;
  /**
   * The current plan, made again after the state of one of its sources has changed. The store must
   * hold what the plan needs. `states`: those of the sources of the preparation.
   */
  currentPlan(prepared: PreparedPlan, states: readonly KnownState[]): CurrentPlan;
}

/** `overflows` counts the sums of the kernels that overflowed. */
export function planPreparer(
  namespace: string,
  answerCache: AnswerCache | null,
  overflows: Overflows,
): PlanPreparer {
  const preparations = new WeakMap<readonly SelectedBaseFeature[], Preparation>();

  const computed = (plan: DeriveNode): ComputedPlan => ({
    plan,
    timing: timingOf(plan),
    reach: reachOfPlan(plan),
    kernels: planKernelBinder(plan, overflows),
  });

  function prepare(selection: readonly SelectedBaseFeature[]): Preparation {
    const known = preparations.get(selection);
    if (known !== undefined) return known;
    const views = viewPlans(selection);
    const specs = views.flatMap(({ view, plan }) => [
      ...sourceReadings(view).map(({ source }) => source),
      ...dimensionsOf(view, plan),
    ]);
    const sources = [...new Map(specs.map((source) => [source.name, source])).values()];
    const indexOf = (name: string): number => sources.findIndex((one) => one.name === name);
    const stateKeys = sources.map(({ name }) => sourceStateKey(namespace, name));
    const plans = views.map((plan, position) => ({
      ...plan,
      position,
      inputs: inputsOf(plan, indexOf),
      lookups: lookupsOf(plan.plan.input.input).map((node) => {
        const sourceIndex = indexOf(node.dimension);
        const dimension = sources[sourceIndex]!;
        const stateKey = stateKeys[sourceIndex]!;
        return { node, dimension, sourceIndex, stateKey, columns: dimensionColumns(node) };
      }),
      textColumns: plan.plan.columns.flatMap(({ value }, c) =>
        TEXT_TYPES.has(value.type) ? [c] : [],
      ),
      current: null,
    }));
    const fresh = { plans, sources, stateKeys };
    preparations.set(selection, fresh);
    return fresh;
  }

  function currentPlan(prepared: PreparedPlan, states: readonly KnownState[]): CurrentPlan {
    if (isCurrent(prepared, states)) return prepared.current!;
    const { plan, lookups } = prepared;
    const input = inputOf(plan.input.input);
    // the rows of several requests are looked up together, and those of a union are one
    const isReadAtOnce = lookups.length === 0 && input.node === "scan";
    const inputs = prepared.inputs.map((one) =>
      currentInput(one, states[one.sourceIndex]!, isReadAtOnce),
    );
    prepared.current?.cached?.clear();
    return (prepared.current = {
      ...computed(filledPlan(prepared, inputs)),
      inputs,
      union: input.node === "scan" ? null : (parts) => unionRows(input, parts, overflows),
      dimensions: lookups.map(({ sourceIndex }) => states[sourceIndex]!),
      cached:
        input.node === "scan" && isCacheable(plan, inputs[0]!.knownState)
          ? (answerCache?.forPlan() ?? null)
          : null,
    });
  }

  return { prepare, currentPlan };
}

/** What a plan reads of each source. */
function inputsOf(
  { view, features, plan }: ViewPlan,
  indexOf: (source: string) => number,
): readonly PreparedInput[] {
  const scans = scansOf(plan.input.input);
  return sourceReadings(view).map((reading, i) => ({
    view: reading,
    features: features.map(({ name }) => reading.features.find((one) => one.name === name)!),
    scan: scans[i]!,
    sourceIndex: indexOf(reading.source.name),
    entityLog: entityLogName(reading),
  }));
}

function currentInput(
  { scan, entityLog: name }: PreparedInput,
  knownState: KnownState,
  /** Whether a decoded log tail is read before the next one is decoded. */
  isReadAtOnce: boolean,
): CurrentInput {
  const { entityLogs, state } = knownState;
  const entityLog = entityLogs.logs.find(({ layout }) => layout.name === name)!;
  const wanted = wantedColumns(entityLogs, entityLog, scan.columns, state);
  return {
    knownState,
    entityLog,
    wanted,
    decode:
      wanted === undefined || !isReadAtOnce
        ? undefined
        : reusingDecoder(entityLog.format.columns, wanted),
  };
}

/** Whether the current plan was made for these states of its sources. */
export function isCurrent(
  { current, inputs, lookups }: PreparedPlan,
  states: readonly KnownState[],
): boolean {
  return (
    current !== null &&
    inputs.every((input, i) => current.inputs[i]!.knownState === states[input.sourceIndex]) &&
    lookups.every((lookup, i) => current.dimensions[i] === states[lookup.sourceIndex])
  );
}

/** Whether an answer of the plan holds longer than the t that it was computed for. */
function isCacheable(plan: ViewPlan["plan"], { entityLogs }: KnownState): boolean {
  return entityLogs.layout.timeIndex >= 0 && !movesWithClock(plan);
}

/**
 * The plan without the windows that the stored rows do not fill. Their features are refused until a
 * backfill. Until then the view has the other features only, and its longest window is theirs (law
 * 7: it decides NOT_FOUND).
 */
function filledPlan({ view, plan }: ViewPlan, inputs: readonly CurrentInput[]): DeriveNode {
  const { input } = plan;
  const isFilledIn = (reach: number): boolean =>
    inputs.every(({ knownState }) => isFilled(knownState.state, reach));
  if (input.node !== "window" || isFilledIn(reachOfPlan(plan))) return plan;
  const windows = view.features.flatMap(windowsOf);
  const foundIn = windows.filter((window) => isFilledIn(reachOf(window)));
  return { ...plan, input: { ...input, foundIn } };
}
