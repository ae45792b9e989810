/** Collects the edits of a batch by entity log, and computes the cells to write for them. */
import { keyText } from "../columns/key-bytes.ts";
import type { Value } from "../specs.ts";
import type { CellWrite, OnlineStore } from "../spi.ts";
import { segmentsTouched, editEntityLog, type EntityLogEdit } from "./entity-log-edit.ts";
import type { EntityLogEntry } from "./entity-log-entries.ts";
import type { EntityLog } from "./entity-logs.ts";
import { expiryOfRows, keepFrom, type Retention } from "./retention.ts";
import type { SourceLayout } from "./source-layout.ts";

/** The edits to the rows under one key of an entity log, in order. */
export interface KeyEdits {
  readonly entityLog: EntityLog;
  readonly key: readonly Value[];
  readonly edits: EntityLogEdit[];
}

export class EntityLogEdits {
  private readonly byKey = new Map<string, KeyEdits>();

  add({ entityLog, key }: EntityLogEntry, edit: EntityLogEdit): void {
    const id = `${entityLog.layout.name} ${keyText(entityLog.layout.keyColumns, key)}`;
    const found = this.byKey.get(id);
    if (found === undefined) this.byKey.set(id, { entityLog, key, edits: [edit] });
    else found.edits.push(edit);
  }

  list(): readonly KeyEdits[] {
    return [...this.byKey.values()];
  }
}

/**
 * Computes the log tails and segments to write, from what the store holds now. The result is null
 * if another writer replaced a segment during the read.
 */
export async function entityLogWrites(
  store: OnlineStore,
  layout: SourceLayout,
  all: readonly KeyEdits[],
  horizon: number,
  retention: Retention,
): Promise<CellWrite[] | null> {
  const tailKeys = all.map(({ entityLog, key }) => entityLog.tail(key));
  const tails = await store.read(tailKeys);
  const needed = all.flatMap(({ entityLog, key, edits }, i) =>
    segmentsTouched(
      entityLog.format,
      tails[i]?.value ?? null,
      edits,
      keepFrom(layout, entityLog, horizon),
    ).map((id) => ({ i, id, key: entityLog.segment(key, id) })),
  );
  const segments = needed.length === 0 ? [] : await store.read(needed.map(({ key }) => key));
  if (segments.includes(null)) return null;
  const found = new Map(needed.map(({ i, id }, n) => [`${i} ${id}`, segments[n]!.value]));
  return all.flatMap(({ entityLog, key, edits }, i): CellWrite[] => {
    const from = keepFrom(layout, entityLog, horizon);
    const contents = {
      tail: tails[i]?.value ?? null,
      segment: (id: number) => found.get(`${i} ${id}`)!,
    };
    const result = editEntityLog(entityLog.format, contents, edits, from);
    // only readers of an older log tail need an empty log tail
    const newest = Math.max(result.newest, from);
    return [
      {
        key: tailKeys[i]!,
        value: result.tail,
        expected: tails[i]?.version ?? null,
        expires: expiryOfRows(layout, entityLog, newest, retention),
      },
      // the version of the log tail guards its segments. A deleted log tail may have left a segment
      // with this id.
      ...result.written.map(({ id, bytes, last }) => ({
        key: entityLog.segment(key, id),
        value: bytes,
        expected: undefined,
        expires: expiryOfRows(layout, entityLog, last, retention),
      })),
      ...result.removed.map((id) => ({
        key: entityLog.segment(key, id),
        value: null,
        expected: undefined,
        expires: null,
      })),
    ];
  });
}
