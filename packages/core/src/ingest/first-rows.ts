/**
 * Holds back the first rows of new sources until they are judged. Until then no store gets a row
 * or a position of the source, so a wrong definition leaves nothing behind.
 */
import type { TidemarkError } from "../errors.ts";
import type { Change } from "../spi.ts";
import { partitionOf } from "../rows/snapshot-generations.ts";
import { estimatedBytes, type SourceBatch, type SourceBatches } from "./source-batches.ts";

/** The estimated memory of all rows that are held back, bytes. Beyond it, they are judged. */
const HELD_BYTES = 16 * 2 ** 20;

/** Says whether the first rows of a source fit. `ended`: they are judged on what there is. */
export type Judge = (source: string, ended: boolean) => "fits" | "undecided" | TidemarkError;

interface HeldRows {
  /** When the first of them came, µs. */
  readonly since: number;
  /** The batches as they came, so that the stores write them as they would have. */
  batches: SourceBatch[];
}

/** The rows that one reader holds back. */
export class FirstRows {
  /** Why a source must not be written; null: no source was refused. */
  mismatch: TidemarkError | null = null;
  private readonly unjudged: Set<string>;
  private readonly held = new Map<string, HeldRows>();
  private readonly judge: Judge;
  private readonly clock: () => number;
  private bytes = 0;

  /** `sources` are the new ones: no position of them is stored. */
  constructor(sources: Iterable<string>, judge: Judge, clock: () => number) {
    this.unjudged = new Set(sources);
    this.judge = judge;
    this.clock = clock;
  }

  /** Whether the rows of the source must not be written yet. */
  withholds(source: string): boolean {
    return this.unjudged.has(source);
  }

  /** Whether rows are held. */
  holds(): boolean {
    return this.held.size > 0;
  }

  /** Takes what was read, and gives what may be written, in order. */
  take(batches: SourceBatches): readonly SourceBatches[] {
    if (this.unjudged.size === 0) return [batches];
    let isSplit = false;
    for (const [source, batch] of batches.bySource) {
      if (!this.unjudged.has(source)) continue;
      isSplit = true;
      const held = this.held.get(source) ?? { since: this.clock(), batches: [] };
      this.held.set(source, held);
      held.batches.push(batch);
      this.bytes += sum(batch.changes);
    }
    if (!isSplit) return [batches];
    const others = [...batches.bySource].filter(([source]) => !this.unjudged.has(source));
    const released = this.release(this.bytes > HELD_BYTES ? Infinity : -Infinity);
    return [batchesOf(others), ...released];
  }

  /**
   * Judges the sources whose rows are held, and gives what may be written. Those whose rows came
   * until the time, µs, are judged on what there is.
   */
  release(until: number): readonly SourceBatches[] {
    return this.judgeAll(this.held.keys(), until);
  }

  /** Judges all sources on what there is, because nothing more comes. */
  finish(): readonly SourceBatches[] {
    return this.judgeAll(this.unjudged, Infinity);
  }

  private judgeAll(sources: Iterable<string>, until: number): readonly SourceBatches[] {
    const released: SourceBatches[] = [];
    for (const source of sources) {
      const held = this.held.get(source);
      const verdict = this.judge(source, (held?.since ?? -Infinity) <= until);
      if (verdict === "undecided") continue;
      if (verdict === "fits") {
        this.unjudged.delete(source);
        for (const batch of held?.batches ?? []) released.push(batchesOf([[source, batch]]));
      } else this.mismatch ??= verdict;
      this.held.delete(source);
      this.bytes -= sum(held?.batches.flatMap(({ changes }) => changes) ?? []);
    }
    return released;
  }

  /** Drops what is held of these partitions, because they are read again. */
  restart(partitions: readonly string[]): void {
    for (const held of this.held.values())
      held.batches = held.batches.map(({ changes, positions }) => ({
        changes: changes.filter((change) => !partitions.includes(partitionOf(change))),
        positions: positions.filter(({ partition }) => !partitions.includes(partition)),
      }));
  }
}

function batchesOf(entries: readonly (readonly [string, SourceBatch])[]): SourceBatches {
  const changes = entries.flatMap(([, one]) => one.changes);
  return { bySource: new Map(entries), changes: changes.length, bytes: sum(changes) };
}

function sum(changes: readonly Change[]): number {
  return changes.reduce((total, change) => total + estimatedBytes(change), 0);
}
