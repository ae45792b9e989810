/**
 * Collects the events of a task, in memory up to a limit and then in a temporary file, and hands
 * them out split by split.
 */
import type { Events } from "../spi.ts";
import type { DeriveNode } from "../plan/nodes.ts";
import type { CarriedStates } from "../window/carried-states.ts";
import { reachOfPlan } from "../window/window-edges.ts";
import { bytesOfBatch } from "./batch-bytes.ts";
import { endlessSlabs } from "./endless-slabs.ts";
import { entityRanges, type EntityRange } from "./entity-ranges.ts";
import type { OrderedRows } from "./entity-row-order.ts";
import { eventBatch, rowsOfEntities, type EventBatch } from "./event-batch.ts";
import { openSpillFile, type SpillFile } from "./spill-file.ts";
import {
  dividePart,
  entitiesFrom,
  PartWriter,
  readPart,
  timesFrom,
  type SpilledPart,
} from "./spilled-events.ts";

/** Entity rows that are answered together, and the events that they need. */
export interface CollectedSplit {
  /** The entities [first, end). */
  readonly first: number;
  readonly end: number;
  /** The places [firstPlace, endPlace) of these entities: all, or some of one entity. */
  readonly firstPlace: number;
  readonly endPlace: number;
  /** Brings the events, and the states of events that it does not bring. */
  load(): Promise<LoadedEvents>;
}

/** The events of a split. */
export interface LoadedEvents {
  readonly batches: readonly EventBatch[];
  /** The states of the entity's other events; null: all that matter are there. */
  readonly carried: CarriedStates | null;
}

/** How events are collected. */
export interface CollectOptions {
  readonly labels: OrderedRows;
  /** The bytes that events may take, about. */
  readonly memoryLimit: number;
  /** The number of events that are expected, at most; null: it is not known. */
  readonly expected: number | null;
  /** How many splits are computed at once. */
  readonly concurrency: number;
  readonly plan: DeriveNode;
  /** So many events and entity rows make a split, if all of them are in memory. */
  readonly rowsPerSplit: (rows: number) => number;
}

/** The part of the limit that events in memory may take. */
const HELD_SHARE = 1 / 2;
/** Once events are spilled: the part that waits for the file. */
const BUFFER_SHARE = 1 / 8;
/** The part that the events of a split may take, before they are sorted. */
const SPLIT_SHARE = 1 / 8;
/** The part of each split if several are computed at once: each thread has copies of its split. */
const CONCURRENT_SPLIT_SHARE = 1 / 64;
/** More parts make small writes. A large part is divided later. */
const MOST_PARTS = 128;
/** Slabs overlap, so there are more than bytes alone ask for. */
const SLABS_PER_BUDGET = 2;

function allEvents(batches: () => Promise<readonly EventBatch[]>): CollectedSplit["load"] {
  return async () => ({ batches: await batches(), carried: null });
}

export class CollectedEvents {
  private readonly options: CollectOptions;
  /** The number of rows of each entity. */
  private readonly counts: Int32Array;
  private batches: EventBatch[] = [];
  private bytes = 0;
  private allBytes = 0;
  private rows = 0;
  private spilled: {
    readonly file: SpillFile;
    readonly ranges: readonly EntityRange[];
    readonly writer: PartWriter;
  } | null = null;

  constructor(options: CollectOptions) {
    this.options = options;
    this.counts = new Int32Array(options.labels.starts.length - 1);
  }

  async add(events: Events): Promise<void> {
    const batch = eventBatch(events);
    if (batch === null) return;
    const { entity, length } = batch;
    for (let i = 0; i < length; i++) this.counts[entity[i]!]!++;
    this.batches.push(batch);
    const bytes = bytesOfBatch(batch);
    this.rows += length;
    this.bytes += bytes;
    this.allBytes += bytes;
    const share = this.spilled === null ? HELD_SHARE : BUFFER_SHARE;
    if (this.bytes > this.options.memoryLimit * share) await this.spill();
  }

  /** The number of events and entity rows. */
  get size(): number {
    return this.rows + this.options.labels.rows.length;
  }

  /** Yields the splits. Each place is in one split. */
  async *splits(): AsyncGenerator<CollectedSplit> {
    if (this.spilled === null) {
      yield* this.splitsInMemory();
      return;
    }
    await this.spill();
    const { file, ranges, writer } = this.spilled;
    const parts = writer.finish();
    for (const [p, range] of ranges.entries()) yield* this.splitsOfPart(file, range, parts[p]!);
  }

  async close(): Promise<void> {
    this.batches = [];
    await this.spilled?.file.close();
  }

  private *splitsInMemory(): Generator<CollectedSplit> {
    const { batches } = this;
    // many threads at once have smaller splits
    const fitting = this.splitBudget() / (this.allBytes / this.rows);
    const budget = Math.min(this.options.rowsPerSplit(this.size), fitting || Infinity);
    for (const range of this.rangesOf({ first: 0, end: this.counts.length }, budget, 1))
      yield this.wholeSplit(range, async () =>
        batches.flatMap((batch) => rowsOfEntities(batch, range.first, range.end) ?? []),
      );
  }

  private wholeSplit(
    { first, end }: EntityRange,
    batches: () => Promise<readonly EventBatch[]>,
  ): CollectedSplit {
    const { starts } = this.options.labels;
    return {
      first,
      end,
      firstPlace: starts[first]!,
      endPlace: starts[end]!,
      load: allEvents(batches),
    };
  }

  /** Cuts entities by the number of their events and labels, each with so much weight. */
  private rangesOf(
    { first, end }: EntityRange,
    budget: number,
    weight: number,
  ): readonly EntityRange[] {
    return entityRanges(first, end, budget, (e) => this.rowsOf(e) * weight);
  }

  /** The number of events and labels of an entity. */
  private rowsOf(entity: number): number {
    const { starts } = this.options.labels;
    return this.counts[entity]! + starts[entity + 1]! - starts[entity]!;
  }

  private weightOf({ first, end }: EntityRange): number {
    let rows = 0;
    for (let e = first; e < end; e++) rows += this.rowsOf(e);
    return rows;
  }

  /** Writes what is in memory to the file. */
  private async spill(): Promise<void> {
    this.spilled ??= await this.openParts();
    const { batches } = this;
    this.batches = [];
    this.bytes = 0;
    await this.spilled.writer.write(batches);
  }

  /** Cuts all entities as if the events to come were as those that are here. */
  private async openParts(): Promise<NonNullable<CollectedEvents["spilled"]>> {
    const all = { first: 0, end: this.counts.length };
    const { expected } = this.options;
    const growth = Math.max(1, (expected ?? 4 * this.rows) / this.rows);
    const whole = this.allBytes * growth;
    const budget = Math.max(this.splitBudget(), whole / MOST_PARTS);
    const ranges = this.rangesOf(all, budget, (this.allBytes / this.rows) * growth);
    const takes = ranges.map(({ first, end }) => entitiesFrom(first, end));
    const file = await openSpillFile();
    return { file, ranges, writer: new PartWriter(file, takes) };
  }

  private splitBudget(): number {
    const { memoryLimit, concurrency } = this.options;
    return concurrency === 1
      ? memoryLimit * SPLIT_SHARE
      : memoryLimit * Math.min(CONCURRENT_SPLIT_SHARE, SPLIT_SHARE / concurrency);
  }

  private async *splitsOfPart(
    file: SpillFile,
    range: EntityRange,
    part: SpilledPart,
  ): AsyncGenerator<CollectedSplit> {
    const budget = this.splitBudget();
    if (part.bytes <= budget) {
      yield this.wholeSplit(range, () => readPart(file, part));
      return;
    }
    if (range.end - range.first === 1) {
      yield* this.splitsOfEntity(file, range, part);
      return;
    }
    // at least two ranges, also where the rows of these entities are larger than others
    const ranges = this.rangesOf(range, budget / part.bytes, 1 / this.weightOf(range));
    const takes = ranges.map(({ first, end }) => entitiesFrom(first, end));
    const parts = await dividePart(file, part, takes);
    for (const [p, one] of ranges.entries()) yield* this.splitsOfPart(file, one, parts[p]!);
  }

  /** Cuts the entity rows of one entity by time. */
  private async *splitsOfEntity(
    file: SpillFile,
    range: EntityRange,
    part: SpilledPart,
  ): AsyncGenerator<CollectedSplit> {
    const { labels, plan } = this.options;
    const wanted = Math.ceil((part.bytes / this.splitBudget()) * SLABS_PER_BUDGET);
    const reach = reachOfPlan(plan);
    if (Number.isFinite(reach)) {
      yield* this.slabsOfReach(file, range, part, wanted, reach);
      return;
    }
    const entity = range.first;
    const rows = this.counts[entity]!;
    yield* endlessSlabs({ plan, labels, entity, rows, file, part }, wanted);
  }

  /** Slabs of an entity whose windows have an end: each needs the events that they reach. */
  private async *slabsOfReach(
    file: SpillFile,
    range: EntityRange,
    part: SpilledPart,
    wanted: number,
    reach: number,
  ): AsyncGenerator<CollectedSplit> {
    const { labels } = this.options;
    const [firstPlace, endPlace] = [labels.starts[range.first]!, labels.starts[range.end]!];
    const count = Math.min(wanted, endPlace - firstPlace);
    if (count < 2) {
      yield this.wholeSplit(range, () => readPart(file, part));
      return;
    }
    const cuts = Array.from(
      { length: count + 1 },
      (_, i) => firstPlace + Math.round(((endPlace - firstPlace) * i) / count),
    );
    const slabs = cuts.slice(1).map((end, i) => ({ firstPlace: cuts[i]!, endPlace: end }));
    const parts = await dividePart(
      file,
      part,
      slabs.map((slab) =>
        timesFrom(labels.times[slab.firstPlace]! - reach, labels.times[slab.endPlace - 1]!),
      ),
    );
    for (const [s, slab] of slabs.entries())
      yield { ...range, ...slab, load: allEvents(() => readPart(file, parts[s]!)) };
  }
}
