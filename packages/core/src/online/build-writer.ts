/**
 * Computes the cells of one build that a batch of changes writes: row images, entity logs and the
 * state.
 */
import { TidemarkError } from "../errors.ts";
import type { SourceSpec } from "../specs.ts";
import type { Cell, CellWrite, Change, OnlineStore } from "../spi.ts";
import { compareChanges, type RowChange } from "../rows/row-change.ts";
import { generationOf } from "../rows/snapshot-generations.ts";
import type { Truncate } from "../rows/row-versions.ts";
import { tablesAfter, type BuildTables } from "./build-tables.ts";
import { changeProjection, tablesTaken } from "./change-projection.ts";
import { EntityLogEdits, entityLogWrites } from "./entity-log-writes.ts";
import { entityLogsOf, type EntityLog } from "./entity-logs.ts";
import { expiryOfRow, type Retention } from "./retention.ts";
import { withChange } from "./row-cells.ts";
import { LackingRowsChange, lackedColumnsOf } from "./left-out-columns.ts";
import { addRowEdits } from "./row-entry-edits.ts";
import { batchEditsOf, type BatchEdits, type RowEdit } from "./row-edits.ts";
import { partialStatesOf, type PartialStates } from "./nodes/partial-states.ts";
import { entityLogName, type SourceLayout } from "./source-layout.ts";
import { encodeSourceState, horizonAt, widenedLayout, type SourceState } from "./source-state.ts";

export interface BuildWriterOptions {
  readonly store: OnlineStore;
  readonly namespace: string;
  /** The layout of the writer's definitions. */
  readonly layout: SourceLayout;
  /**
   * Whether the build is in progress. Its changes come in any order, and the served build checks
   * their log order.
   */
  readonly inProgress?: boolean | undefined;
  /** The current time, µs. */
  readonly clock: () => number;
  readonly retention: Retention;
}

/** The edits of a batch in one build, and the keys of the rows' cells. */
export interface BuildEdits {
  readonly batch: BatchEdits;
  readonly rowKeys: readonly Uint8Array[];
  /** The tables of the build after the batch. */
  readonly tables: BuildTables;
}

/** Writes one build of a source, in the state that the store was last seen in. */
export interface BuildWriter {
  readonly state: SourceState;
  /** Reads the changes under the definition of the build. */
  edits(changes: readonly Change[], truncates?: readonly Truncate[]): BuildEdits;
  /**
   * Computes the cells to write, from the rows' cells. The result is null if another writer
   * replaced a segment during the read.
   */
  writes(edits: BuildEdits, rowCells: readonly (Cell | null)[]): Promise<CellWrite[] | null>;
}

/** Makes the writer of a build. `stateKey`: the key of the state's cell. */
export function buildWriter(
  state: SourceState,
  stateKey: Uint8Array,
  options: BuildWriterOptions,
): BuildWriter {
  const { store, namespace, layout: asked, retention, clock } = options;
  const layout = widenedLayout(state, asked);
  const entityLogs = entityLogsOf(namespace, { layout, build: state.build });
  const readAs = changeProjection(layout, asked.source);
  const editsOf = batchEditsOf(layout.source);
  const lackedBy = lackedColumnsOf(layout);
  const partials = new Map<EntityLog, PartialStates>();
  const withTables = tablesAfter(tablesTaken(layout, asked.source), asked.source);

  /** The partial states of an entity log, made when its first segment or node is written. */
  function partialsOf(entityLog: EntityLog): PartialStates {
    let found = partials.get(entityLog);
    if (found === undefined) {
      const { format, layout: log } = entityLog;
      const views = (asked.views ?? []).filter((view) => entityLogName(view) === log.name);
      partials.set(entityLog, (found = partialStatesOf(format, layout.source, views)));
    }
    return found;
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
    lacking: LackingRowsChange,
  ): readonly CellWrite[] {
    const before = cell === null ? [] : entityLogs.codec.decode(cell.value);
    let after: readonly RowChange[] = before;
    for (const change of edit.changes) {
      if (options.inProgress === true) after = withLaterCommitTimes(after, change);
      else refuseRestored(layout.source, after, change, batch.originOf(change));
      after = withChange(after, change, layout.timeIndex < 0);
    }
    if (after === before) return [];
    lacking.add(lackedBy(before, horizon), lackedBy(after, horizon));
    addRowEdits(entityLogEdits, entityLogs, {
      key: edit.key,
      before,
      after,
      originOf: batch.originOf,
      horizon,
    });
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
   * The state after the truncates; the same object if it is unchanged. The horizon moves with the
   * clock in steps, so that not every batch writes it.
   */
  function stateAfter(truncates: readonly Truncate[]): Omit<SourceState, "version"> {
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
    if (sameLayout && horizon === state.horizon && added.length === 0) return state;
    return { ...state, layout, horizon, truncates: [...state.truncates, ...added] };
  }

  return {
    state,
    edits(changes, truncates = []) {
      const batch = editsOf(readAs === null ? changes : changes.map(readAs));
      return {
        batch:
          truncates.length === 0
            ? batch
            : { ...batch, truncates: [...batch.truncates, ...truncates] },
        rowKeys: batch.rows.map(({ key }) => entityLogs.rowKey(key)),
        tables: withTables(state.tables, changes),
      };
    },
    async writes({ batch, rowKeys, tables }, rowCells) {
      const writes: CellWrite[] = [];
      const moved = stateAfter(batch.truncates);
      const { horizon } = moved;
      const entityLogEdits = new EntityLogEdits();
      const lacking = new LackingRowsChange();
      batch.rows.forEach((edit, i) => {
        const cell = rowCells[i] ?? null;
        writes.push(...rowWrites(batch, edit, rowKeys[i]!, cell, horizon, entityLogEdits, lacking));
      });
      const lackingRows = lacking.appliedTo(moved.lackingRows);
      if (moved !== state || lackingRows !== state.lackingRows || tables !== state.tables)
        writes.push({
          key: stateKey,
          value: encodeSourceState({ ...moved, lackingRows, tables }),
          expected: state.version,
          expires: null,
        });
      const inEntityLogs = await entityLogWrites(
        store,
        layout,
        entityLogEdits.list(),
        horizon,
        retention,
        partialsOf,
      );
      if (inEntityLogs === null) return null;
      writes.push(...inEntityLogs);
      return writes;
    },
  };
}

/**
 * Raises the commit times of the changes after this one to its own, as if it had come first. A
 * commit time falls in the log where a clock was set back.
 */
function withLaterCommitTimes(
  stored: readonly RowChange[],
  change: RowChange,
): readonly RowChange[] {
  const isEarlier = (one: RowChange): boolean =>
    one.loggedCommitTime < change.loggedCommitTime &&
    compareChanges(one, change) > 0 &&
    generationOf(one.order) === generationOf(change.order);
  return stored.some(isEarlier)
    ? stored.map((one) =>
        isEarlier(one) ? { ...one, loggedCommitTime: change.loggedCommitTime } : one,
      )
    : stored;
}

/** Refuses a lower log order with a later commit time (law 5: the source was restored). */
function refuseRestored(
  { name }: SourceSpec,
  stored: readonly RowChange[],
  change: RowChange,
  origin: Change | undefined,
): void {
  // An undecodable change has an inherited order, which says nothing of its place in the log.
  const newest = stored.findLast(
    ({ undecodable, orderInherited }) => undecodable === null || !orderInherited,
  );
  if (
    newest === undefined ||
    origin?.order == null ||
    change.order >= newest.order ||
    change.loggedCommitTime <= newest.loggedCommitTime
  )
    return;
  throw new TidemarkError(
    "SOURCE_LSN_WENT_BACK",
    `source "${name}": ${origin.topic}:${origin.partition} offset ${origin.offset} has LSN ` +
      `${change.order}, committed after LSN ${newest.order} of the same row: ` +
      "the database was set back to an earlier state. " +
      "Take a new snapshot of it into a new topic, " +
      `then run tidemark resnapshot ${name}, or call store.resnapshot("${name}", …)`,
  );
}
