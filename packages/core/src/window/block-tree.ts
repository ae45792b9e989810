/**
 * States over blocks of an entity's rows, for aggregates whose states only merge. A block holds 16
 * rows, or 16 smaller blocks. A window is merged from the largest blocks inside it, in order.
 */
import type { Accumulator, Overflows } from "../aggregate/aggregator.ts";
import type { Vector } from "../columns/batch.ts";
import type { Value } from "../specs.ts";
import type { CarriedOfAggregate } from "./bound-groups.ts";

/** log2 of the number of rows in a block, and of the blocks in a larger one. */
const BITS = 4;
const FAN_OUT = 1 << BITS;

/** Puts the rows of places [first, last) that count now into `rows`. Returns their number. */
export type TakePlaces = (rows: Int32Array, first: number, last: number) => number;

/** Blocks of one size. */
interface Level {
  readonly states: unknown[];
  /** 1: the state must be made anew before it is used. */
  stale: Uint8Array;
}

/** The tree of one aggregate over the rows of one entity after another. */
export class BlockTree {
  private readonly accumulator: Accumulator;
  private readonly vectors: readonly Vector[];
  private readonly overflows: Overflows;
  private readonly carried: CarriedOfAggregate | null;
  /** By the place of a boundary: the state of the carried rows after it. */
  private readonly stateAfter = new Map<number, unknown>();
  private readonly takePlaces: TakePlaces;
  private readonly levels: Level[] = [];
  private readonly rows = new Int32Array(FAN_OUT);
  private readonly answerState: unknown;

  constructor(
    accumulator: Accumulator,
    vectors: readonly Vector[],
    overflows: Overflows,
    carried: CarriedOfAggregate | null,
    takePlaces: TakePlaces,
  ) {
    this.accumulator = accumulator;
    this.vectors = vectors;
    this.overflows = overflows;
    this.carried = carried;
    this.takePlaces = takePlaces;
    this.answerState = accumulator.create();
  }

  /**
   * Begins with an entity of so many rows. Blocks are made when they are first used. `boundaries`
   * are the places that the states of carried rows are cut at.
   */
  begin(length: number, boundaries: readonly number[]): void {
    this.stateAfter.clear();
    const after = this.carried?.afterBoundaries ?? [];
    after.forEach((state, b) => {
      if (state !== null) this.stateAfter.set(boundaries[b]!, state);
    });
    for (let l = 0, blocks = length >> BITS; blocks > 0; l++, blocks >>= BITS) {
      const level = (this.levels[l] ??= { states: [], stale: new Uint8Array(0) });
      if (level.stale.length < blocks) level.stale = new Uint8Array(blocks * 2);
      level.stale.fill(1, 0, blocks);
    }
  }

  /** Notes that the row at a place counts now, or does so no longer. */
  change(place: number): void {
    let block = place >> BITS;
    // Where a block is stale, so is each block that holds it.
    for (const { stale } of this.levels) {
      if (block >= stale.length || stale[block] === 1) return;
      stale[block] = 1;
      block >>= BITS;
    }
  }

  /** Answers at t over the rows of places [first, last). With carried rows, `first` is 0. */
  answer(first: number, last: number, t: number): Value {
    const { accumulator, answerState, carried } = this;
    accumulator.clear(answerState);
    if (carried !== null) accumulator.merge(answerState, carried.base);
    for (let place = first; place < last;) {
      let level = -1;
      let size = 1;
      while ((place & (size * FAN_OUT - 1)) === 0 && place + size * FAN_OUT <= last) {
        level++;
        size *= FAN_OUT;
      }
      if (level < 0) {
        const end = Math.min(last, (place | (FAN_OUT - 1)) + 1);
        this.addRows(answerState, place, end);
        place = end;
      } else {
        accumulator.merge(answerState, this.block(level, place / size));
        place += size;
      }
    }
    return accumulator.finish(answerState, this.overflows, t);
  }

  /** The state of a block, made anew where it is stale. */
  private block(l: number, index: number): unknown {
    const { states, stale } = this.levels[l]!;
    if (stale[index] === 0) return states[index];
    const state = (states[index] ??= this.accumulator.create());
    this.accumulator.clear(state);
    const first = index << BITS;
    if (l === 0) this.addRows(state, first, first + FAN_OUT);
    else
      for (let child = first; child < first + FAN_OUT; child++)
        this.accumulator.merge(state, this.block(l - 1, child));
    stale[index] = 0;
    return state;
  }

  private addRows(state: unknown, first: number, last: number): void {
    let next = first;
    if (this.stateAfter.size > 0)
      for (let place = first; place < last; place++) {
        const after = this.stateAfter.get(place);
        if (after === undefined) continue;
        this.addPlaces(state, next, place + 1);
        this.accumulator.merge(state, after);
        next = place + 1;
      }
    this.addPlaces(state, next, last);
  }

  private addPlaces(state: unknown, first: number, last: number): void {
    const length = this.takePlaces(this.rows, first, last);
    if (length > 0) this.accumulator.add(state, this.vectors, this.rows, length);
  }
}
