/** Finds the pages of a column chunk, and decompresses many small ones at once. */
import { constants, crc32, zstdDecompressSync } from "node:zlib";
import type { CompressionCodec } from "hyparquet";
import type { PageHeader } from "hyparquet/src/types.js";
import type { GroupMemory } from "./limits.ts";
import { readHeader } from "./page-header.ts";
import type { ParquetNode } from "./schema-tree.ts";

/** A page as it lies in the file, or neighbours as one page. */
export interface StoredPage {
  readonly header: PageHeader;
  readonly body: Uint8Array;
  /** The values of the page, where they are decompressed already. */
  readonly values: Uint8Array | null;
}

/** The pages of a chunk, and what is known of them. */
export interface ChunkBytes {
  readonly bytes: Uint8Array;
  readonly codec: CompressionCodec;
  readonly slots: number;
  readonly node: Pick<ParquetNode, "element" | "definition" | "repetition">;
  /** The rows of each data page, where an index says them. */
  readonly pageRows: readonly number[] | null;
  readonly memory: GroupMemory;
}

/** The pages of a chunk, up to the one that fills its slots. */
export function pagesOfChunk(chunk: ChunkBytes): readonly StoredPage[] {
  const { bytes, slots, node, pageRows } = chunk;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = { view, offset: 0 };
  const pages: StoredPage[] = [];
  let dataPages = 0;
  for (let slot = 0; slot < slots;) {
    const header = readHeader(bytes, reader);
    const size = header.compressed_page_size;
    if (!(size >= 0 && reader.offset + size <= bytes.length))
      throw new Error(`a page of column "${node.element.name}" is cut off`);
    const body = bytes.subarray(reader.offset, reader.offset + size);
    if (isChanged(header, body))
      throw new Error(`a page of column "${node.element.name}" differs from its checksum`);
    pages.push({ header, body, values: null });
    reader.offset += size;
    const count = (header.data_page_header_v2 ?? header.data_page_header)?.num_values;
    if (count === undefined) continue;
    if (!(count >= 0 && slot + count <= slots))
      throw new Error(`a page claims ${count} rows of ${slots - slot}`);
    if (pageRows !== null && count !== pageRows[dataPages++])
      throw new Error(`the index of column "${node.element.name}" differs from its pages`);
    slot += count;
  }
  return chunk.codec === "ZSTD" ? decompressedTogether(pages, chunk) : pages;
}

/** Whether a page that is not compressed has other bytes than it was written with. */
function isChanged({ crc, data_page_header_v2: v2 }: PageHeader, body: Uint8Array): boolean {
  return crc !== undefined && v2?.is_compressed === false && (crc32(body) | 0) !== crc;
}

/** The size (bytes) below which pages are decompressed together. */
const MAX_SIZE = 65_536;
/** Node has no smaller buffer. */
const MIN_SIZE = constants.Z_MIN_CHUNK;

/**
 * Decompresses neighbours whose values have one size with one call, because a call costs more than
 * a small page. Where that does not give their bytes, each is decompressed alone later.
 */
function decompressedTogether(
  pages: readonly StoredPage[],
  { node, memory }: ChunkBytes,
): readonly StoredPage[] {
  const result: StoredPage[] = [];
  for (let from = 0; from < pages.length;) {
    const size = valuesSize(pages[from]!);
    let to = from + 1;
    while (to < pages.length && size > 0 && valuesSize(pages[to]!) === size) to++;
    const own = pages.slice(from, to);
    const values = own.length > 1 ? decompressedValues(own, size, memory) : null;
    if (values === null) result.push(...own);
    else if (own.every((page) => isPlainValues(page, node))) result.push(onePage(own, values));
    else
      for (const [p, page] of own.entries())
        result.push({ ...page, values: values.subarray(p * size, (p + 1) * size) });
    from = to;
  }
  return result;
}

/** The values of pages, each of which has `size` bytes. null: they have others. */
function decompressedValues(
  pages: readonly StoredPage[],
  size: number,
  memory: GroupMemory,
): Uint8Array | null {
  const total = size * pages.length;
  memory.spend(total);
  try {
    // Node goes on with the next frame where the output of a frame ends with its buffer.
    const values = zstdDecompressSync(Buffer.concat(pages.map(compressedValues)), {
      chunkSize: size,
      maxOutputLength: total,
    });
    return values.length === total ? values : null;
  } catch {
    return null; // the error names the page where it is decompressed alone
  }
}

/** The size of the compressed values of a small page of version 2. 0: it is none. */
function valuesSize({ header, body }: StoredPage): number {
  const { data_page_header_v2: v2, uncompressed_page_size: size } = header;
  if (v2 === undefined || v2.is_compressed === false) return 0;
  const levels = levelBytes(v2);
  const values = size - levels;
  const isSmall = values >= MIN_SIZE && values <= MAX_SIZE;
  return isSmall && levels >= 0 && levels < body.length ? values : 0;
}

function compressedValues({ header, body }: StoredPage): Uint8Array {
  return body.subarray(levelBytes(header.data_page_header_v2!));
}

type HeaderV2 = NonNullable<PageHeader["data_page_header_v2"]>;

function levelBytes(v2: HeaderV2): number {
  return v2.repetition_levels_byte_length + v2.definition_levels_byte_length;
}

/** Whether a page has values of one width, and none is missing. */
function isPlainValues(
  { header, body }: StoredPage,
  { element, definition, repetition }: ChunkBytes["node"],
): boolean {
  const v2 = header.data_page_header_v2!;
  return (
    (element.type === "DOUBLE" || element.type === "INT64" || element.type === "INT32") &&
    v2.encoding === "PLAIN" &&
    repetition === 0 &&
    v2.repetition_levels_byte_length === 0 &&
    (definition === 0 ||
      isOneRun(body, 0, v2.definition_levels_byte_length, definition, v2.num_values))
  );
}

/** Pages without missing values as one page. */
function onePage(pages: readonly StoredPage[], values: Uint8Array): StoredPage {
  const { header } = pages[0]!;
  const num_values = pages.reduce((sum, page) => sum + countOf(page), 0);
  return {
    header: {
      ...header,
      data_page_header_v2: {
        ...header.data_page_header_v2!,
        num_values,
        num_rows: num_values,
        num_nulls: 0,
        definition_levels_byte_length: 0,
      },
    },
    body: new Uint8Array(0),
    values,
  };
}

const countOf = ({ header }: StoredPage): number => header.data_page_header_v2!.num_values;

/** Whether all levels are this one, in one run, as where no value is missing. */
export function isOneRun(
  bytes: Uint8Array,
  from: number,
  to: number,
  level: number,
  count: number,
): boolean {
  let head = 0;
  let at = from;
  for (let shift = 0; ; shift += 7) {
    if (at >= to || shift > 28) return false;
    const byte = bytes[at++]!;
    head |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return (head & 1) === 0 && head >>> 1 >= count && at < to && bytes[at] === level;
}
