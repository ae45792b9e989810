/** Collects the edits of a batch by entity log, and computes the cells to write for them. */
import { keyText } from "../columns/key-bytes.ts";
import type { Value } from "../specs.ts";
import type { CellWrite, OnlineStore } from "../spi.ts";
import { cellsNeeded, editEntityLog, type EntityLogEdit } from "./entity-log-edit.ts";
import type { EntityLogEntry } from "./entity-log-entries.ts";
import type { EntityLog } from "./entity-logs.ts";
import type { LogCell } from "./nodes/log-tree.ts";
import { NO_PARTIAL_STATES, type PartialStates } from "./nodes/partial-states.ts";
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

/** Returns the partial states that are kept of an entity log. */
export type PartialStatesOf = (entityLog: EntityLog) => PartialStates;

/**
 * Computes the log tails, segments and nodes to write, from what the store holds now. The result is
 * null if another writer replaced one of them during the read.
 */
export async function entityLogWrites(
  store: OnlineStore,
  layout: SourceLayout,
  all: readonly KeyEdits[],
  horizon: number,
  retention: Retention,
  partialsOf: PartialStatesOf = () => NO_PARTIAL_STATES,
): Promise<CellWrite[] | null> {
  const tailKeys = all.map(({ entityLog, key }) => entityLog.tail(key));
  const tails = await store.read(tailKeys);
  const logs = all.map(({ entityLog, key, edits }, i) => {
    const cells = {
      segment: new Map<number, Uint8Array | null>(),
      node: new Map<number, Uint8Array | null>(),
    };
    return {
      entityLog,
      edits,
      from: keepFrom(layout, entityLog, horizon),
      cells,
      keyOf: ({ kind, id }: LogCell): Uint8Array => entityLog[kind](key, id),
      contents: {
        tail: tails[i]?.value ?? null,
        segment: (id: number) => cells.segment.get(id),
        node: (id: number) => cells.node.get(id),
      },
    };
  });
  for (let open = logs; open.length > 0;) {
    const needed = open.flatMap((log) =>
      cellsNeeded(log.entityLog.format, log.contents, log.edits, log.from).map((cell) => ({
        ...cell,
        log,
      })),
    );
    open = [...new Set(needed.map(({ log }) => log))];
    if (open.length === 0) break;
    const read = await store.read(needed.map((cell) => cell.log.keyOf(cell)));
    if (needed.some(({ mayBeMissing }, n) => !mayBeMissing && read[n] === null)) return null;
    needed.forEach(({ log, kind, id }, n) => log.cells[kind].set(id, read[n]?.value ?? null));
  }
  return logs.flatMap(({ entityLog, edits, from, contents, keyOf }, i): CellWrite[] => {
    const result = editEntityLog(entityLog.format, contents, edits, from, {
      partials: () => partialsOf(entityLog),
    });
    // only readers of an older log tail need an empty log tail
    const newest = Math.max(result.newest, from);
    return [
      {
        key: tailKeys[i]!,
        value: result.tail,
        expected: tails[i]?.version ?? null,
        expires: expiryOfRows(layout, entityLog, newest, retention),
      },
      // the version of the log tail guards what is below it. A deleted log tail may have left a
      // cell with this id.
      ...result.written.map((cell) => ({
        key: keyOf(cell),
        value: cell.bytes,
        expected: undefined,
        expires: expiryOfRows(layout, entityLog, cell.last, retention),
      })),
      ...result.removed.map((cell) => ({
        key: keyOf(cell),
        value: null,
        expected: undefined,
        expires: null,
      })),
    ];
  });
}
