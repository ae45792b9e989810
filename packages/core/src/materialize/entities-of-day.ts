/** Reads the entities of a materialized day from the features table. */
import { valueAt } from "../columns/batch.ts";
import { keyText } from "../columns/key-bytes.ts";
import type { ViewSpec } from "../specs.ts";
import type { OfflineStore } from "../spi.ts";
import { noEntities, type Entities } from "./entities.ts";
import { DATE, featuresTable } from "./features-table.ts";
import type { LocalDate } from "./local-date.ts";
import { hashText } from "./view-fingerprint.ts";

/**
 * The entities with a row on a day of the table, that is with a row in the history before the end
 * of the day. null: they are more than `most`.
 */
export async function entitiesOfDay(
  offline: OfflineStore,
  view: ViewSpec,
  {
    version,
    day,
    most,
  }: { readonly version: number; readonly day: LocalDate; readonly most: number },
  signal: AbortSignal | undefined,
): Promise<Entities | null> {
  const { keys } = view.entity;
  const entities = noEntities(keys.length);
  const scan = {
    columns: keys.map(({ name }) => name),
    version,
    partitions: { [DATE.name]: [day.date] },
    signal,
  };
  for await (const { length, vectors } of offline.scan(featuresTable(view).name, scan)) {
    if (entities.first.length + length > most) return null;
    for (let row = 0; row < length; row++) {
      const key = vectors.map((vector) => valueAt(vector, row));
      const text = keyText(keys, key);
      entities.numbers.add(text, hashText(text));
      entities.keys.forEach((values, k) => values.push(key[k]!));
      // before the day's end, whenever it was
      entities.first.push(-Infinity);
    }
  }
  return entities;
}
