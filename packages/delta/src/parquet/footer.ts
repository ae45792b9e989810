/** Reads the footer of a Parquet file, which says where its columns are. */
import { type FileMetaData, parquetMetadata } from "hyparquet";
import { TidemarkError } from "@tidemark/core/internal/columns";
import { MAX_FOOTER_BYTES } from "./limits.ts";
import { checkThrift } from "./thrift-check.ts";

export interface ParquetSource {
  /** The name of the object and its store, for messages. */
  readonly name: string;
  readonly size: number;
  /** What to do where the file is damaged. */
  readonly advice: string;
  /** The distance (bytes) below which pages are read together. Default: 256 KiB. */
  readonly readGap?: number | undefined;
  read(from: number, to: number): Promise<Uint8Array<ArrayBuffer>>;
}

const FOOTER_READ_BYTES = 64 * 1024;
/** The bytes behind the footer: its length, and `PAR1`. */
const TRAILER_BYTES = 8;

/** Reads the footer, with the end of the file that was read for it. */
export async function readFooter(
  source: ParquetSource,
): Promise<{ readonly metadata: FileMetaData; readonly tail: Uint8Array<ArrayBuffer> }> {
  if (source.size < 12) throw new Error(`${source.size} bytes are no Parquet file`);
  let tail = await readExactly(source, Math.max(0, source.size - FOOTER_READ_BYTES), source.size);
  const magic = Buffer.from(tail.subarray(-4)).toString("latin1");
  if (magic === "PARE")
    throw new TidemarkError(
      "PARQUET_UNSUPPORTED",
      `${source.name}: its footer is encrypted, which Tidemark does not read; ` +
        "write the file without encryption",
    );
  if (magic !== "PAR1") throw new Error("it does not end as a Parquet file does, with PAR1");
  const footer =
    new DataView(tail.buffer, tail.byteOffset, tail.byteLength).getUint32(
      tail.length - TRAILER_BYTES,
      true,
    ) + TRAILER_BYTES;
  if (footer > source.size) throw new Error(`its footer claims ${footer} bytes of ${source.size}`);
  if (footer > MAX_FOOTER_BYTES)
    throw new TidemarkError(
      "PARQUET_TOO_LARGE",
      `${source.name}: its footer has ${footer} bytes, and ${MAX_FOOTER_BYTES} are read; ` +
        "write the file with fewer row groups, or as several files",
    );
  if (footer > tail.length) tail = await readExactly(source, source.size - footer, source.size);
  checkThrift(tail.subarray(0, tail.length - TRAILER_BYTES), tail.length - footer);
  const metadata = parquetMetadata(tail, { geoparquet: false });
  // the format says that each has a name; a damaged footer may lack one
  if (metadata.schema.some(({ name }) => typeof (name as unknown) !== "string"))
    throw new Error("a column of its footer has no name");
  return { metadata, tail };
}

export async function readExactly(
  source: ParquetSource,
  from: number,
  to: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await source.read(from, to);
  if (bytes.length !== to - from)
    throw new Error(`it ends at ${from + bytes.length}, before ${to}`);
  return bytes;
}
