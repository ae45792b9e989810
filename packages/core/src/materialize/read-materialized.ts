/** The materialized rows of entities, from the online store. */
import { keyText } from "../columns/key-bytes.ts";
import { toUser } from "../define/user-values.ts";
import type { Value, ViewSpec } from "../specs.ts";
import type { OnlineStore } from "../spi.ts";
import { headOf, pageKeys, type ServedDay } from "./online-segments.ts";
import { rowOfPage } from "./segment-codec.ts";
import { hashText, meaningOf } from "./view-fingerprint.ts";

/** One row of a view as it was materialized; `time` in µs. */
export interface MaterializedRow {
  readonly time: number;
  /** By the view's features. */
  readonly values: readonly Value[];
}

export interface MaterializedReader {
  /**
   * Row i for key i, whose values come in the order of the entity's keys; null: the day that is
   * served has none, or it was computed under another definition.
   */
  read(
    view: ViewSpec,
    keys: readonly (readonly Value[])[],
  ): Promise<readonly (MaterializedRow | null)[]>;
}

export function materializedReader(store: OnlineStore, namespace: string): MaterializedReader {
  const known = new Map<
    string,
    { readonly version: number | null; readonly served: ServedDay | null }
  >();
  const meanings = new WeakMap<ViewSpec, number>();

  function meaning(view: ViewSpec): number {
    let value = meanings.get(view);
    if (value === undefined) meanings.set(view, (value = meaningOf(view)));
    return value;
  }

  return {
    async read(view, keys) {
      const cells = pageKeys(namespace, view);
      const columns = view.features.map(({ result }) => result);
      const texts = keys.map((key) => keyText(view.entity.keys, key));
      const hashes = texts.map((text) => hashText(text));
      for (;;) {
        // the pages are those of the day that was served last; the head in the same snapshot tells
        // whether it still is
        const expected = known.get(view.name);
        const served = expected?.served ?? null;
        const isOurs = served !== null && served.meaning === meaning(view);
        const numbers = isOurs ? [...new Set(hashes.map((hash) => hash % served.pages))] : [];
        const [head, ...pages] = await store.read([
          cells.head,
          ...numbers.map((number) => cells.page(served!.generation, number)),
        ]);
        if (expected === undefined || (head?.version ?? null) !== expected.version) {
          known.set(view.name, {
            version: head?.version ?? null,
            served: head == null ? null : headOf(head.value).served,
          });
          continue;
        }
        if (!isOurs) return keys.map(() => null);
        const places = new Map(numbers.map((number, i) => [number, pages[i]?.value ?? null]));
        return texts.map((text, i) => {
          const page = places.get(hashes[i]! % served.pages) ?? null;
          const values = page === null ? null : rowOfPage(columns, page, hashes[i]!, text);
          return values === null ? null : { time: served.time, values };
        });
      }
    },
  };
}

/** A row as the user sees it. */
export function materializedRow(
  view: ViewSpec,
  row: MaterializedRow | null,
): Record<string, unknown> | null {
  if (row === null) return null;
  const shown: Record<string, unknown> = { event_timestamp: new Date(Math.floor(row.time / 1000)) };
  view.features.forEach(({ name, result }, f) => {
    shown[name] = toUser(row.values[f]!, result);
  });
  return shown;
}
