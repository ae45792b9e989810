/** What the slabs before a slab of one entity come to, for the labels of that slab. */
import type { DeriveNode } from "../plan/nodes.ts";
import { isWindowPlan } from "../plan/plan-kinds.ts";
import type { CarriedRange, CarriedStates } from "../window/carried-states.ts";
import type { LoadedEvents } from "./collected-events.ts";
import type { EventBatch } from "./event-batch.ts";
import { SlabSummarizer, type SlabSummary } from "./slab-summary.ts";

/** A slab that was answered. */
interface EarlierSlab {
  /** Its event times are before this one. */
  readonly end: number;
  load(): Promise<readonly EventBatch[]>;
}

/**
 * The earlier slabs of an entity. A slab is settled if all later labels see the same rows of it.
 * The first slabs are read until they are settled, and their states are merged once.
 */
export class EarlierSlabs {
  private readonly plan: DeriveNode;
  private readonly summarizer: SlabSummarizer;
  private readonly slabs: EarlierSlab[] = [];
  /** The slabs [0, settled) are in these states, and the newest of their rows in these batches. */
  private settled = 0;
  private readonly settledStates: readonly unknown[];
  private settledNewest: readonly EventBatch[] = [];

  /** `lastLabel` is the last label of the entity. */
  constructor(plan: DeriveNode, entity: number, lastLabel: number) {
    this.plan = plan;
    this.summarizer = new SlabSummarizer(plan, entity, lastLabel);
    this.settledStates = this.summarizer.endless.map(({ accumulator }) => accumulator.create());
  }

  /** Adds the slab that comes next. */
  add(slab: EarlierSlab): void {
    this.slabs.push(slab);
  }

  /** Returns what labels of this range need, in a slab with these rows. */
  async loadFor(range: CarriedRange, own: readonly EventBatch[]): Promise<LoadedEvents> {
    const { summarizer, slabs } = this;
    const unsettled: SlabSummary[] = [];
    for (const slab of slabs.slice(this.settled)) {
      const batches = await slab.load();
      const summary = summarizer.summarize(batches, range, unsettled.length === 0);
      if (summary.isSettled) this.settle(summary, range);
      else unsettled.push(summary);
    }
    const batches = summarizer.beforeReach(this.settledNewest, range);
    for (const slab of slabs.slice(0, this.settled))
      if (slab.end > summarizer.reachFrom(range))
        batches.push(...summarizer.reached(await slab.load(), range));
    for (const { rows } of unsettled) batches.push(...rows);
    batches.push(...summarizer.seen(own, range));
    const carried = isWindowPlan(this.plan)
      ? { ...range, states: this.encodedStates(this.plan.input.aggregates.length, unsettled) }
      : null;
    return { batches, carried };
  }

  private settle({ states, rows }: SlabSummary, range: CarriedRange): void {
    this.summarizer.endless.forEach(({ accumulator }, i) => {
      const [state] = states[i]!;
      if (state !== null) accumulator.merge(this.settledStates[i], state);
    });
    this.settledNewest = this.summarizer.newest([...this.settledNewest, ...rows], range);
    this.settled++;
  }

  /** The states of all earlier slabs, for each aggregate of the plan. */
  private encodedStates(
    aggregates: number,
    unsettled: readonly SlabSummary[],
  ): CarriedStates["states"] {
    const encoded = new Array<readonly (Uint8Array | null)[] | null>(aggregates).fill(null);
    this.summarizer.endless.forEach(({ accumulator, position }, i) => {
      const settled = this.settledStates[i];
      const states: unknown[] = [settled];
      if (unsettled.length > 0) {
        states[0] = accumulator.create();
        accumulator.merge(states[0], settled);
      }
      for (const summary of unsettled) {
        const [first, ...more] = summary.states[i]!;
        const last = states.length - 1;
        // an empty state is null
        if (states[last] === null) states[last] = first;
        else if (first !== null) accumulator.merge(states[last], first);
        states.push(...more);
      }
      encoded[position] = states.map((state) =>
        state === null ? null : accumulator.encode(state),
      );
    });
    return encoded;
  }
}
