/** Reads the materialized rows of entities from the online store. */
import { keyText } from "../columns/key-bytes.ts";
import { TidemarkError } from "../errors.ts";
import { toUser } from "../define/user-values.ts";
import type { Value, ViewSpec } from "../specs.ts";
import type { OnlineStore } from "../spi.ts";
import { decodeHead, segmentKeys, type ServedDay } from "./online-segments.ts";
import { rowOfSegment } from "./segment-codec.ts";
import { hashText, viewFingerprint } from "./view-fingerprint.ts";

/** One materialized row of a view. `time` is in µs. */
export interface MaterializedRow {
  readonly time: number;
  /** Values in the order of the view's features. */
  readonly values: readonly Value[];
}

/** Reads materialized rows. */
export interface MaterializedReader {
  /**
   * Returns row i for key i. The values of a key come in the order of the entity's keys.
   * null: the served day has no such row, or there is no day.
   *
   * @throws MATERIALIZED_OF_OTHER_DEFINITION when the served day was computed under another
   * definition of the view.
   */
  read(
    view: ViewSpec,
    keys: readonly (readonly Value[])[],
  ): Promise<readonly (MaterializedRow | null)[]>;
}

function ofOtherDefinition(store: OnlineStore, view: ViewSpec, { date }: ServedDay): TidemarkError {
  return new TidemarkError(
    "MATERIALIZED_OF_OTHER_DEFINITION",
    `${store.name}: the rows of view "${view.name}" are those of ${date}, computed under another ` +
      "definition of the view or its source: compute them again with `tidemark materialize " +
      `--view ${view.name} --incremental\``,
  );
}

/** Makes a reader that remembers the served day of each view. */
export function materializedReader(store: OnlineStore, namespace: string): MaterializedReader {
  const known = new Map<
    string,
    { readonly version: number | null; readonly served: ServedDay | null }
  >();
  const fingerprints = new WeakMap<ViewSpec, number>();

  function fingerprint(view: ViewSpec): number {
    let value = fingerprints.get(view);
    if (value === undefined) fingerprints.set(view, (value = viewFingerprint(view)));
    return value;
  }

  return {
    async read(view, keys) {
      const cells = segmentKeys(namespace, view);
      const columns = view.features.map(({ result }) => result);
      const texts = keys.map((key) => keyText(view.entity.keys, key));
      const hashes = texts.map((text) => hashText(text));
      for (;;) {
        // The segments are those of the day that was served last. The head, read with them, says
        // whether that day still is.
        const expected = known.get(view.name);
        const served = expected?.served ?? null;
        const isCurrent = served !== null && served.fingerprint === fingerprint(view);
        const numbers = isCurrent
          ? [...new Set(hashes.map((hash) => hash % served.segmentCount))]
          : [];
        const [head, ...segments] = await store.read([
          cells.head,
          ...numbers.map((number) => cells.segment(served!.generation, number)),
        ]);
        if (expected === undefined || (head?.version ?? null) !== expected.version) {
          known.set(view.name, {
            version: head?.version ?? null,
            served: head == null ? null : decodeHead(head.value).served,
          });
          continue;
        }
        if (served === null) return keys.map(() => null);
        if (!isCurrent) throw ofOtherDefinition(store, view, served);
        const segmentBytes = new Map(
          numbers.map((number, i) => [number, segments[i]?.value ?? null]),
        );
        // equal keys are read once
        const rows = new Map<string, MaterializedRow | null>();
        return texts.map((text, i) => {
          const found = rows.get(text);
          if (found !== undefined) return found;
          const segment = segmentBytes.get(hashes[i]! % served.segmentCount) ?? null;
          const values = segment === null ? null : rowOfSegment(columns, segment, hashes[i]!, text);
          const row = values === null ? null : { time: served.time, values };
          rows.set(text, row);
          return row;
        });
      }
    },
  };
}

/** A row in the form in which users see it. */
export function materializedRow(
  view: ViewSpec,
  row: MaterializedRow | null,
): Record<string, unknown> | null {
  if (row === null) return null;
  const shown: Record<string, unknown> = { event_timestamp: new Date(Math.floor(row.time / 1000)) };
  view.features.forEach(({ name, result, renamedFrom = [] }, f) => {
    for (const one of [name, ...renamedFrom]) shown[one] = toUser(row.values[f]!, result);
  });
  return shown;
}
