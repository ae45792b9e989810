/**
 * Reads the rows of a row group that have the keys of a scan. The column of the keys is read whole.
 * Of the other columns the pages are read that have such rows, if the file says where they lie.
 */
import { layoutOf, pickRows, typeOf } from "@tidemark/core/internal/columns";
import type { ColumnSpec, KeyRanges, Vector } from "@tidemark/core/spi";
import type { FetchedGroup, StoredGroup } from "./decode-group.ts";
import type { DecodeInThread } from "./decode-threads.ts";
import { type ByteRange, fetchRanges } from "./fetch-ranges.ts";
import type { ParquetSource } from "./footer.ts";
import { rowsOfKeys } from "./key-rows.ts";
import type { RowRange } from "./statistics.ts";
import {
  haveSameRows,
  indexRangeOf,
  pagePlaces,
  type PagePlaces,
  pagesOfRows,
  rowsWithin,
} from "./page-index.ts";

/** A row group of an open file. */
export interface GroupReader {
  readonly source: ParquetSource;
  /** The end of the file, which was read before. */
  readonly tail: Uint8Array<ArrayBuffer>;
  readonly rows: number;
  /** The distance (bytes) below which parts of the file are read together. */
  readonly gap: number;
  stored(columns: readonly ColumnSpec[]): StoredGroup;
  decode(
    fetch: () => Promise<FetchedGroup>,
    threads: DecodeInThread | null,
  ): Promise<readonly Vector[]>;
  /** Reads whole columns. */
  read(columns: readonly ColumnSpec[], threads: DecodeInThread | null): Promise<readonly Vector[]>;
}

/** Rows as columns. */
export interface ReadRows {
  readonly rows: number;
  readonly vectors: readonly Vector[];
}

/** Where more than this part of the pages has rows of the keys, the columns are read whole. */
const MAX_PAGES_PART = 0.5;

/** Reads the rows with a key of the ranges. `key`: their column, as the file has it. */
export async function readRowsOfKeys(
  group: GroupReader,
  columns: readonly ColumnSpec[],
  key: ColumnSpec,
  keys: KeyRanges,
  threads: DecodeInThread | null,
): Promise<ReadRows> {
  const { rows } = group;
  // a column without an index is small, or the file has none at all
  const isPaged = (column: ColumnSpec): boolean =>
    column.name !== key.name &&
    group.stored([column]).chunks.every((chunk) => indexRangeOf(chunk) !== null);
  const paged = columns.filter(isPaged);
  if (paged.length === 0) {
    const vectors = await group.read(columns, threads);
    const keyAt = columns.findIndex(({ name }) => name === key.name);
    const found = keyAt < 0 ? null : rowsOfKeys(vectors[keyAt]!, rows, keys);
    return found === null ? { rows, vectors } : chosenRows(vectors, found, rows);
  }
  const stored = group.stored(paged);
  const whole = [
    ...columns.filter((column) => !paged.includes(column)),
    ...(columns.some(({ name }) => name === key.name) ? [] : [key]),
  ];
  const [vectors, places] = await Promise.all([group.read(whole, null), placesOf(group, stored)]);
  const found = rowsOfKeys(vectors[whole.findIndex(({ name }) => name === key.name)]!, rows, keys);
  const joined = (ofWhole: readonly Vector[], ofPaged: readonly Vector[]): readonly Vector[] =>
    columns.map((column) => ofPaged[paged.indexOf(column)] ?? ofWhole[whole.indexOf(column)]!);
  if (found === null) return { rows, vectors: joined(vectors, await group.read(paged, threads)) };
  if (found.length === 0)
    return { rows: 0, vectors: columns.map((column) => typeOf(column).layout.missing(0)) };
  const chosen = chosenRows(vectors, found, rows);
  const pages = places === null ? null : pagesOfRows(places[0]!, found);
  if (pages === null || pages.length > (places![0]!.rows.length - 1) * MAX_PAGES_PART) {
    const others = chosenRows(await group.read(paged, threads), found, rows);
    return { rows: chosen.rows, vectors: joined(chosen.vectors, others.vectors) };
  }
  const read = await group.decode(() => fetchPages(group, stored, places!, pages), threads);
  const within = rowsWithin(places![0]!, pages, found);
  const others = chosenRows(read, within, countOf(places![0]!, pages));
  return { rows: chosen.rows, vectors: joined(chosen.vectors, others.vectors) };
}

/** Where the pages of the columns lie. null: their pages have other rows than each other's. */
async function placesOf(
  { source, tail, gap, rows }: GroupReader,
  { chunks, plans }: StoredGroup,
): Promise<readonly PagePlaces[] | null> {
  // the index counts rows, and a page of lists does not say how many values it has
  if (plans.some(({ kind }) => kind !== "leaf")) return null;
  const ranges = chunks.map((chunk) => indexRangeOf(chunk)!);
  const bytes = await fetchRanges(source, ranges, tail, gap);
  const places: PagePlaces[] = [];
  for (const [c, chunk] of chunks.entries()) {
    const place = pagePlaces(chunk, bytes[c]!, rows);
    if (place === null || (c > 0 && !haveSameRows(places[0]!, place))) return null;
    places.push(place);
  }
  return places;
}

/** Reads these pages of the columns, as if the row group had no others. */
async function fetchPages(
  { source, tail, gap }: GroupReader,
  group: StoredGroup,
  places: readonly PagePlaces[],
  pages: readonly number[],
): Promise<FetchedGroup> {
  const ranges = places.map((place) => rangesOfPages(place, pages));
  const bytes = await fetchRanges(source, ranges.flat(), tail, gap);
  let next = 0;
  const { rows: starts } = places[0]!;
  const rows = countOf(places[0]!, pages);
  return {
    ...group,
    rows,
    pageRows: pages.map((page) => starts[page + 1]! - starts[page]!),
    chunks: group.chunks.map((chunk) => ({
      ...chunk,
      meta_data: { ...chunk.meta_data!, num_values: BigInt(rows) },
    })),
    bytes: ranges.map((ofColumn) => joinedBytes(bytes.slice(next, (next += ofColumn.length)))),
  };
}

/** The dictionary and these pages, where neighbours are one range. */
function rangesOfPages(place: PagePlaces, pages: readonly number[]): readonly ByteRange[] {
  const ranges: { from: number; to: number }[] = [{ ...place.dictionary }];
  for (const page of pages) {
    const { from, to } = place.pages[page]!;
    if (from === ranges.at(-1)!.to) ranges.at(-1)!.to = to;
    else ranges.push({ from, to });
  }
  return ranges;
}

function joinedBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The number of rows of these pages. */
function countOf({ rows }: PagePlaces, pages: readonly number[]): number {
  return pages.reduce((sum, page) => sum + rows[page + 1]! - rows[page]!, 0);
}

/** These rows of vectors of `length` rows. */
function chosenRows(
  vectors: readonly Vector[],
  ranges: readonly RowRange[],
  length: number,
): ReadRows {
  const rows = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  if (rows === length) return { rows, vectors };
  if (ranges.length <= 1) {
    const { from, to } = ranges[0] ?? { from: 0, to: 0 };
    return { rows, vectors: vectors.map((vector) => layoutOf(vector).slice(vector, from, to)) };
  }
  const chosen = new Int32Array(rows);
  let at = 0;
  for (const { from, to } of ranges) for (let row = from; row < to; row++) chosen[at++] = row;
  return { rows, vectors: vectors.map((vector) => pickRows(vector, chosen)) };
}
