/**
 * Erases the rows of entities from one build of a source in the online store. Row cells, entity
 * logs and quarantine change in compare-and-set steps. A later call does what is left.
 */
import { decodeRows } from "../columns/batch-codec.ts";
import { keyText } from "../columns/key-bytes.ts";
import { TidemarkError } from "../errors.ts";
import type { SourceSpec, Value } from "../specs.ts";
import type { Cell, CellWrite, OnlineStore } from "../spi.ts";
import { decodeSegment, decodeTail, openTail, rowsFromBatch } from "../online/entity-log-cells.ts";
import type { EntityLogEntry } from "../online/entity-log-entries.ts";
import { EntityLogEdits, entityLogWrites } from "../online/entity-log-writes.ts";
import { entityLogsOf, type EntityLogs } from "../online/entity-logs.ts";
import { cellsBelow } from "../online/nodes/read-tree.ts";
import { expiryOfRow, type Retention } from "../online/retention.ts";
import { addRowEdits } from "../online/row-entry-edits.ts";
import { countersKey, withoutExamples } from "../online/source-counters.ts";
import { withoutToldMismatches } from "../online/told-mismatches.ts";
import type { SourceState } from "../online/source-state.ts";
import {
  compareChanges,
  primaryKeyColumns,
  primaryKeyIndexes,
  type RowChange,
} from "../rows/row-change.ts";
import type { Belonging, ErasedEntities } from "./entity-columns.ts";
import { survivingChanges } from "./surviving-changes.ts";

/** Cells that are read in one step of the scan. */
const SCAN_CELLS = 1_000;
/** Rows that are erased in one step of the store. */
const STEP_ROWS = 200;
const ATTEMPTS = 50;

export interface EraseOnlineOptions {
  readonly store: OnlineStore;
  readonly namespace: string;
  readonly clock: () => number;
  readonly retention: Retention;
  /** Only counts. */
  readonly dryRun: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What was erased of a build. */
export interface ErasedOnline {
  /** Rows that are gone, or that no longer have the entity's image. */
  readonly rows: number;
  /** Cells of the entities' own logs. */
  readonly cells: number;
}

type ScannedCell = Cell & { readonly key: Uint8Array };

export async function eraseOnlineBuild(
  state: SourceState,
  erased: ErasedEntities,
  belonging: Belonging,
  options: EraseOnlineOptions,
): Promise<ErasedOnline> {
  const { store, namespace, dryRun, signal } = options;
  const entityLogs = entityLogsOf(namespace, state);
  let rows = 0;
  for await (const cells of scanned(store, entityLogs.rowPrefix, signal)) {
    const affected = cells.filter(
      ({ value }) => changedRow(entityLogs, value, belonging, state) !== null,
    );
    rows += affected.length;
    if (!dryRun) await eraseRows(state, entityLogs, affected, belonging, options);
  }
  const cells = await eraseOwnLogs(entityLogs, erased, belonging, options);
  if (!dryRun) await eraseStrayRows(state, entityLogs, erased, belonging, options);
  return { rows, cells };
}

async function* scanned(
  store: OnlineStore,
  prefix: Uint8Array,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly ScannedCell[]> {
  let cursor: Uint8Array | null = null;
  do {
    signal?.throwIfAborted();
    const step = await store.scan({ prefix, limit: SCAN_CELLS, cursor });
    yield step.cells;
    cursor = step.cursor;
  } while (cursor !== null);
}

interface ChangedRow {
  readonly key: readonly Value[];
  readonly before: readonly RowChange[];
  /** Empty: nothing of the row stays. */
  readonly after: readonly RowChange[];
}

/** The row of a cell without the entity's images; null: it has none. */
function changedRow(
  { codec, layout }: EntityLogs,
  value: Uint8Array,
  { belongs, isOwnKey }: Belonging,
  { truncates }: SourceState,
): ChangedRow | null {
  const stored = rowsFromBatch(decodeRows(codec.columns, value));
  const before = stored.map(codec.fromRow);
  const key = codec.keyOf(stored[0]!);
  if (isOwnKey(key, Math.max(...before.map((change) => change.loggedCommitTime))))
    return { key, before, after: [] };
  const { isWhollyErased, survivals } = survivingChanges(before, truncates, belongs);
  if (!survivals.some(({ kind }) => kind === "delete" || kind === "filled")) return null;
  const next = before.map((change, i): RowChange => {
    const survival = survivals[i]!;
    if (survival.kind === "delete") return asDeleted(change);
    if (survival.kind !== "filled") return change;
    const { values, filled } = survival;
    const unavailable = change.unavailable.filter((index) => !filled.includes(index));
    return { ...change, values, unavailable };
  });
  const newest = next.reduce((a, b) => (compareChanges(a, b) < 0 ? b : a));
  // A dimension keeps every change. Another row keeps its newest image.
  const after =
    isWhollyErased || (layout.timeIndex >= 0 && newest.values === null)
      ? [asDeleted(newest)]
      : layout.timeIndex >= 0
        ? next.filter((change) => change.values !== null)
        : next;
  return { key, before, after };
}

/**
 * The change as a delete at its place, which keeps older changes of the row away. A snapshot row
 * may hold from before it was read, and a delete does not.
 */
function asDeleted(change: RowChange): RowChange {
  const committed = Math.max(change.committed, change.loggedCommitTime);
  const empty = { unavailable: [], undecodable: null, invalidColumns: [] };
  return { ...change, ...empty, committed, values: null };
}

/** A change of a dimension keeps its place when it becomes a delete, so its content counts too. */
const idOf = ({ id, row }: EntityLogEntry): string => `${id} ${row.map(String).join("\0")}`;

async function eraseRows(
  state: SourceState,
  entityLogs: EntityLogs,
  cells: readonly ScannedCell[],
  belonging: Belonging,
  options: EraseOnlineOptions,
): Promise<void> {
  const { store, clock, retention } = options;
  const { layout, horizon } = state;
  for (let from = 0; from < cells.length; from += STEP_ROWS) {
    const keys = cells.slice(from, from + STEP_ROWS).map(({ key }) => key);
    await writeStep(layout.source.name, options, async () => {
      const edits = new EntityLogEdits();
      const writes: CellWrite[] = [];
      for (const [i, cell] of (await store.read(keys)).entries()) {
        const row = cell === null ? null : changedRow(entityLogs, cell.value, belonging, state);
        if (row === null) continue;
        addRowEdits(edits, entityLogs, { ...row, originOf: () => undefined, horizon, idOf });
        const isGone = row.after.length === 0;
        writes.push({
          key: keys[i]!,
          value: isGone ? null : entityLogs.codec.encode(row.after, row.key),
          expected: cell!.version,
          expires: isGone ? null : expiryOfRow(layout, row.after, retention, clock()),
        });
      }
      const inLogs = await entityLogWrites(store, layout, edits.list(), horizon, retention);
      return inLogs === null ? null : [...writes, ...inLogs];
    });
  }
}

/** Removes what is left of the entities' own logs. Returns the number of their cells. */
async function eraseOwnLogs(
  { logs, layout }: EntityLogs,
  { keys }: ErasedEntities,
  { columns }: Belonging,
  options: EraseOnlineOptions,
): Promise<number> {
  let count = 0;
  const own = logs.filter(({ layout: { keyColumns } }) =>
    keyColumns.every(({ name }) => columns.includes(name)),
  );
  for (const [log, key] of own.flatMap((one) =>
    [...keys.values()].map((key) => [one, key] as const),
  )) {
    const tailKey = log.tail(key);
    const cellsOf = async (): Promise<CellWrite[]> => {
      const [tail] = await options.store.read([tailKey]);
      if (tail == null) return [];
      const below = await cellsBelow(options.store, log, key, openTail(tail.value));
      return [
        { key: tailKey, value: null, expected: tail.version, expires: null },
        ...below.map((cell) => ({ key: cell, value: null, expected: undefined, expires: null })),
      ];
    };
    if (options.dryRun) count += (await cellsOf()).length;
    else count += await writeStep(layout.source.name, options, cellsOf);
  }
  return count;
}

/**
 * Removes rows of the entity from the logs of other entities whose own cells have expired. Such a
 * row waits in a cell that also holds newer rows.
 */
async function eraseStrayRows(
  state: SourceState,
  { logs, layout, rowKey }: EntityLogs,
  { keys }: ErasedEntities,
  { belongs }: Belonging,
  options: EraseOnlineOptions,
): Promise<void> {
  // a dimension's cells expire never, and its logs hold changes
  if (layout.timeIndex < 0 || state.horizon === -Infinity) return;
  const { store, retention, signal } = options;
  const indexes = primaryKeyIndexes(layout.source);
  const primaryKeyOf = (values: readonly Value[]): readonly Value[] =>
    indexes.map((index) => values[index]!);
  const columns = primaryKeyColumns(layout.source);
  const idOfRow = (values: readonly Value[]): string => keyText(columns, primaryKeyOf(values));
  for (const log of logs) {
    for (const [prefix, rowsOf] of [
      [log.prefixes.tails, (value: Uint8Array) => decodeTail(log.format, value).rows],
      [log.prefixes.segments, (value: Uint8Array) => decodeSegment(log.format, value)],
    ] as const) {
      for await (const cells of scanned(store, prefix, signal)) {
        const edits = new EntityLogEdits();
        for (const { value } of cells) {
          for (const row of rowsFromBatch(rowsOf(value))) {
            const values = valuesOf(layout, row);
            if (!belongs(values, -Infinity)) continue;
            const id = idOfRow(values);
            // a row that still has a cell was decided there, where its commit time is known
            if (keys.size === 0) {
              const [cell] = await store.read([rowKey(primaryKeyOf(values))]);
              if (cell != null) continue;
            }
            const entityKey = log.layout.keyIndexes.map((index) => values[index]!);
            const entry = { entityLog: log, key: entityKey, row, id: "" };
            edits.add(entry, {
              put: null,
              remove: {
                time: row[log.format.timeIndex] as number,
                matches: (other) => idOfRow(valuesOf(layout, other)) === id,
              },
            });
          }
        }
        if (edits.list().length > 0)
          await writeStep(layout.source.name, options, () =>
            entityLogWrites(store, layout, edits.list(), state.horizon, retention),
          );
      }
    }
  }
}

/** The values of a row of an event log, by the source's columns. */
function valuesOf(
  { source, storedIndexes }: SourceState["layout"],
  row: readonly Value[],
): readonly Value[] {
  const values = new Array<Value>(source.columns.length).fill(null);
  storedIndexes.forEach((index, c) => {
    values[index] = row[c]!;
  });
  return values;
}

/** Removes the examples in the counters and mismatches of a source. They quote values of rows. */
export async function eraseExamples(
  source: SourceSpec,
  options: Pick<EraseOnlineOptions, "store" | "namespace" | "signal">,
): Promise<void> {
  const { store, namespace } = options;
  const positions = await store.positions(source.name);
  const partitions = new Set(positions.map(({ partition }) => partition));
  const keys = [...partitions].map((one) => countersKey(namespace, source.name, one));
  await writeStep(source.name, options, async () => {
    const cells = await store.read(keys);
    return [
      ...keys.flatMap((key, i) => withoutExamples(key, cells[i] ?? null) ?? []),
      ...(await withoutToldMismatches(store, namespace, source.name)),
    ];
  });
}

/** Writes the cells that `cellsOf` computes, until no other writer was first. */
async function writeStep(
  source: string,
  { store, signal }: Pick<EraseOnlineOptions, "store" | "signal">,
  cellsOf: () => Promise<readonly CellWrite[] | null>,
): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    signal?.throwIfAborted();
    const cells = await cellsOf();
    if (cells?.length === 0) return 0;
    if (cells !== null && (await store.write({ source, cells, positions: [] })) === "done")
      return cells.length;
  }
  throw new TidemarkError(
    "ONLINE_STORE_CONTENDED",
    `${store.name}: ${ATTEMPTS} attempts to erase rows of "${source}" met other writers; ` +
      "call erase again",
    { retryable: true },
  );
}
