/** The edits of a batch, lane by lane, and the cells that must be written for them. */
import { keyText } from "../columns/key-bytes.ts";
import type { Value } from "../specs.ts";
import type { CellWrite, OnlineStore } from "../spi.ts";
import { chunksTouched, editLane, type LaneEdit } from "./entity-log-edit.ts";
import type { LaneEntry } from "./entity-log-entries.ts";
import type { OnlineLane } from "./entity-logs.ts";
import { expiryOfRows, keepFrom, type Retention } from "./retention.ts";
import type { SourceLayout } from "./source-layout.ts";

/** The edits to the rows under one key of a lane, in their order. */
export interface KeyEdits {
  readonly lane: OnlineLane;
  readonly key: readonly Value[];
  readonly edits: LaneEdit[];
}

export class LaneEdits {
  private readonly byKey = new Map<string, KeyEdits>();

  add({ lane, key }: LaneEntry, edit: LaneEdit): void {
    const id = `${lane.lane.name} ${keyText(lane.lane.keyColumns, key)}`;
    const found = this.byKey.get(id);
    if (found === undefined) this.byKey.set(id, { lane, key, edits: [edit] });
    else found.edits.push(edit);
  }

  list(): readonly KeyEdits[] {
    return [...this.byKey.values()];
  }
}

/**
 * The heads and chunks to write, from what the store holds now; null where another writer rewrote a
 * chunk while they were read.
 */
export async function laneWrites(
  store: OnlineStore,
  layout: SourceLayout,
  all: readonly KeyEdits[],
  horizon: number,
  retention: Retention,
): Promise<CellWrite[] | null> {
  const headKeys = all.map(({ lane, key }) => lane.head(key));
  const heads = await store.read(headKeys);
  const needed = all.flatMap(({ lane, key, edits }, i) =>
    chunksTouched(lane.format, heads[i]?.value ?? null, edits, keepFrom(layout, lane, horizon)).map(
      (id) => ({ i, id, key: lane.chunk(key, id) }),
    ),
  );
  const chunks = needed.length === 0 ? [] : await store.read(needed.map(({ key }) => key));
  if (chunks.includes(null)) return null;
  const found = new Map(needed.map(({ i, id }, n) => [`${i} ${id}`, chunks[n]!.value]));
  return all.flatMap(({ lane, key, edits }, i): CellWrite[] => {
    const from = keepFrom(layout, lane, horizon);
    const contents = {
      head: heads[i]?.value ?? null,
      chunk: (id: number) => found.get(`${i} ${id}`)!,
    };
    const result = editLane(lane.format, contents, edits, from);
    // an empty head is there for readers of an older one only
    const newest = Math.max(result.newest, from);
    return [
      {
        key: headKeys[i]!,
        value: result.head,
        expected: heads[i]?.version ?? null,
        expires: expiryOfRows(layout, lane, newest, retention),
      },
      // the head's version guards its chunks; one of this number may be left of a head that was
      // swept
      ...result.written.map(({ id, bytes, last }) => ({
        key: lane.chunk(key, id),
        value: bytes,
        expected: undefined,
        expires: expiryOfRows(layout, lane, last, retention),
      })),
      ...result.removed.map((id) => ({
        key: lane.chunk(key, id),
        value: null,
        expected: undefined,
        expires: null,
      })),
    ];
  });
}
