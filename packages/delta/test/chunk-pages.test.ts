/** Many small pages are decompressed with one call, and become one page where they can. */
import { ByteWriter } from "hyparquet-writer";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import { expect, test } from "vitest";
import { pagesOfChunk } from "../src/parquet/chunk-pages.ts";
import { zstd } from "../src/parquet/codecs.ts";
import { GroupMemory } from "../src/parquet/limits.ts";
import { treesOf } from "../src/parquet/schema-tree.ts";

const ROWS = 64;
const [node] = treesOf([{ name: "x", type: "DOUBLE", repetition_type: "OPTIONAL" }]);

/** The bytes of a column chunk with these values in each page. */
function chunkOf(pages: readonly Float64Array[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  for (const values of pages) {
    const levels = Uint8Array.of(((values.length << 1) & 0x7f) | 0x80, values.length >> 6, 1);
    const body = zstd(new Uint8Array(values.buffer));
    writePageHeader(writer, {
      type: "DATA_PAGE_V2",
      uncompressed_page_size: levels.length + values.byteLength,
      compressed_page_size: levels.length + body.length,
      data_page_header_v2: {
        num_values: values.length,
        num_nulls: 0,
        num_rows: values.length,
        encoding: "PLAIN",
        definition_levels_byte_length: levels.length,
        repetition_levels_byte_length: 0,
        is_compressed: true,
      },
    });
    writer.appendBytes(levels);
    writer.appendBytes(body);
  }
  return new Uint8Array(writer.getBytes());
}

const read = (bytes: Uint8Array, slots: number, pageRows: readonly number[] | null = null) =>
  pagesOfChunk({
    bytes,
    codec: "ZSTD",
    slots,
    node: node!,
    pageRows,
    memory: new GroupMemory("a row group", bytes.length),
  });

const page = (from: number, length: number = ROWS): Float64Array =>
  Float64Array.from({ length }, (_, i) => (from + i) % 5);

test("pages of one size become one page, and the others stay", () => {
  const pages = [page(0), page(3), page(1), page(2, 32)];
  const [first, last, ...more] = read(chunkOf(pages), 3 * ROWS + 32);
  expect(more).toEqual([]);
  expect(first!.header.data_page_header_v2!.num_values).toBe(3 * ROWS);
  const { buffer, byteOffset } = first!.values!;
  expect(new Float64Array(buffer.slice(byteOffset, byteOffset + 3 * ROWS * 8))).toEqual(
    Float64Array.from(pages.slice(0, 3).flatMap((values) => [...values])),
  );
  expect(last!.header.data_page_header_v2!.num_values).toBe(32);
  expect(last!.values).toBe(null);
});

test("a page of another length than its index says is an error", () => {
  const bytes = chunkOf([page(0), page(3)]);
  expect(read(bytes, 2 * ROWS, [ROWS, ROWS])).toHaveLength(1);
  expect(() => read(bytes, 2 * ROWS, [ROWS - 1, ROWS + 1])).toThrow(
    'the index of column "x" differs from its pages',
  );
});

test("pages of which one is damaged are left to be decompressed alone", () => {
  const bytes = chunkOf([page(0), page(3)]);
  bytes[bytes.length - 1]! ^= 1;
  expect(read(bytes, 2 * ROWS).map(({ values }) => values)).toEqual([null, null]);
});
