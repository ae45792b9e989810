/** The rows of entities as the online store holds them, ready for the kernels. */
import { keyColumnsOf } from "../rows/row-change.ts";
import { keyText } from "../columns/key-bytes.ts";
import { batchOf, joinBatches, valueAt, type Batch } from "../columns/batch.ts";
import { readRows } from "../columns/batch-codec.ts";
import type { ByteReader } from "../columns/bytes.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import type { Cell, OnlineStore } from "../spi.ts";
import type { TimedRows } from "../window/timed-rows.ts";
import { decodeChunk, openHead, rowsOf, type LaneRow } from "./entity-log-cells.ts";
import type { OnlineLane, OnlineLanes } from "./entity-logs.ts";
import { quarantineIn } from "./entity-log-entries.ts";
import type { RowChange } from "../rows/row-change.ts";
import { deriveVersions, type Truncate } from "../rows/row-versions.ts";
import type { SourceState } from "./source-state.ts";

/** How often a reader starts over because a writer rewrote chunks under it. */
const ATTEMPTS = 20;

export interface LaneRequest {
  readonly lanes: OnlineLanes;
  readonly lane: OnlineLane;
  readonly key: readonly Value[];
  /** Of the head's cell. */
  readonly headKey: Uint8Array;
  /** The version of the head that the caller needs no more of; null: none. */
  readonly known: number | null;
  /** Rows before this time are not needed, µs. */
  readonly notBefore: number;
  /** Indexes of the lane's columns to decode; all without it. */
  readonly wanted?: readonly number[] | undefined;
  /**
   * Decodes the rows of a head that is all there is of an entity (`rowDecoder`); without it each is
   * decoded into arrays of its own.
   */
  readonly decode?: ((reader: ByteReader) => Batch) | undefined;
}

/** "same": the cell has the version that the caller knows. */
export type ReadCell = Cell | "same" | null;

export interface LaneCells {
  /** Of the head. */
  readonly version: number;
  /** The newest rows, decoded when they are asked for. */
  readonly head: () => Batch;
  /** The rows before them, oldest first. */
  readonly chunks: readonly Batch[];
}

/** What is asked beside the lanes, in the same snapshot. */
export interface BesideLanes {
  readonly keys: readonly Uint8Array[];
  readonly known: readonly (number | null)[];
  /** Sees the cells before the chunks are read, and may throw. */
  accept(cells: readonly ReadCell[]): void;
}

const NOTHING_BESIDE: BesideLanes = { keys: [], known: [], accept: () => undefined };

/**
 * The rows of lanes from one snapshot; null where there are none, "same" where the head is of the
 * version that the request knows.
 */
export async function readLanes(
  store: OnlineStore,
  requests: readonly LaneRequest[],
  beside: BesideLanes = NOTHING_BESIDE,
): Promise<readonly (LaneCells | "same" | null)[]> {
  const others = beside.keys.length;
  const keys = [...beside.keys];
  const known = [...beside.known];
  for (const request of requests) {
    keys.push(request.headKey);
    known.push(request.known);
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const read: readonly ReadCell[] =
      store.readChanged === undefined
        ? (await store.read(keys)).map((cell, i) => (cell?.version === known[i] ? "same" : cell))
        : await store.readChanged(keys, known);
    beside.accept(read);
    const heads = requests.map((_, i) => {
      const cell = read[others + i] ?? null;
      return cell === null || cell === "same"
        ? cell
        : { ...openHead(cell.value), version: cell.version };
    });
    const needed: { readonly i: number; readonly key: Uint8Array }[] = [];
    heads.forEach((head, i) => {
      if (head === null || head === "same" || head.chunks.length === 0) return;
      const { lane, key, notBefore } = requests[i]!;
      for (const { id, last } of head.chunks)
        if (last >= notBefore) needed.push({ i, key: lane.chunk(key, id) });
    });
    const cells = needed.length === 0 ? [] : await store.read(needed.map(({ key }) => key));
    // a chunk that is gone was rewritten after the head was read
    if (cells.includes(null)) continue;
    const chunks = new Map<number, Batch[]>();
    needed.forEach(({ i }, n) => {
      const chunk = decodeChunk(requests[i]!.lane.format, cells[n]!.value, requests[i]!.wanted);
      const list = chunks.get(i);
      if (list === undefined) chunks.set(i, [chunk]);
      else list.push(chunk);
    });
    return heads.map((head, i) =>
      head === null || head === "same"
        ? head
        : laneCells(requests[i]!, head.version, head.reader, chunks.get(i) ?? NO_CHUNKS),
    );
  }
  throw new TidemarkError(
    "STATE_DAMAGED",
    `${store.name}: the chunks that a head names were missing ${ATTEMPTS} times: empty the ` +
      "online store and run the log again",
  );
}

const NO_CHUNKS: readonly Batch[] = [];

function laneCells(
  { lane, wanted, decode }: LaneRequest,
  version: number,
  reader: ByteReader,
  chunks: readonly Batch[],
): LaneCells {
  const { at } = reader;
  return {
    version,
    head() {
      reader.at = at;
      // what is joined must be as long as it says
      return decode !== undefined && chunks.length === 0
        ? decode(reader)
        : readRows(lane.format.columns, reader, wanted);
    },
    chunks,
  };
}

/** By the columns of a lane. */
const nothing = new WeakMap<readonly ColumnSpec[], TimedRows>();

function noRows(columns: readonly ColumnSpec[]): TimedRows {
  let rows = nothing.get(columns);
  if (rows === undefined)
    nothing.set(
      columns,
      (rows = { time: new Float64Array(0), from: null, to: null, columns: batchOf(columns, []) }),
    );
  return rows;
}

/**
 * The columns that a plan needs of a lane's rows; undefined: all, because versions are derived from
 * all.
 */
export function wantedColumns(
  lanes: OnlineLanes,
  lane: OnlineLane,
  columns: readonly ColumnSpec[],
  state: SourceState,
): readonly number[] | undefined {
  if (lanes.layout.time < 0) return undefined;
  const names = new Set(columns.map((column) => column.name));
  const places = state.truncates.length > 0;
  return lane.format.columns.flatMap((column, c) =>
    c === lane.format.time || (c >= lanes.placeColumn ? places : names.has(column.name)) ? [c] : [],
  );
}

/** Rows in the order of time; what a truncate has taken away is seen at no time. */
export function timedRows(
  lanes: OnlineLanes,
  lane: OnlineLane,
  key: readonly Value[],
  cells: LaneCells | null,
  state: SourceState,
): TimedRows {
  if (cells === null) return noRows(lane.format.columns);
  return lanes.layout.time < 0
    ? dimensionRows(lanes, lane, key, cells, state.truncates)
    : eventRows(lanes, lane, cells, state.truncates);
}

function eventRows(
  lanes: OnlineLanes,
  lane: OnlineLane,
  { head, chunks }: LaneCells,
  truncates: readonly Truncate[],
): TimedRows {
  const newest = head();
  const columns = chunks.length === 0 ? newest : joinBatches(newest.columns, [...chunks, newest]);
  const time = columns.vectors[columns.columns.indexOf(lane.format.columns[lane.format.time]!)]!;
  if (time.is !== "float64") throw new TypeError("times are float64 vectors");
  if (truncates.length === 0) return { time: time.values, from: null, to: null, columns };
  const [places, told] = [0, 1].map(
    (next) =>
      columns.vectors[columns.columns.indexOf(lane.format.columns[lanes.placeColumn + next]!)]!,
  );
  const from = new Float64Array(columns.length).fill(-Infinity);
  const to = Float64Array.from({ length: columns.length }, (_, i) => {
    const place = valueAt(places!, i) as bigint;
    const oldest = valueAt(told!, i) as bigint | null;
    return truncates.some(
      (truncate) => place < truncate.place || (oldest !== null && oldest < truncate.place),
    )
      ? -Infinity
      : Infinity;
  });
  return { time: time.values, from, to, columns };
}

/** The versions of every row that ever belonged to the entity, those while it did. */
function dimensionRows(
  lanes: OnlineLanes,
  lane: OnlineLane,
  key: readonly Value[],
  { head, chunks }: LaneCells,
  truncates: readonly Truncate[],
): TimedRows {
  const { source, held, heldIndexes } = lanes.layout;
  const keyColumns = keyColumnsOf(source);
  const changes = new Map<string, RowChange[]>();
  for (const row of [...chunks, head()].flatMap(rowsOf)) {
    const text = keyText(keyColumns, lanes.codec.keyOf(row));
    changes.set(text, [...(changes.get(text) ?? []), lanes.codec.fromRow(row)]);
  }
  const wanted = keyText(lane.lane.keyColumns, key);
  const versions = [...changes.values()]
    .flatMap((list) => deriveVersions(source, list, truncates))
    .filter(
      (version) =>
        version.values !== null &&
        quarantineIn(lanes, version)?.whole !== true &&
        keyText(
          lane.lane.keyColumns,
          lane.lane.keyIndexes.map((index) => version.values![index]!),
        ) === wanted,
    )
    .sort((a, b) => a.from - b.from);
  const rows: LaneRow[] = versions.map((version) =>
    heldIndexes.map((index) => version.values![index]!),
  );
  return {
    time: Float64Array.from(versions, (version) => version.from),
    from: Float64Array.from(versions, (version) => version.from),
    to: Float64Array.from(versions, (version) => version.to),
    columns: batchOf(held, rows),
  };
}
