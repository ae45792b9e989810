/** Reads the headers of pages. */
import { Encodings } from "hyparquet/src/constants.js";
import { parquetHeader } from "hyparquet/src/column.js";
import type { PageHeader } from "hyparquet/src/types.js";
import type { PageReader } from "./deltas.ts";
import { checkThrift } from "./thrift-check.ts";

/** Reads the header at the reader's place, and goes behind it. */
export function readHeader(bytes: Uint8Array, reader: PageReader): PageHeader {
  const header = plainHeader(bytes, reader);
  if (header !== null) return header;
  checkThrift(bytes, reader.offset);
  return parquetHeader(reader);
}

/** The beginnings of fields, as Thrift's compact protocol writes them: a step and a type. */
const NEXT_INT = 0x15;
const STRUCT_8_AFTER_3 = 0x5c;
const STRUCT_8_AFTER_4 = 0x4c;
const NEXT_TRUE = 0x11;
const NEXT_FALSE = 0x12;
const STOP = 0;
/** The number of the type DATA_PAGE_V2. */
const DATA_PAGE_V2 = 3;
/** The bytes of an int32 as a varint. */
const MAX_BYTES = 5;

/**
 * Reads the header of a page of version 2 with its required fields, and maybe its CRC, as Tidemark
 * writes it. null: it has others. Files with small pages have many headers, so this is quick.
 */
function plainHeader(bytes: Uint8Array, reader: PageReader): PageHeader | null {
  let at = reader.offset;
  let isPlain = true;
  const expect = (byte: number): void => {
    if (bytes[at++] !== byte) isPlain = false;
  };
  const int = (): number => {
    expect(NEXT_INT);
    let value = 0;
    for (let i = 0; isPlain && i < MAX_BYTES; i++) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** (7 * i);
      // zigzag: the sign is the lowest bit
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    isPlain = false;
    return 0;
  };
  const type = int();
  if (!isPlain || type !== DATA_PAGE_V2) return null;
  const uncompressed_page_size = int();
  const compressed_page_size = int();
  const crc = bytes[at] === NEXT_INT ? int() : null;
  expect(crc === null ? STRUCT_8_AFTER_3 : STRUCT_8_AFTER_4);
  const num_values = int();
  const num_nulls = int();
  const num_rows = int();
  const encoding = Encodings[int()];
  const definition_levels_byte_length = int();
  const repetition_levels_byte_length = int();
  // left out: it is true
  const is_compressed = bytes[at] !== NEXT_FALSE;
  if (bytes[at] !== STOP) expect(is_compressed ? NEXT_TRUE : NEXT_FALSE);
  expect(STOP);
  expect(STOP);
  if (!isPlain || encoding === undefined) return null;
  reader.offset = at;
  return {
    type: "DATA_PAGE_V2",
    uncompressed_page_size,
    compressed_page_size,
    ...(crc !== null && { crc }),
    data_page_header_v2: {
      num_values,
      num_nulls,
      num_rows,
      encoding,
      definition_levels_byte_length,
      repetition_levels_byte_length,
      is_compressed,
    },
  };
}
