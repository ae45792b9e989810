/**
 * Cuts an entity that is larger than memory into slabs of its event time, where windows have no
 * end or facts need the newest row. A slab has the labels of its time. It needs its own rows, and
 * what the rows before it come to.
 */
import type { DeriveNode } from "../plan/nodes.ts";
import { lowerBound } from "../window/window-law.ts";
import type { CollectedSplit } from "./collected-events.ts";
import { EarlierSlabs } from "./earlier-slabs.ts";
import type { EventBatch } from "./event-batch.ts";
import type { OrderedRows } from "./entity-row-order.ts";
import type { SpillFile } from "./spill-file.ts";
import { dividePart, readPart, timesFrom, type SpilledPart } from "./spilled-events.ts";

/** An entity and its events. */
export interface SpilledEntity {
  readonly plan: DeriveNode;
  readonly labels: OrderedRows;
  readonly entity: number;
  /** The number of its events. */
  readonly rows: number;
  readonly file: SpillFile;
  readonly part: SpilledPart;
}

/** So many event times tell where slabs of about equal size begin. */
const SAMPLED_TIMES = 65_536;

/** Yields the slabs of the entity that have labels, by time. There are about `wanted` slabs. */
export async function* endlessSlabs(
  given: SpilledEntity,
  wanted: number,
): AsyncGenerator<CollectedSplit> {
  const { plan, labels, entity, file, part } = given;
  const { times } = labels;
  const [firstPlace, endPlace] = [labels.starts[entity]!, labels.starts[entity + 1]!];
  if (firstPlace === endPlace) return;
  const starts = await slabStarts(given, wanted);
  const ends = [...starts.slice(1), Infinity];
  const parts = await dividePart(
    file,
    part,
    starts.map((start, s) => timesFrom(start, ends[s]!)),
  );
  const earlier = new EarlierSlabs(plan, entity, times[endPlace - 1]!);
  let place = firstPlace;
  for (const [s, before] of starts.entries()) {
    const first = place;
    place = lowerBound(times, first, endPlace, ends[s]!);
    const load = (): Promise<readonly EventBatch[]> => readPart(file, parts[s]!);
    if (place > first) {
      const range = { before, firstLabel: times[first]!, lastLabel: times[place - 1]! };
      const loaded = await earlier.loadFor(range, await load());
      yield {
        first: entity,
        end: entity + 1,
        firstPlace: first,
        endPlace: place,
        load: async () => loaded,
      };
    }
    if (place === endPlace) return;
    earlier.add({ end: ends[s]!, load });
  }
}

/** The event times that slabs begin at, ascending. The first of them is −∞. */
async function slabStarts(
  { rows, file, part }: SpilledEntity,
  wanted: number,
): Promise<readonly number[]> {
  const step = Math.max(1, Math.floor(rows / SAMPLED_TIMES));
  const sample: number[] = [];
  let next = 0;
  for (const place of part.places)
    for (const { time, length } of await file.read(place)) {
      for (; next < length; next += step) sample.push(time[next]!);
      next -= length;
    }
  const sorted = Float64Array.from(sample).sort();
  const starts = Array.from(
    { length: wanted - 1 },
    (_, i) => sorted[Math.floor((sorted.length * (i + 1)) / wanted)]!,
  );
  return [-Infinity, ...new Set(starts)];
}
