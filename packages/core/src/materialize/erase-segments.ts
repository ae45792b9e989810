/** Erases the materialized rows of entities from the online store. */
import type { ViewSpec } from "../specs.ts";
import type { Cell, OnlineStore } from "../spi.ts";
import { decodeHead, fenceSegments, segmentKeys, type ViewHead } from "./online-segments.ts";
import { keysOfSegment, segmentWithout } from "./segment-codec.ts";
import { hashText, viewFingerprint } from "./view-fingerprint.ts";

/**
 * Erases the rows of entities from the segments of a view. `keys`: the texts of their keys. Returns
 * the number of rows and segments that are gone. A segment that is not served, or that another
 * definition wrote, goes as a whole.
 */
export async function eraseSegmentRows(
  store: OnlineStore,
  namespace: string,
  view: ViewSpec,
  keys: Iterable<string>,
  { dryRun, signal }: { readonly dryRun: boolean; readonly signal?: AbortSignal | undefined },
): Promise<number> {
  const cells = segmentKeys(namespace, view);
  const hashed = [...keys].map((text) => ({ text, hash: hashText(text) }));
  const columns = view.features.map(({ result }) => result);
  const head = dryRun
    ? await readHead(store, cells.head)
    : await fenceSegments(store, namespace, view);
  if (head === null) return 0;
  let erased = 0;
  for (const one of [head.served, head.writing, ...head.obsolete]) {
    if (one === null || one.segmentCount === 0) continue;
    const isServed = one === head.served && head.served.fingerprint === viewFingerprint(view);
    const bySegment = new Map<number, typeof hashed>();
    for (const row of hashed) {
      const segment = row.hash % one.segmentCount;
      const rows = bySegment.get(segment);
      if (rows === undefined) bySegment.set(segment, [row]);
      else rows.push(row);
    }
    for (const [segment, rows] of bySegment) {
      signal?.throwIfAborted();
      const cellKey = cells.segment(one.generation, segment);
      for (;;) {
        const [cell] = await store.read([cellKey]);
        if (cell == null) break;
        let value: Uint8Array | null = cell.value;
        let gone = 1;
        if (isServed) {
          gone = 0;
          for (const { hash, text } of rows) {
            const without: Uint8Array | null = segmentWithout(columns, value!, hash, text);
            if (without === null) continue;
            value = without;
            gone++;
          }
        } else value = null;
        if (gone > 0 && !dryRun) {
          const write = { key: cellKey, value, expected: cell.version, expires: null };
          const step = { source: `materialized:${view.name}`, cells: [write], positions: [] };
          if ((await store.write(step)) === "conflict") continue;
        }
        erased += gone;
        break;
      }
    }
  }
  return erased;
}

/** The texts of all keys in the segments of a view that are wanted. */
export async function segmentKeyTexts(
  store: OnlineStore,
  namespace: string,
  view: ViewSpec,
  isWanted: (text: string) => boolean,
): Promise<ReadonlySet<string>> {
  const cells = segmentKeys(namespace, view);
  const head = await readHead(store, cells.head);
  const found = new Set<string>();
  for (const one of head === null ? [] : [head.served, head.writing, ...head.obsolete])
    for (let segment = 0; segment < (one?.segmentCount ?? 0); segment++) {
      const [cell] = await store.read([cells.segment(one!.generation, segment)]);
      if (cell == null) continue;
      for (const text of keysOfSegment(cell.value)) if (isWanted(text)) found.add(text);
    }
  return found;
}

async function readHead(store: OnlineStore, key: Uint8Array): Promise<ViewHead | null> {
  const [cell]: readonly (Cell | null)[] = await store.read([key]);
  return cell == null ? null : decodeHead(cell.value);
}
