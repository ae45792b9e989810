/** Finds the times at which the rows of entities changed in the history. */
import { baseFeatures } from "../define/base-features.ts";
import type { Batch } from "../columns/batch.ts";
import { engineColumnOf } from "../engine/engine-columns.ts";
import { openOfflineReader } from "../offline/offline-reader.ts";
import type { SelectedFeature } from "../specs.ts";
import type { ComputeEngine, OfflineStore } from "../spi.ts";
import { resultWriters } from "../window/timed-rows.ts";

/**
 * Lists for each entity row the commit times of the changes in the reach of its features,
 * ascending. `times`: of the rows, µs.
 */
export async function changeTimes(
  offline: OfflineStore,
  selection: readonly SelectedFeature[],
  { keys, times }: { readonly keys: Batch; readonly times: Float64Array },
  signal: AbortSignal | undefined,
): Promise<readonly (readonly number[])[]> {
  const found = Array.from(times, () => new Set<number>());
  const reader = openOfflineReader(offline, collector(found));
  await reader.read({
    selection: baseFeatures(selection),
    keys,
    times,
    knowledge: "as-known",
    since: null,
    signal,
  });
  return found.map((one) => [...one].sort((a, b) => a - b));
}

/** An engine that computes nothing, and looks at the events of each row. */
function collector(found: readonly Set<number>[]): ComputeEngine {
  return {
    name: "change times",
    async compute({ plan, rows }, { events }) {
      const rowsOf: number[][] = Array.from({ length: rows.keyCount }, () => []);
      rows.entity.forEach((number, row) => rowsOf[number]!.push(row));
      for await (const { length, entity, from, to } of events()) {
        for (let i = 0; i < length; i++) {
          if (entity[i]! < 0) continue;
          for (const row of rowsOf[entity[i]!]!)
            for (const time of [from[i]!, to[i]!]) if (Number.isFinite(time)) found[row]!.add(time);
        }
      }
      // nobody reads the answers
      return resultWriters(plan.columns, rows.length).map((column) =>
        engineColumnOf(column, { type: "float64", nullable: true }),
      );
    },
  };
}
