/** Finds where changes lie in the log of their source, and whether an answer had them. */
import { valueAt } from "../columns/batch.ts";
import { historyTables } from "../offline/history-tables.ts";
import type { SourceSpec } from "../specs.ts";
import { partitionKey } from "../rows/snapshot-generations.ts";
import type { TakenChanges } from "../serving-log/taken-changes.ts";
import type { OfflineStore } from "../spi.ts";

/** Where changes of a source lie, by commit time (µs). */
export type ChangePlaces = ReadonlyMap<
  number,
  readonly { readonly partition: string; readonly offset: number }[]
>;

/** The changes of a source to look for. */
export interface WantedChanges {
  /** Commit times, µs. */
  readonly times: ReadonlySet<number>;
  /** All changes that were committed in this range are wanted, µs. null: no others. */
  readonly range: { readonly from: number; readonly to: number } | null;
}

/** Finds the places of changes of a source. */
export async function changePlaces(
  offline: OfflineStore,
  source: SourceSpec,
  { times, range }: WantedChanges,
  signal: AbortSignal | undefined,
): Promise<ChangePlaces> {
  const places = new Map<number, { partition: string; offset: number }[]>();
  if (times.size === 0 && range === null) return places;
  const { name } = historyTables(source).changes;
  const isWanted = (time: number): boolean =>
    times.has(time) || (range !== null && range.from <= time && time < range.to);
  const [min, max] = [...times].reduce(
    ([least, most], time) => [Math.min(least, time), Math.max(most, time)],
    [range?.from ?? Infinity, range?.to ?? -Infinity],
  );
  for await (const { length, vectors } of offline.scan(name, {
    columns: ["_committed", "_topic", "_partition", "_offset", "_generation"],
    range: { column: "_committed", min, max },
    signal,
  })) {
    for (let i = 0; i < length; i++) {
      const [committed, topic, partition, offset, generation] = vectors.map((one) =>
        valueAt(one, i),
      );
      if (committed === null || !isWanted(Number(committed))) continue;
      const of = `${topic as string}:${partition as number}`;
      const place = {
        partition: generation
          ? partitionKey({ generation: generation as number, partition: of })
          : of,
        offset: Number(offset),
      };
      const list = places.get(Number(committed));
      if (list === undefined) places.set(Number(committed), [place]);
      else list.push(place);
    }
  }
  return places;
}

/**
 * Whether the online store had taken every change of that time before an answer. false: it had not,
 * or it is not known.
 */
export function hadTaken(
  taken: TakenChanges | null,
  change: number,
  places: ReadonlyMap<string, ChangePlaces>,
): boolean {
  if (taken === null) return false;
  const states = statesAt(taken, change, places);
  return states.length > 0 && states.every((isTaken) => isTaken);
}

/** Whether the online store had surely not taken a change of these times before an answer. */
export function lackedAny(
  taken: TakenChanges | null,
  changes: readonly number[],
  places: ReadonlyMap<string, ChangePlaces>,
): boolean {
  return (
    taken !== null && changes.some((change) => statesAt(taken, change, places).includes(false))
  );
}

/** Whether each change of that time was taken. */
function statesAt(
  taken: TakenChanges,
  change: number,
  places: ReadonlyMap<string, ChangePlaces>,
): readonly boolean[] {
  return [...places].flatMap(([source, of]) =>
    (of.get(change) ?? []).map(
      ({ partition, offset }) => offset <= (taken[source]?.[partition] ?? -1),
    ),
  );
}
