/** Changes of one source into the online store: row images, lanes and the position, in one compare-and-set step. */
import { keyText } from "../columns/key-bytes.ts";
import { TidemarkError } from "../errors.ts";
import type { Value } from "../model.ts";
import type { CellWrite, Change, OnlineStore, PositionStep } from "../spi.ts";
import { chunksTouched, editLane, type LaneEdit } from "./lane-edit.ts";
import { laneEntries, quarantineIn, removal, type LaneEntry } from "./lane-entries.ts";
import { onlineLanes, type OnlineLane, type OnlineLanes } from "./online-lanes.ts";
import { withChange } from "./row-cells.ts";
import { placeOf, rowChangesOf, type RowChange } from "./row-change.ts";
import { deriveVersions, type Truncate } from "./row-versions.ts";
import { decodeSourceState, encodeSourceState, horizonAt, readSourceState, sourceStateKey, widened, type SourceState } from "./source-state.ts";
import { listSource } from "./source-list.ts";
import type { SourceLayout } from "./source-layout.ts";
import { readCounters, encodeCounters, countersKey, type Counters } from "./source-counters.ts";

/** How long things are kept, in µs. */
export interface Retention {
  /** Every t from clock − retain on is answered (law 1); Infinity: nothing is let go. */
  readonly retain: number;
  /** How long the log may deliver a change again: deleted rows are remembered for that long (law 5). */
  readonly log: number;
}

export interface OnlineSinkOptions {
  readonly store: OnlineStore;
  readonly namespace: string;
  readonly layout: SourceLayout;
  /** Now, µs. */
  readonly clock: () => number;
  readonly retention: Retention;
}

export interface OnlineSink {
  /** All of it with the positions, or an error and none of it. */
  apply(changes: readonly Change[], positions: readonly PositionStep[]): Promise<void>;
}

/** Another writer may change the same cells between our reading and our writing; after so many times something else is wrong. */
const ATTEMPTS = 50;

export async function onlineSink(options: OnlineSinkOptions): Promise<OnlineSink> {
  const { store, namespace, layout: asked } = options;
  const { source } = asked;
  const rowChanges = rowChangesOf(source);
  // what the store holds decides, not what is asked: a wider view waits until it is rebuilt
  const initial = await readSourceState(store, namespace, asked);
  let layout = widened(initial, asked);
  let lanes = onlineLanes(namespace, layout);
  let known = initial.version;
  const stateKey = sourceStateKey(namespace, source.name);
  const keyColumns = source.primaryKey.map((name) => source.columns.find((column) => column.name === name)!);

  return {
    async apply(changes, positions) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const cells = await prepare(changes);
        if (cells !== null && (await store.write({ source: source.name, cells, positions })) === "done") return;
        await refuseFenced(store, source.name, positions);
      }
      throw new TidemarkError("ONLINE_STORE_CONTENDED", `${store.name}: ${ATTEMPTS} attempts to write source "${source.name}" met other writers; run fewer runners over one store`);
    },
  };

  /** The cells to write, from what the store holds now; null where that changed while it was read. */
  async function prepare(changes: readonly Change[]): Promise<CellWrite[] | null> {
    const edits = new Map<string, RowEdit>();
    const origins = new Map<string, Change>();
    const newTruncates: Truncate[] = [];
    for (const change of changes) {
      if (change.kind === "truncate") newTruncates.push({ place: placeOf(change), offset: change.offset, committed: change.committed ?? 0 });
      for (const keyed of rowChanges(change)) {
        const text = keyText(keyColumns, keyed.key);
        let edit = edits.get(text);
        if (edit === undefined) edits.set(text, (edit = { key: keyed.key, cellKey: lanes.rowKey(keyed.key), changes: [] }));
        edit.changes.push(keyed.change);
        origins.set(`${keyed.change.place} ${keyed.change.offset}`, change);
      }
    }

    const list = [...edits.values()];
    const partitions = [...new Set(changes.map((change) => `${change.topic}:${change.partition}`))];
    const [stateCell, ...read] = await store.read([stateKey, ...list.map((edit) => edit.cellKey), ...partitions.map((partition) => countersKey(namespace, source.name, partition))]);
    const state = stateCell == null ? { layout: asked, horizon: -Infinity, truncates: [], version: null } : decodeSourceState(store, asked, stateCell);
    // another runner may have made or widened the state since: its cells are written as it says
    if (state.version !== known) {
      layout = widened(state, asked);
      lanes = onlineLanes(namespace, layout);
      known = state.version;
    }
    const writes: CellWrite[] = [];
    const moved = stateAfter(state, newTruncates);
    if (moved !== null) writes.push({ key: stateKey, value: encodeSourceState(moved), expected: state.version, expires: null });
    if (state.version === null) writes.push(await listSource(store, namespace, source.name));
    const { horizon } = moved ?? state;

    const laneEdits = new Map<string, { readonly lane: OnlineLane; readonly key: readonly Value[]; readonly edits: LaneEdit[] }>();
    const editsOf = (entry: LaneEntry): LaneEdit[] => {
      const id = `${entry.lane.lane.name} ${keyText(entry.lane.lane.keyColumns, entry.key)}`;
      let found = laneEdits.get(id);
      if (found === undefined) laneEdits.set(id, (found = { lane: entry.lane, key: entry.key, edits: [] }));
      return found.edits;
    };
    const originOf = (change: { readonly place: bigint; readonly offset: number }) => origins.get(`${change.place} ${change.offset}`);

    list.forEach((edit, i) => {
      const cell = read[i] ?? null;
      const before = cell === null ? [] : lanes.codec.decode(cell.value);
      let after: readonly RowChange[] = before;
      for (const change of edit.changes) {
        refuseRestored(source.name, after, change, originOf(change));
        after = withChange(after, change, layout.time < 0);
      }
      if (after === before) return;
      writes.push({ key: edit.cellKey, value: lanes.codec.encode(after, edit.key), expected: cell?.version ?? null, expires: expiryOfRow(after) });
      const old = laneEntries(lanes, edit.key, before, originOf);
      const now = laneEntries(lanes, edit.key, after, originOf);
      const kept = new Set(now.map((entry) => entry.id));
      const had = new Set(old.map((entry) => entry.id));
      for (const entry of old) if (!kept.has(entry.id)) editsOf(entry).push(removal(lanes, entry));
      for (const entry of now) {
        if (had.has(entry.id) || (entry.row[entry.lane.format.time] as number) < keepFrom(entry.lane, horizon)) continue;
        editsOf(entry).push({ put: entry.row, remove: null });
      }
    });

    const lanesWritten = await laneWrites([...laneEdits.values()], horizon);
    if (lanesWritten === null) return null;
    writes.push(...lanesWritten);
    partitions.forEach((partition, p) => {
      const cell = read[list.length + p] ?? null;
      const counters = counted(readCounters(cell), changes.filter((change) => `${change.topic}:${change.partition}` === partition), lanes, rowChanges);
      if (counters !== null) writes.push({ key: countersKey(namespace, source.name, partition), value: encodeCounters(counters), expected: cell?.version ?? null, expires: null });
    });
    return writes;
  }

  /** null: as it was. The horizon moves with the clock, in steps, so that not every batch writes it. */
  function stateAfter(state: SourceState, truncates: readonly Truncate[]): Omit<SourceState, "version"> | null {
    const horizon = horizonAt(state.horizon, options.clock(), options.retention.retain);
    const added = truncates.filter((truncate) => !state.truncates.some((known) => known.place === truncate.place));
    const sameLayout = state.version !== null && state.layout.longest === layout.longest && state.layout.lanes.every((lane, i) => lane.keepsAll === layout.lanes[i]!.keepsAll);
    if (sameLayout && horizon === state.horizon && added.length === 0) return null;
    return { layout, horizon, truncates: [...state.truncates, ...added] };
  }

  function keepFrom(lane: OnlineLane, horizon: number): number {
    return lane.lane.keepsAll || layout.time < 0 ? -Infinity : horizon - layout.longest;
  }

  /** A row is remembered while it can be in a window, and while the log can still bring an older change of it: the clock is past what the horizon is past. */
  function expiryOfRow(changes: readonly RowChange[]): number | null {
    const { retain, log } = options.retention;
    if (!Number.isFinite(retain) || !Number.isFinite(log) || layout.time < 0) return null;
    const { values } = changes.at(-1)!;
    const forgotten = options.clock() + log;
    if (values === null) return forgotten;
    const time = values[layout.time];
    return layout.lanes.some((lane) => lane.keepsAll) || typeof time !== "number" ? null : Math.max(forgotten, time + layout.longest);
  }

  /** A cell of a lane is needed while the horizon lies no further behind its newest row than the longest window. */
  function expiryOfRows(lane: OnlineLane, newest: number): number | null {
    return lane.lane.keepsAll || layout.time < 0 || !Number.isFinite(options.retention.retain) || newest === -Infinity ? null : newest + layout.longest;
  }

  async function laneWrites(all: readonly { readonly lane: OnlineLane; readonly key: readonly Value[]; readonly edits: readonly LaneEdit[] }[], horizon: number): Promise<CellWrite[] | null> {
    const headKeys = all.map(({ lane, key }) => lane.head(key));
    const heads = await store.read(headKeys);
    const needed = all.flatMap(({ lane, key, edits }, i) => chunksTouched(lane.format, heads[i]?.value ?? null, edits, keepFrom(lane, horizon)).map((id) => ({ i, id, key: lane.chunk(key, id) })));
    const chunks = needed.length === 0 ? [] : await store.read(needed.map(({ key }) => key));
    // another writer rewrote a chunk between our two reads
    if (chunks.includes(null)) return null;
    const found = new Map(needed.map(({ i, id }, n) => [`${i} ${id}`, chunks[n]!.value]));
    return all.flatMap(({ lane, key, edits }, i): CellWrite[] => {
      const contents = { head: heads[i]?.value ?? null, chunk: (id: number) => found.get(`${i} ${id}`)! };
      const result = editLane(lane.format, contents, edits, keepFrom(lane, horizon));
      return [
        { key: headKeys[i]!, value: result.head, expected: heads[i]?.version ?? null, expires: expiryOfRows(lane, result.newest) },
        // the head's version guards its chunks; one of this number may be left of a head that was swept
        ...result.written.map(({ id, bytes, last }) => ({ key: lane.chunk(key, id), value: bytes, expected: undefined, expires: expiryOfRows(lane, last) })),
        ...result.removed.map((id) => ({ key: lane.chunk(key, id), value: null, expected: undefined, expires: null })),
      ];
    });
  }
}

interface RowEdit {
  readonly key: readonly Value[];
  readonly cellKey: Uint8Array;
  readonly changes: RowChange[];
}

/** Law 5: a lower LSN that was committed later is of a database that was set back. */
function refuseRestored(source: string, stored: readonly RowChange[], change: RowChange, origin: Change | undefined): void {
  const newest = stored.at(-1);
  if (newest === undefined || origin?.lsn == null || change.place >= newest.place || change.logged <= newest.logged) return;
  throw new TidemarkError("SOURCE_LSN_WENT_BACK", `source "${source}": ${origin.topic}:${origin.partition} offset ${origin.offset} has LSN ${change.place}, committed after LSN ${newest.place} of the same row: the database was set back to an earlier state. Take a new snapshot of it into a new topic, and run that into empty stores`);
}

async function refuseFenced(store: OnlineStore, source: string, positions: readonly PositionStep[]): Promise<void> {
  const stored = new Map((await store.positions(source)).map((position) => [position.partition, position.offset]));
  for (const { partition, expected } of positions) {
    const now = stored.get(partition) ?? null;
    if (now === expected) continue;
    throw new TidemarkError("ONLINE_STORE_FENCED", `${store.name}: another runner moved ${partition} of source "${source}" from ${expected ?? "its beginning"} to ${now}: run one runner per partition, and start this one again to go on from there`);
  }
}

function counted(before: Counters, changes: readonly Change[], lanes: OnlineLanes, rowChanges: (change: Change) => readonly { readonly change: RowChange }[]): Counters | null {
  let { quarantinedChanges, nonFinite, unreadable } = before;
  for (const change of changes) {
    nonFinite += change.nonFinite;
    unreadable += change.unreadable.length;
    if (isQuarantined(change, lanes, rowChanges)) quarantinedChanges++;
  }
  if (quarantinedChanges === before.quarantinedChanges && nonFinite === before.nonFinite && unreadable === before.unreadable) return null;
  return { quarantinedChanges, nonFinite, unreadable };
}

/** By the message alone: whether a stored image fills its TOAST columns is a matter of the row. */
function isQuarantined(change: Change, lanes: OnlineLanes, rowChanges: (change: Change) => readonly { readonly change: RowChange }[]): boolean {
  if (change.kind === "none") return change.broken !== null;
  if (change.kind !== "upsert") return false;
  const row = { ...rowChanges(change).at(-1)!.change, unavailable: [] };
  const [version] = deriveVersions(lanes.layout.source, [row], []);
  return quarantineIn(lanes, version!) !== null;
}
