/** Blocks of rows that are not read, because states of aggregations over them are kept. */
import type { Accumulator, Overflows } from "../aggregate/aggregator.ts";
import { earliestStart, edgesOf } from "./window-edges.ts";
import { aggregateGroups } from "./aggregate-groups.ts";
import type { BoundAggregate, BoundGroup } from "./bound-groups.ts";
import { partialsOf, type PartialSpec, type PlanPartials } from "./partial-specs.ts";
import type { WindowPlan } from "../plan/plan-kinds.ts";
import type { PutValue, WindowScan } from "./window-rows.ts";

/** Rows that follow each other in time. All of them are seen at every time. */
export interface RowBlock {
  /** Event times of the first and the last row, µs. */
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** Whether state `n` is there, of those that the plan names (`BlockNeeds.names`). */
  has(n: number): boolean;
  /** Adds state `n`, which is there, to another state. */
  mergeInto(state: unknown, accumulator: Accumulator, n: number): void;
  /** The event time of the newest row that counts, µs: what state `n` says. */
  newest(n: number): number;
}

/** A block, and how many of the rows that were read come before it. */
export interface PlacedBlock {
  readonly block: RowBlock;
  readonly rowsBefore: number;
}

export const NO_BLOCKS: readonly PlacedBlock[] = [];

/** What a plan needs of a block: its rows, its states, or nothing. */
export type BlockNeed = "rows" | "states" | "none";

export interface BlockNeeds {
  /** The names of the states that the plan uses. */
  readonly names: readonly string[];
  /** Whether a difference is made where one block ends with the time that the next begins with. */
  readonly order: boolean;
  /**
   * What the plan needs at `t`. `isTied`: the first or the last row has the event time of a row
   * beside the block.
   */
  at(t: number): (block: RowBlock, isTied: boolean) => BlockNeed;
}

/** The names of the states that a plan uses. */
function namesOf({ byAggregate, newest }: PlanPartials): readonly string[] {
  const names = new Set([...byAggregate.values()].map(({ name }) => name));
  return newest === null ? [...names] : [...names, newest.name];
}

const needsOfPlans = new WeakMap<WindowPlan, BlockNeeds | null>();

/** Says what a plan needs of blocks. null: always their rows. */
export function blockNeeds(plan: WindowPlan): BlockNeeds | null {
  let needs = needsOfPlans.get(plan);
  if (needs === undefined) needsOfPlans.set(plan, (needs = findNeeds(plan)));
  return needs;
}

function findNeeds(plan: WindowPlan): BlockNeeds | null {
  const partials = partialsOf(plan);
  if (partials === null || partials.byAggregate.size === 0) return null;
  const earliest = earliestStart(plan.input.foundIn);
  const names = namesOf(partials);
  const groups = aggregateGroups(plan).map(({ window, aggregates }) => {
    const specs = aggregates.map(({ aggregate }) => partials.byAggregate.get(aggregate));
    return {
      edges: edgesOf(window),
      states: specs.includes(undefined)
        ? null
        : [...new Set(specs.map((spec) => names.indexOf(spec!.name)))],
      order: specs.some((spec) => spec?.order === true),
    };
  });
  const newest = partials.newest === null ? -1 : names.indexOf(partials.newest.name);
  return {
    names,
    order: groups.some(({ order }) => order),
    at(t) {
      const windows = groups.map(({ edges, states, order }) => {
        return { start: edges.start(t), end: edges.end(t), states, order };
      });
      const since = earliest(t);
      return (block, isTied) => {
        const { first, last } = block;
        let need: BlockNeed = "none";
        for (const { start, end, states, order } of windows) {
          if (last < start || first >= end) continue;
          if (states === null || first < start || last >= end || (order && isTied)) return "rows";
          for (const n of states) if (!block.has(n)) return "rows";
          need = "states";
        }
        if (first >= t || last < since) return need;
        // the newest row before t decides the status (law 7)
        if (last >= t || (newest >= 0 && !block.has(newest))) return "rows";
        return "states";
      };
    },
  };
}

/** Answers windows from rows and from the states of the blocks between them. */
export interface BlockScan {
  /** The groups that have states. Of the others the rows of their windows were read. */
  readonly answers: ReadonlySet<BoundGroup>;
  /** Gives the value of each aggregate of those groups at t. Rows [start, beforeT) are before t. */
  answer(
    rows: { readonly scan: WindowScan; readonly start: number; readonly beforeT: number },
    blocks: readonly PlacedBlock[],
    t: number,
    put: PutValue,
  ): void;
  /**
   * The event time of the newest row in blocks before `t` that is not before `since`. −Infinity:
   * there is none.
   */
  newest(blocks: readonly PlacedBlock[], t: number, since: number): number;
}

/** A state that is filled from rows and from blocks. */
interface Filled {
  readonly spec: PartialSpec;
  /** Its index among the states of the plan. */
  readonly n: number;
  readonly state: unknown;
  /** One of the aggregates that it answers. All have its vectors. */
  readonly first: BoundAggregate;
}

/** A window, what is filled at it, and what is answered then. */
interface Step {
  readonly group: BoundGroup;
  readonly order: boolean;
  readonly filled: readonly Filled[];
  readonly answered: readonly {
    readonly aggregate: BoundAggregate;
    /** Its own, as aggregates of one state answer differently. */
    readonly spec: PartialSpec;
    readonly state: unknown;
  }[];
}

/**
 * Windows that end at one time, the shortest first: a longer one goes on with the states of those
 * before. The order of rows makes no difference, or there is one window.
 */
type Chain = readonly Step[];

/** Makes the scan of a plan that has partial states. */
export function blockScan(
  plan: WindowPlan,
  groups: readonly BoundGroup[],
  overflows: Overflows,
): BlockScan {
  const partials = partialsOf(plan)!;
  const names = namesOf(partials);
  const newestIndex = partials.newest === null ? -1 : names.indexOf(partials.newest.name);
  const answers = new Set(
    groups.filter(({ aggregates }) =>
      aggregates.every(({ column }) => partials.byAggregate.has(column)),
    ),
  );
  const chains = chainsOf([...answers], ({ column }) => partials.byAggregate.get(column)!, names);

  return {
    answers,
    answer(rows, blocks, t, put) {
      for (const chain of chains) answerChain(chain, rows, blocks, t, put, overflows);
    },
    newest(blocks, t, since) {
      let newest = -Infinity;
      for (const { block } of blocks) {
        if (block.last >= t) break;
        const time = newestIndex < 0 ? block.last : block.newest(newestIndex);
        if (time >= since && time > newest) newest = time;
      }
      return newest;
    },
  };
}

function chainsOf(
  groups: readonly BoundGroup[],
  specOf: (aggregate: BoundAggregate) => PartialSpec,
  names: readonly string[],
): readonly Chain[] {
  const chains: Chain[] = [];
  const unordered: BoundGroup[] = [];
  for (const group of groups) {
    if (group.aggregates.some((one) => specOf(one).order))
      chains.push(chainOf([group], specOf, true, names));
    if (group.aggregates.every((one) => specOf(one).order)) continue;
    if (isLength(group)) unordered.push(group);
    else chains.push(chainOf([group], specOf, false, names));
  }
  for (const where of new Set(unordered.map((group) => group.where)))
    chains.push(
      chainOf(
        unordered
          .filter((group) => group.where === where)
          .sort((a, b) => a.edges.leavesAfter! - b.edges.leavesAfter!),
        specOf,
        false,
        names,
      ),
    );
  return chains;
}

/** Whether the window is a length that ends at t. */
function isLength({ edges: { entersAfter, leavesAfter } }: BoundGroup): boolean {
  return entersAfter === 0 && leavesAfter !== null;
}

/**
 * The chain of those aggregates of the groups that need the rows in their order, or of the others.
 * `groups`: the shortest window first.
 */
function chainOf(
  groups: readonly BoundGroup[],
  specOf: (aggregate: BoundAggregate) => PartialSpec,
  order: boolean,
  names: readonly string[],
): Chain {
  const byName = new Map<string, Filled>();
  const aggregatesOf = ({ aggregates }: BoundGroup): readonly BoundAggregate[] =>
    aggregates.filter((one) => specOf(one).order === order);
  for (const group of groups)
    for (const aggregate of aggregatesOf(group)) {
      const spec = specOf(aggregate);
      if (!byName.has(spec.name))
        byName.set(spec.name, {
          spec,
          n: names.indexOf(spec.name),
          state: spec.accumulator.create(),
          first: aggregate,
        });
    }
  return groups.map((group, g) => {
    const needed = new Set(
      groups
        .slice(g)
        .flatMap((one) => aggregatesOf(one).map((aggregate) => specOf(aggregate).name)),
    );
    return {
      group,
      order,
      filled: [...needed].map((name) => byName.get(name)!),
      answered: aggregatesOf(group).map((aggregate) => ({
        aggregate,
        spec: specOf(aggregate),
        state: byName.get(specOf(aggregate).name)!.state,
      })),
    };
  });
}

function answerChain(
  chain: Chain,
  {
    scan,
    start,
    beforeT,
  }: { readonly scan: WindowScan; readonly start: number; readonly beforeT: number },
  blocks: readonly PlacedBlock[],
  t: number,
  put: PutValue,
  overflows: Overflows,
): void {
  for (const { spec, state } of chain[0]!.filled) spec.accumulator.clear(state);
  /** What the windows before hold: the rows from here on, and blocks that begin from here on. */
  let rowsFrom = Infinity;
  let blocksFrom = Infinity;
  for (const { group, order, filled, answered } of chain) {
    const [first, end] = scan.range(group, start, beforeT, t);
    const last = Math.min(end, rowsFrom);
    const [from, to] = [group.edges.start(t), Math.min(group.edges.end(t), blocksFrom)];
    const addRows = (begin: number, stop: number): void => {
      if (begin >= stop) return;
      const { rows, length } = scan.choose(group, begin, stop, t, order);
      for (const { spec, state, first: one } of filled)
        spec.accumulator.add(state, one.vectors, rows, length);
    };
    let next = first;
    for (const { block, rowsBefore } of blocks) {
      if (block.last < from) continue;
      if (block.first >= to) break;
      addRows(next, Math.min(rowsBefore, last));
      next = Math.max(next, rowsBefore);
      for (const { spec, state, n } of filled) block.mergeInto(state, spec.accumulator, n);
    }
    addRows(next, last);
    for (const { aggregate, spec, state } of answered)
      put(aggregate, spec.accumulator.finish(state, overflows, t));
    [rowsFrom, blocksFrom] = [first, from];
  }
}
