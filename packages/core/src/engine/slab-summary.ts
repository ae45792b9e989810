/**
 * What the rows of a slab come to for the labels of a later slab. Rows that all of these labels see
 * alike are carried as states. Rows that become known, or cease to be, between the labels stay
 * rows. So do rows that a window with an end reaches, and the newest rows.
 */
import type { Accumulator, Overflows } from "../aggregate/aggregator.ts";
import { stateAccumulatorOf } from "../aggregate/bind.ts";
import { inputsOf } from "../aggregate/categories.ts";
import { aggregatorNamed } from "../aggregate/registry.ts";
import { valueAt, type Vector } from "../columns/batch.ts";
import { sortTies, tieOrder } from "../columns/row-order.ts";
import { sequence } from "../columns/sequence.ts";
import { reachOf } from "../define/window-reach.ts";
import { expressionVector } from "../expr/bind.ts";
import type { DeriveNode } from "../plan/nodes.ts";
import {
  eventColumns,
  inputOf,
  isWindowPlan,
  rowCondition,
  type LatestPlan,
} from "../plan/plan-kinds.ts";
import type { ColumnSpec, Expression, Value } from "../specs.ts";
import { mostRows } from "../window/aggregate-groups.ts";
import { groupBinder, type GroupBinder } from "../window/bound-groups.ts";
import { carriedFlags, mergesInOrder, type CarriedRange } from "../window/carried-states.ts";
import { passingFlags } from "../window/passing-flags.ts";
import { ownBatch } from "./batch-bytes.ts";
import { pickedBatch, type EventBatch } from "./event-batch.ts";
import { gatheredEvents, type GatheredEvents } from "./gather-events.ts";

/** What the rows of a slab come to. */
export interface SlabSummary {
  /**
   * For each aggregate over windows without an end: the states of the carried rows, cut at the rows
   * that become known or cease to be. One state, if the order of rows makes no difference. null:
   * there are no rows.
   */
  readonly states: readonly (readonly unknown[])[];
  /** The rows that the labels need. Of a settled slab only the newest ones. */
  readonly rows: readonly EventBatch[];
  /** Whether all later labels see the same rows. */
  readonly isSettled: boolean;
}

/** An aggregate over windows without an end. */
interface EndlessAggregate {
  /** Its index among the aggregates of the plan. */
  readonly position: number;
  readonly where: Expression | null;
  readonly accumulator: Accumulator;
  readonly inOrder: boolean;
  readonly vectors: readonly Vector[];
}

/** Rows that are needed whatever their time. */
interface NewestNeed {
  readonly most: number;
  readonly where: Expression | null;
  /** So many rows of each value of this expression; null: of all rows. */
  readonly by: Expression | null;
}

/** Rows of a slab in their total order. */
interface SlabRows {
  readonly rows: GatheredEvents;
  readonly rowAt: Int32Array;
  /** 1: all labels of the range see the row. */
  readonly isCarried: Uint8Array;
  /** Says which rows pass a condition; null: all do. */
  readonly flagsOf: (where: Expression | null) => Uint8Array | null;
}

/** Rows are counted in the slab that answers with them, and not again. */
const UNCOUNTED: Overflows = { count: 0 };

/** Summarizes the slabs of one entity. */
export class SlabSummarizer {
  readonly endless: readonly EndlessAggregate[];
  private readonly plan: DeriveNode;
  private readonly entity: number;
  private readonly lastLabel: number;
  private readonly columns: readonly ColumnSpec[];
  private readonly binder: GroupBinder | null;
  private readonly needs: readonly NewestNeed[];
  private readonly needsOrder: boolean;
  /** How far the windows with an end reach, µs. −∞: there is none. */
  private readonly reach: number;

  /** `lastLabel` is the last label of the entity. */
  constructor(plan: DeriveNode, entity: number, lastLabel: number) {
    this.plan = plan;
    this.entity = entity;
    this.lastLabel = lastLabel;
    this.columns = eventColumns(plan.input.input);
    if (!isWindowPlan(plan)) {
      this.binder = null;
      this.endless = [];
      const { facts } = (plan as LatestPlan).input;
      this.needs = facts.map(({ where }) => ({ most: 1, where, by: null }));
      this.needsOrder = true;
      this.reach = -Infinity;
      return;
    }
    this.binder = groupBinder(plan, UNCOUNTED, true);
    this.endless = this.binder.groups
      .filter(({ isLifetime }) => isLifetime)
      .flatMap(({ where, aggregates }) =>
        aggregates.map(({ column, position, vectors }) => ({
          position,
          where,
          accumulator: stateAccumulatorOf(column, inputsOf(column)),
          inOrder: mergesInOrder(column),
          vectors,
        })),
      );
    const { aggregates, foundIn } = plan.input;
    const newest = aggregates.flatMap(({ window, where, by }): NewestNeed[] => {
      const most = mostRows(window);
      return most === null || Number.isFinite(reachOf(window))
        ? []
        : [{ most, where, by: by?.key ?? null }];
    });
    // the newest row of all decides the status (law 7)
    this.needs = [{ most: 1, where: null, by: null }, ...newest];
    this.needsOrder =
      newest.length > 0 ||
      aggregates.some(({ aggregate }) => aggregatorNamed(aggregate).order === true);
    this.reach = Math.max(
      ...[...foundIn, ...aggregates.map(({ window }) => window)]
        .map(reachOf)
        .filter(Number.isFinite),
    );
  }

  /** The event time that the windows with an end reach, at the first label. */
  reachFrom({ firstLabel }: CarriedRange): number {
    return firstLabel - this.reach;
  }

  /** Summarizes a slab before the range. `maySettle`: all slabs before it are settled. */
  summarize(batches: readonly EventBatch[], range: CarriedRange, maySettle: boolean): SlabSummary {
    const isSettled = maySettle && batches.every((batch) => this.staysAlike(batch, range));
    const slab = this.inOrder(batches, range);
    const { rows, rowAt, isCarried } = slab;
    const needed = this.newestFlags(slab);
    const boundaries: number[] = [];
    if (!isSettled) {
      const reachFrom = this.reachFrom(range);
      for (let place = 0; place < rowAt.length; place++) {
        const row = rowAt[place]!;
        if (isCarried[row] === 1) {
          if (rows.time[row]! >= reachFrom) needed[row] = 1;
        } else if (isSeen(rows, row, range)) {
          needed[row] = 1;
          boundaries.push(place);
        }
      }
    }
    return { states: this.statesOf(slab, boundaries), rows: this.batchOf(rows, needed), isSettled };
  }

  /** The newest rows of some batches, which are all carried. */
  newest(batches: readonly EventBatch[], range: CarriedRange): readonly EventBatch[] {
    const slab = this.inOrder(batches, range);
    return this.batchOf(slab.rows, this.newestFlags(slab));
  }

  /** The rows that no window with an end reaches. */
  beforeReach(batches: readonly EventBatch[], range: CarriedRange): EventBatch[] {
    const reachFrom = this.reachFrom(range);
    return batches.flatMap((batch) => pickedWhere(batch, (row) => batch.time[row]! < reachFrom));
  }

  /** The carried rows of a slab that a window with an end reaches. */
  reached(batches: readonly EventBatch[], range: CarriedRange): EventBatch[] {
    const reachFrom = this.reachFrom(range);
    return batches.flatMap((batch) => {
      const isCarried = carriedFlags(batch, batch.length, range);
      return pickedWhere(batch, (row) => isCarried[row] === 1 && batch.time[row]! >= reachFrom);
    });
  }

  /** The rows that a label of the range may see. */
  seen(batches: readonly EventBatch[], range: CarriedRange): EventBatch[] {
    return batches.flatMap((batch) =>
      pickedWhere(batch, (row) => batch.time[row]! <= range.lastLabel && isSeen(batch, row, range)),
    );
  }

  /** Whether each label of the entity from the range on sees the same rows of a batch. */
  private staysAlike({ length, from, to }: EventBatch, { firstLabel }: CarriedRange): boolean {
    if (from === null) return true;
    const changes = (time: number): boolean => firstLabel <= time && time < this.lastLabel;
    for (let i = 0; i < length; i++)
      if (from[i]! < to![i]! && (changes(from[i]!) || changes(to![i]!))) return false;
    return true;
  }

  private inOrder(batches: readonly EventBatch[], range: CarriedRange): SlabRows {
    const { plan } = this;
    const rows = gatheredEvents(this.columns, batches, this.entity, 1);
    const { length } = rows.columns;
    const rowAt = sequence(length);
    if (this.needsOrder)
      sortTies(rowAt, length, rows.time, tieOrder(inputOf(plan.input.input), rows.columns));
    return {
      rows,
      rowAt,
      isCarried: carriedFlags(rows, length, range),
      flagsOf: passingFlags(rowCondition(plan.input.input), rows, UNCOUNTED),
    };
  }

  private statesOf(
    { rows, rowAt, isCarried, flagsOf }: SlabRows,
    boundaries: readonly number[],
  ): SlabSummary["states"] {
    this.binder?.bind(rows);
    const chosen = new Int32Array(rowAt.length);
    return this.endless.map(({ where, accumulator, inOrder, vectors }) => {
      const passes = flagsOf(where);
      const states: unknown[] = [];
      let next = 0;
      for (const end of [...(inOrder ? boundaries : []), rowAt.length]) {
        let length = 0;
        for (; next < end; next++) {
          const row = rowAt[next]!;
          if (isCarried[row] === 1 && passes?.[row] !== 0) chosen[length++] = row;
        }
        const state = length === 0 ? null : accumulator.create();
        if (state !== null) accumulator.add(state, vectors, chosen, length);
        states.push(state);
      }
      return states;
    });
  }

  /** 1: the row is one of the newest carried rows that something needs. */
  private newestFlags({ rows, rowAt, isCarried, flagsOf }: SlabRows): Uint8Array {
    const needed = new Uint8Array(rowAt.length);
    for (const { most, where, by } of this.needs) {
      const passes = flagsOf(where);
      const key = by === null ? null : expressionVector(by, rows.columns, UNCOUNTED);
      const found = new Map<Value, number>();
      for (let place = rowAt.length - 1; place >= 0; place--) {
        const row = rowAt[place]!;
        if (isCarried[row] === 0 || passes?.[row] === 0) continue;
        const category = key === null ? null : valueAt(key, row);
        if (key !== null && category === null) continue;
        const count = found.get(category) ?? 0;
        if (count < most) {
          needed[row] = 1;
          found.set(category, count + 1);
        } else if (key === null) break;
      }
    }
    return needed;
  }

  private batchOf(
    { time, from, to, columns: { length, vectors } }: GatheredEvents,
    needed: Uint8Array,
  ): EventBatch[] {
    const entity = new Int32Array(length).fill(this.entity);
    const batch = { length, entity, time, from, to, vectors };
    // texts of rows that are not needed are not held
    return pickedWhere(batch, (row) => needed[row] === 1).map(ownBatch);
  }
}

/** Whether a label of the range may see the row. */
function isSeen(
  { from, to }: Pick<EventBatch, "from" | "to">,
  row: number,
  { firstLabel, lastLabel }: CarriedRange,
): boolean {
  // A version is seen while known from < t ≤ known to (law 6).
  if (from === null) return true;
  return from[row]! < to![row]! && from[row]! < lastLabel && firstLabel <= to![row]!;
}

/** The rows of a batch that are wanted, as a list of one batch or none. */
function pickedWhere(batch: EventBatch, isWanted: (row: number) => boolean): EventBatch[] {
  const rows = new Int32Array(batch.length);
  let count = 0;
  for (let row = 0; row < batch.length; row++) if (isWanted(row)) rows[count++] = row;
  if (count === 0) return [];
  return count === batch.length ? [batch] : [pickedBatch(batch, rows.subarray(0, count))];
}
