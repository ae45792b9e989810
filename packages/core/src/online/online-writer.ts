/**
 * Writes changes of one source into the online store. Row images, entity logs and the position are
 * written in one compare-and-set step.
 */
import { TidemarkError } from "../errors.ts";
import type { Cell, CellWrite, Change, OnlineStore, PositionStep } from "../spi.ts";
import { entityLogEntries, removalEdit } from "./entity-log-entries.ts";
import { EntityLogEdits, entityLogWrites } from "./entity-log-writes.ts";
import { entityLogsOf } from "./entity-logs.ts";
import { expiryOfRow, keepFrom, type Retention } from "./retention.ts";
import { pushIdKeys, pushIdsIn, pushIdWrite } from "./push-ids.ts";
import { withChange } from "./row-cells.ts";
import type { RowChange } from "../rows/row-change.ts";
import { batchEditsOf, type BatchEdits, type RowEdit } from "./row-edits.ts";
import { snapshotEnd, type Truncate } from "../rows/row-versions.ts";
import {
  completeGenerationStep,
  generationStateOf,
  offsetsOf,
  partitionKey,
  type SnapshotSpan,
} from "../rows/snapshot-generations.ts";
import { counterWrites, countersKey } from "./source-counters.ts";
import type { SourceLayout } from "./source-layout.ts";
import { listSource } from "./source-list.ts";
import {
  decodeSourceState,
  encodeSourceState,
  horizonAt,
  readSourceState,
  sourceStateKey,
  widenedLayout,
  type SourceState,
} from "./source-state.ts";

export interface OnlineWriterOptions {
  readonly store: OnlineStore;
  readonly namespace: string;
  readonly layout: SourceLayout;
  /** The current time, µs. */
  readonly clock: () => number;
  readonly retention: Retention;
}

export interface OnlineWriter {
  /** Applies all changes with the positions, or throws and applies none. */
  apply(changes: readonly Change[], positions: readonly PositionStep[]): Promise<void>;
  /**
   * Completes the snapshot of a begun generation. Rows of earlier generations that the snapshot did
   * not bring are deleted.
   */
  complete(generation: number, snapshot: SnapshotSpan): Promise<void>;
}

/**
 * The number of attempts before `ONLINE_STORE_CONTENDED`. An attempt fails if another writer
 * changes the same cells between read and write.
 */
const ATTEMPTS = 50;

export async function onlineWriter(options: OnlineWriterOptions): Promise<OnlineWriter> {
  const { store, namespace, layout: asked, retention, clock } = options;
  const { source } = asked;
  const editsOf = batchEditsOf(source);
  // the stored layout decides, not the requested one: a wider view waits until it is rebuilt
  const initial = await readSourceState(store, namespace, asked);
  let layout = widenedLayout(initial, asked);
  let entityLogs = entityLogsOf(namespace, layout);
  let knownVersion = initial.version;
  const stateKey = sourceStateKey(namespace, source.name);
  const idKeyOf = pushIdKeys(namespace, source.name);

  return {
    async apply(changes, positions) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const cells = await prepare(editsOf(changes), changes);
        if (
          cells !== null &&
          (await store.write({ source: source.name, cells, positions })) === "done"
        )
          return;
        await refuseFenced(store, source.name, positions);
      }
      throw contended();
    },
    async complete(generation, snapshot) {
      const batch = { ...editsOf([]), truncates: [snapshotEnd(generation, snapshot)] };
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const metadata = await store.metadata(source.name);
        if (generationStateOf(metadata).snapshots[generation - 1] != null) return;
        const step = completeGenerationStep(metadata, generation, snapshot);
        const cells = await prepare(batch, []);
        if (
          cells !== null &&
          (await store.write({ source: source.name, cells, positions: [], metadata: [step] })) ===
            "done"
        )
          return;
      }
      throw contended();
    },
  };

  function contended(): TidemarkError {
    return new TidemarkError(
      "ONLINE_STORE_CONTENDED",
      `${store.name}: ${ATTEMPTS} attempts to write source "${source.name}" met other ` +
        "writers; run fewer runners over one store",
      { retryable: true },
    );
  }

  /**
   * Computes the cells to write from what the store holds now; null if the store changed during the
   * read.
   */
  async function prepare(
    batch: BatchEdits,
    changes: readonly Change[],
  ): Promise<CellWrite[] | null> {
    const partitions = [...new Set(changes.map(partitionOf))];
    const rowKeys = batch.rows.map(({ key }) => entityLogs.rowKey(key));
    const counterKeys = partitions.map((partition) =>
      countersKey(namespace, source.name, partition),
    );
    const ids = pushIdsIn(source, changes);
    const idKeys = ids.map(idKeyOf);
    const [stateCell, ...read] = await store.read([
      stateKey,
      ...rowKeys,
      ...counterKeys,
      ...idKeys,
    ]);
    const state =
      stateCell == null
        ? { layout: asked, horizon: -Infinity, truncates: [], version: null }
        : decodeSourceState(store, asked, stateCell);
    // another runner may have written the state since: its layout decides
    if (state.version !== knownVersion) {
      layout = widenedLayout(state, asked);
      entityLogs = entityLogsOf(namespace, layout);
      knownVersion = state.version;
    }
    const writes: CellWrite[] = [];
    const moved = stateAfter(state, batch.truncates);
    if (moved !== null)
      writes.push({
        key: stateKey,
        value: encodeSourceState(moved),
        expected: state.version,
        expires: null,
      });
    if (state.version === null) writes.push(await listSource(store, namespace, source.name));
    const { horizon } = moved ?? state;

    const entityLogEdits = new EntityLogEdits();
    batch.rows.forEach((edit, i) => {
      writes.push(...rowWrites(batch, edit, rowKeys[i]!, read[i] ?? null, horizon, entityLogEdits));
    });
    const inEntityLogs = await entityLogWrites(
      store,
      layout,
      entityLogEdits.list(),
      horizon,
      retention,
    );
    if (inEntityLogs === null) return null;
    writes.push(...inEntityLogs);
    partitions.forEach((partition, p) => {
      const messages = changes.filter((change) => partitionOf(change) === partition);
      writes.push(
        ...counterWrites(counterKeys[p]!, read[rowKeys.length + p] ?? null, messages, entityLogs),
      );
    });
    ids.forEach((id, i) => {
      const mine = changes.filter(({ transaction }) => transaction === id);
      writes.push(
        ...pushIdWrite(
          idKeys[i]!,
          read[rowKeys.length + counterKeys.length + i] ?? null,
          mine,
          retention,
          clock(),
        ),
      );
    });
    return writes;
  }

  /**
   * The write of the row's own cell. Removed and added entries go into `entityLogEdits`. The result
   * is empty if the batch changes nothing in the row.
   */
  function rowWrites(
    batch: BatchEdits,
    edit: RowEdit,
    cellKey: Uint8Array,
    cell: Cell | null,
    horizon: number,
    entityLogEdits: EntityLogEdits,
  ): readonly CellWrite[] {
    const before = cell === null ? [] : entityLogs.codec.decode(cell.value);
    let after: readonly RowChange[] = before;
    for (const change of edit.changes) {
      refuseRestored(source.name, after, change, batch.originOf(change));
      after = withChange(after, change, layout.timeIndex < 0);
    }
    if (after === before) return [];
    const old = entityLogEntries(entityLogs, edit.key, before, batch.originOf);
    const now = entityLogEntries(entityLogs, edit.key, after, batch.originOf);
    const kept = new Set(now.map((entry) => entry.id));
    const had = new Set(old.map((entry) => entry.id));
    for (const entry of old)
      if (!kept.has(entry.id)) entityLogEdits.add(entry, removalEdit(entityLogs, entry));
    for (const entry of now) {
      if (
        had.has(entry.id) ||
        (entry.row[entry.entityLog.format.timeIndex] as number) <
          keepFrom(layout, entry.entityLog, horizon)
      )
        continue;
      entityLogEdits.add(entry, { put: entry.row, remove: null });
    }
    return [
      {
        key: cellKey,
        value: entityLogs.codec.encode(after, edit.key),
        expected: cell?.version ?? null,
        expires: expiryOfRow(layout, after, retention, clock()),
      },
    ];
  }

  /**
   * The new state of the source; null: unchanged. The horizon moves with the clock in steps, so
   * that not every batch writes it.
   */
  function stateAfter(
    state: SourceState,
    truncates: readonly Truncate[],
  ): Omit<SourceState, "version"> | null {
    const horizon = horizonAt(state.horizon, clock(), retention.retain);
    const added = truncates.filter(
      (truncate) =>
        !state.truncates.some(({ order, end }) => order === truncate.order && end === truncate.end),
    );
    const sameLayout =
      state.version !== null &&
      state.layout.longestWindow === layout.longestWindow &&
      state.layout.entityLogs.every(
        (entityLog, i) => entityLog.keepsAll === layout.entityLogs[i]!.keepsAll,
      );
    if (sameLayout && horizon === state.horizon && added.length === 0) return null;
    return {
      layout,
      horizon,
      truncates: [...state.truncates, ...added],
      backfilling: state.backfilling,
    };
  }
}

function partitionOf({ topic, partition }: Change): string {
  return `${topic}:${partition}`;
}

/** Refuses a lower log order with a later commit time (law 5: the source was restored). */
function refuseRestored(
  source: string,
  stored: readonly RowChange[],
  change: RowChange,
  origin: Change | undefined,
): void {
  const newest = stored.at(-1);
  if (
    newest === undefined ||
    origin?.order == null ||
    change.order >= newest.order ||
    change.loggedCommitTime <= newest.loggedCommitTime
  )
    return;
  throw new TidemarkError(
    "SOURCE_LSN_WENT_BACK",
    `source "${source}": ${origin.topic}:${origin.partition} offset ${origin.offset} has LSN ` +
      `${change.order}, committed after LSN ${newest.order} of the same row: ` +
      "the database was set back to an earlier state. " +
      "Take a new snapshot of it into a new topic, " +
      `then run tidemark resnapshot ${source}, or call store.resnapshot("${source}", …)`,
  );
}

async function refuseFenced(
  store: OnlineStore,
  source: string,
  positions: readonly PositionStep[],
): Promise<void> {
  const stored = offsetsOf(await store.positions(source));
  for (const { partition, generation, expected } of positions) {
    const now = stored.get(partitionKey({ partition, generation })) ?? null;
    if (now === expected) continue;
    throw new TidemarkError(
      "ONLINE_STORE_FENCED",
      `${store.name}: another runner moved ${partition} of source "${source}" from ` +
        `${expected ?? "its beginning"} to ${now}: run one runner per partition, ` +
        "and start this one again to go on from there",
    );
  }
}
