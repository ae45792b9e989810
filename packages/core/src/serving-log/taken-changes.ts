/**
 * What the online store had taken of its sources before an answer. It tells an answer that a change
 * had not reached yet from a wrong one.
 */
import { partitionKey } from "../rows/snapshot-generations.ts";
import type { SourceSpec } from "../specs.ts";
import type { OnlineStore, Position } from "../spi.ts";

/** By source, and by partition of its log: the offset of the last change that was taken. */
export type TakenChanges = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Knows what the online store has taken. */
export interface TakenSampler {
  /**
   * Returns what the store had taken a short time ago; null: it is not known. The call reads
   * nothing. It begins a read for later calls if the last one is old.
   */
  now(): TakenChanges | null;
}

/** How long (ms) a sample may take, and wait for the next request. */
const MOST_EXTRA_AGE = 1_000;

/** Makes a sampler of the positions of all sources. `age`: ms until a sample is taken anew. */
export function takenSampler(
  online: OnlineStore,
  sources: readonly SourceSpec[],
  age: number,
): TakenSampler {
  let sample: TakenChanges | null = null;
  let sampledAt = -Infinity;
  let begunAt = -Infinity;
  let isReading = false;

  async function read(): Promise<void> {
    const time = performance.now();
    const taken: Record<string, Readonly<Record<string, number>>> = {};
    for (const { name } of sources) taken[name] = takenOffsets(await online.positions(name));
    [sample, sampledAt] = [taken, time];
  }

  return {
    now() {
      const time = performance.now();
      if (!isReading && time - begunAt >= age) {
        isReading = true;
        begunAt = time;
        // a store that does not answer leaves the last sample, which stays true
        void read()
          .catch(() => undefined)
          .finally(() => (isReading = false));
      }
      // after a while without requests an old sample would excuse too much
      return time - sampledAt <= age + MOST_EXTRA_AGE ? sample : null;
    },
  };
}

/** The offsets of positions, by partition. */
function takenOffsets(positions: readonly Position[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    positions.map((position) => [
      (position.generation ?? 0) === 0 ? position.partition : partitionKey(position),
      position.offset,
    ]),
  );
}
