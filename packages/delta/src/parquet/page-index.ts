/** Reads where the pages of a column lie (Parquet's offset index), and which of them have rows. */
import { type ColumnChunk, readOffsetIndex } from "hyparquet";
import type { ByteRange } from "./fetch-ranges.ts";
import type { RowRange } from "./statistics.ts";
import { checkThrift } from "./thrift-check.ts";

/** The rows of a page in files that are read by key. */
export const PAGE_ROWS = 768;

/** Where the pages of a column chunk lie. They follow each other. */
export interface PagePlaces {
  /** The dictionary page, which may be empty. */
  readonly dictionary: ByteRange;
  readonly pages: readonly ByteRange[];
  /** The first row of each page, and the end of the last one. */
  readonly rows: Int32Array;
}

/** The bytes of a column chunk. */
export function byteRangeOf(chunk: ColumnChunk): ByteRange {
  const meta = chunk.meta_data!;
  const from = Number(meta.dictionary_page_offset || meta.data_page_offset);
  return { from, to: from + Number(meta.total_compressed_size) };
}

/** The bytes of the offset index of a chunk. null: it has none. */
export function indexRangeOf(chunk: ColumnChunk): ByteRange | null {
  const { offset_index_offset: offset, offset_index_length: length } = chunk;
  if (offset === undefined || length === undefined) return null;
  return { from: Number(offset), to: Number(offset) + length };
}

/** Reads an offset index. null: its pages do not fill the chunk one after the other. */
export function pagePlaces(
  chunk: ColumnChunk,
  bytes: Uint8Array<ArrayBuffer>,
  groupRows: number,
): PagePlaces | null {
  checkThrift(bytes, 0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { page_locations: locations } = readOffsetIndex({ view, offset: 0 });
  const { from: start, to: end } = byteRangeOf(chunk);
  const pages = locations.map(({ offset, compressed_page_size: size }) => ({
    from: Number(offset),
    to: Number(offset) + size,
  }));
  const rows = Int32Array.from([
    ...locations.map(({ first_row_index: row }) => Number(row)),
    groupRows,
  ]);
  const isWhole =
    pages.length > 0 &&
    pages[0]!.from >= start &&
    pages.at(-1)!.to === end &&
    pages.every(({ from, to }, p) => to > from && (p === 0 || from === pages[p - 1]!.to)) &&
    rows[0] === 0 &&
    rows.every((row, p) => p === 0 || row > rows[p - 1]!);
  return isWhole ? { dictionary: { from: start, to: pages[0]!.from }, pages, rows } : null;
}

/** Whether both chunks have pages with the same rows. */
export function haveSameRows(a: PagePlaces, b: PagePlaces): boolean {
  return a.rows.length === b.rows.length && a.rows.every((row, p) => row === b.rows[p]);
}

/** The pages that have some of these rows. */
export function pagesOfRows({ rows: starts }: PagePlaces, rows: readonly RowRange[]): number[] {
  const found: number[] = [];
  let page = 0;
  for (const { from, to } of rows) {
    while (starts[page + 1]! <= from) page++;
    for (let next = page; next < starts.length - 1 && starts[next]! < to; next++) {
      if (found.at(-1) !== next) found.push(next);
      page = next;
    }
  }
  return found;
}

/** Where rows of a row group lie among the rows of these pages. */
export function rowsWithin(
  { rows: starts }: PagePlaces,
  pages: readonly number[],
  rows: readonly RowRange[],
): readonly RowRange[] {
  const found: RowRange[] = [];
  let before = 0;
  let at = 0;
  for (const page of pages) {
    const [start, end] = [starts[page]!, starts[page + 1]!];
    const shift = before - start;
    for (; at < rows.length && rows[at]!.from < end; at++) {
      const { from, to } = rows[at]!;
      found.push({ from: Math.max(from, start) + shift, to: Math.min(to, end) + shift });
      if (to > end) break;
    }
    before += end - start;
  }
  return found;
}
