/**
 * Puts row versions in their order: by time bucket, by entity, and by event time within each
 * entity. Rows of one entity then lie side by side, so reading them in this order is fast and their
 * columns are small. No answer depends on it.
 */
import type { Batch, Vector } from "../columns/batch.ts";
import { gatherRows } from "../columns/gather-rows.ts";
import { keyNumbers } from "../columns/key-numbers.ts";
import { orderByTime } from "../engine/time-order.ts";
import { columnIndex } from "../rows/row-change.ts";
import type { SourceSpec } from "../specs.ts";
import { numbersOf } from "./events-builder.ts";
import type { HistoryTables } from "./history-tables.ts";
import { lowerBound } from "../window/window-law.ts";
import { bucketIndex, type TimeBucket } from "./versions-layout.ts";

/** The number of rows in a batch. */
const BATCH_ROWS = 65_536;

/** What decides the order of versions. */
export interface VersionsOrder {
  readonly source: SourceSpec;
  readonly tables: HistoryTables;
  /** The names of the columns that hold the keys of an entity. */
  readonly clusterBy: readonly string[];
}

/** Versions of one time bucket. */
export interface BucketRows {
  /** The index of the time bucket. */
  readonly bucket: number;
  readonly rows: number;
  /** The latest event time, µs; −Infinity: no row has one. */
  readonly latest: number;
  /** Batches of bounded size. Their `_bucket` is `id`. */
  batches(id: number): Iterable<Batch>;
}

/** The column of the versions table with the event time of a version. */
export function timeColumn({ source, tables }: Omit<VersionsOrder, "clusterBy">): string {
  const { eventTime } = source;
  return eventTime.kind === "column"
    ? tables.declared[columnIndex(source, eventTime.column)]!.name
    : "_known_from";
}

/** Sorts versions, and splits them by time bucket. The batches have all columns of the table. */
export function sortedVersions(
  batches: readonly Batch[],
  order: VersionsOrder,
  buckets: readonly Pick<TimeBucket, "from">[],
): readonly BucketRows[] {
  const parts = batches.filter(({ length }) => length > 0);
  const total = parts.reduce((sum, { length }) => sum + length, 0);
  if (total === 0) return [];
  const times = timesOf(parts, order, total);
  const { entities, count } = entitiesOf(parts, order, total);
  const bucketOf = Int32Array.from(times, (time) => bucketIndex(buckets, time));
  return rowsByGroup(bucketOf, buckets.length).flatMap((rows, bucket): BucketRows[] => {
    if (rows.length === 0) return [];
    const sorted = sortedRows(rows, entities, count, times);
    let latest = -Infinity;
    for (const row of rows) if (times[row]! > latest) latest = times[row]!;
    return [
      { bucket, rows: rows.length, latest, batches: (id) => gatheredBatches(parts, sorted, id) },
    ];
  });
}

/** The event time of each row; NaN: it has none. */
function timesOf(
  parts: readonly Batch[],
  order: Omit<VersionsOrder, "clusterBy">,
  total: number,
): Float64Array {
  const name = timeColumn(order);
  const times = new Float64Array(total);
  let at = 0;
  for (const batch of parts) {
    times.set(numbersOf(named(batch, name), batch.length, NaN).subarray(0, batch.length), at);
    at += batch.length;
  }
  return times;
}

/** The number of each row's entity: entities ascend with the text of their key. */
function entitiesOf(
  parts: readonly Batch[],
  { source, tables, clusterBy }: VersionsOrder,
  total: number,
): { readonly entities: Int32Array; readonly count: number } {
  const keys = clusterBy.map((name) => source.columns.findIndex((column) => column.name === name));
  // versions of an older definition may lack a column
  if (keys.length === 0 || keys.includes(-1)) return { entities: new Int32Array(total), count: 1 };
  const keyColumns = keys.map((index) => source.columns[index]!);
  const numbers = new Map<string, number>();
  const numberOf = (text: string): number => {
    let number = numbers.get(text);
    if (number === undefined) numbers.set(text, (number = numbers.size));
    return number;
  };
  const entities = new Int32Array(total);
  let at = 0;
  for (const batch of parts) {
    const vectors = keys.map((index) => named(batch, tables.declared[index]!.name));
    const entityOf = keyNumbers(keyColumns, vectors, numberOf);
    for (let i = 0; i < batch.length; i++) entities[at++] = entityOf(i);
  }
  const places = placesOf([...numbers.keys()]);
  for (let i = 0; i < total; i++)
    entities[i] = entities[i]! < 0 ? places.length : places[entities[i]!]!;
  return { entities, count: places.length + 1 };
}

/** The place of each text in their order. */
function placesOf(texts: readonly string[]): Int32Array {
  const order = Int32Array.from(texts.keys());
  order.sort((a, b) => (texts[a]! < texts[b]! ? -1 : 1));
  const places = new Int32Array(texts.length);
  for (let place = 0; place < order.length; place++) places[order[place]!] = place;
  return places;
}

/** The rows of each group, in their order. */
function rowsByGroup(groups: Int32Array, count: number): readonly Int32Array[] {
  const sizes = new Int32Array(count);
  for (const group of groups) sizes[group]!++;
  const rows = Array.from(sizes, (size) => new Int32Array(size));
  sizes.fill(0);
  for (let row = 0; row < groups.length; row++) {
    const group = groups[row]!;
    rows[group]![sizes[group]!++] = row;
  }
  return rows;
}

/** Sorts rows by entity and time. Rows without a time come first within their entity. */
function sortedRows(
  rows: Int32Array,
  entities: Int32Array,
  count: number,
  times: Float64Array,
): Int32Array {
  const starts = new Int32Array(count + 1);
  for (const row of rows) starts[entities[row]! + 1]!++;
  for (let e = 0; e < count; e++) starts[e + 1]! += starts[e]!;
  const next = starts.slice();
  const sorted = new Int32Array(rows.length);
  for (const row of rows) sorted[next[entities[row]!]!++] = row;
  const sortedTimes = Float64Array.from(sorted, (row) => {
    const time = times[row]!;
    return Number.isNaN(time) ? -Infinity : time;
  });
  const order = orderByTime(starts, sortedTimes);
  return order === null ? sorted : order.map((place) => sorted[place]!);
}

/** Batches of the rows with these numbers, counted over all parts, in one bucket. */
function* gatheredBatches(
  parts: readonly Batch[],
  rows: Int32Array,
  bucket: number,
): Generator<Batch> {
  const [{ columns }] = parts as readonly [Batch];
  const firstRows = new Float64Array(parts.length);
  for (let part = 1; part < parts.length; part++)
    firstRows[part] = firstRows[part - 1]! + parts[part - 1]!.length;
  const vectorsOf = columns.map(({ name }) => parts.map((part) => named(part, name)));
  for (let from = 0; from < rows.length; from += BATCH_ROWS) {
    const own = rows.subarray(from, from + BATCH_ROWS);
    const part = own.map((row) => lowerBound(firstRows, 0, parts.length, row + 1) - 1);
    const index = own.map((row, i) => row - firstRows[part[i]!]!);
    const vectors = vectorsOf.map((of, c): Vector =>
      columns[c]!.name === "_bucket"
        ? { kind: "int32", values: new Int32Array(own.length).fill(bucket), valid: null }
        : gatherRows(of, part, index),
    );
    yield { length: own.length, columns, vectors };
  }
}

function named({ columns, vectors }: Batch, name: string): Vector {
  return vectors[columns.findIndex((column) => column.name === name)]!;
}
