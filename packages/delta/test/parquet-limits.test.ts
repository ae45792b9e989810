import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { parquetMetadata, type FileMetaData } from "hyparquet";
import { ByteWriter, parquetWriteBuffer } from "hyparquet-writer";
import { writeMetadata } from "hyparquet-writer/src/metadata.js";
import { isTidemarkError } from "@tidemark/core";
import { batchOf } from "@tidemark/core/spi";
import { readParquet, writeParquet } from "@tidemark/delta";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import { expect, test } from "vitest";
import { prefixedBytes } from "../src/parquet/deltas.ts";
import { decompressLz4, decompressLz4Raw } from "../src/parquet/lz4.ts";
import { checkThrift } from "../src/parquet/thrift-check.ts";
import { column, temporary, valuesOf } from "./lakes.ts";

const { first, runs } = seedsFromEnvironment({ runs: 400 });

const columnData = [
  { name: "user_id", data: ["u1", "u2"], type: "STRING" as const },
  { name: "event_timestamp", data: [new Date(1), new Date(2)], type: "TIMESTAMP" as const },
];

/** Reads all rows, and returns the code of the error with what reading took. */
async function outcomeOf(
  bytes: Uint8Array,
): Promise<{ what: string; millis: number; mib: number }> {
  const file = join(await temporary(), "given.parquet");
  await writeFile(file, bytes);
  const memory = (): number => {
    const { rss } = process.memoryUsage();
    return rss / 2 ** 20;
  };
  const before = memory();
  const start = performance.now();
  let what = "read";
  try {
    let rows = 0;
    for await (const batch of await readParquet(file)) {
      rows += batch.length;
      if (rows > 1_000_000) break;
    }
  } catch (error) {
    what = isTidemarkError(error) ? error.code : `raw ${String((error as Error).stack)}`;
  }
  return { what, millis: performance.now() - start, mib: memory() - before };
}

test("a page that unpacks to more than it says is damaged, and is not unpacked", async () => {
  const zeros = Buffer.alloc(256 * 2 ** 20);
  const frames = {
    ZSTD: zstdCompressSync(zeros),
    GZIP: gzipSync(zeros, { level: 1 }),
    BROTLI: brotliCompressSync(zeros.subarray(0, 2 ** 24)),
  };
  for (const [codec, frame] of Object.entries(frames)) {
    const bytes = parquetWriteBuffer({
      columnData,
      codec: codec as keyof typeof frames,
      compressors: { [codec]: () => frame },
    });
    const { what, millis, mib } = await outcomeOf(new Uint8Array(bytes));
    assert.equal(what, "PARQUET_DAMAGED", codec);
    assert.ok(millis < 1500 && mib < 200, `${codec}: ${millis} ms, ${mib} MiB`);
  }
});

/** The file with another footer. */
function withFooter(bytes: Uint8Array, change: (metadata: FileMetaData) => void): Uint8Array {
  const metadata = parquetMetadata(bytes.slice().buffer as ArrayBuffer);
  const footer = Buffer.from(bytes).readUInt32LE(bytes.length - 8);
  change(metadata);
  const writer = new ByteWriter(1024);
  writeMetadata(writer, metadata);
  const end = Buffer.from("PAR1");
  return Buffer.concat([bytes.subarray(0, bytes.length - 8 - footer), writer.getBytes(), end]);
}

test("a footer that claims many rows takes no memory for them", async () => {
  const good = new Uint8Array(parquetWriteBuffer({ columnData }));
  assert.equal((await outcomeOf(withFooter(good, () => undefined))).what, "read");
  for (const claimed of [2n ** 20n, 2n ** 31n, 2n ** 40n, 2n ** 62n, -1n]) {
    const bytes = withFooter(good, (metadata) => {
      metadata.num_rows = claimed;
      for (const group of metadata.row_groups) {
        group.num_rows = claimed;
        for (const { meta_data: meta } of group.columns) {
          meta!.num_values = claimed;
          delete meta!.statistics;
        }
      }
    });
    const { what, millis, mib } = await outcomeOf(bytes);
    assert.match(what, /^PARQUET_(DAMAGED|TOO_LARGE)$/, String(claimed));
    assert.ok(millis < 1500 && mib < 200, `${claimed}: ${millis} ms, ${mib} MiB`);
  }
  const more = withFooter(good, (metadata) => {
    metadata.num_rows = 3n;
  });
  assert.equal((await outcomeOf(more)).what, "PARQUET_DAMAGED");
});

test("a footer without an end, or too deep, or with endless numbers is refused", () => {
  const refuse = (bytes: readonly number[], says: RegExp): void =>
    expect(() => checkThrift(Uint8Array.from(bytes), 0)).toThrow(says);
  refuse([], /ends too soon/);
  refuse([0x15, ...Array<number>(11).fill(0xff), 0, 0], /too long/);
  refuse(Array<number>(1000).fill(0x1c), /too deep/);
  refuse(Array<number>(1000).fill(0x19), /ends too late|too deep/);
  refuse([0x19, 0xfc, 0xff, 0xff, 0xff, 0x7f], /list of a header ends too late/);
  refuse([0x18, 0x7f, 0], /ends too soon/);
  refuse([0x1b, 0], /value of type 11/);
  checkThrift(Uint8Array.from([0x15, 2, 0x19, 0x11, 1, 0]), 0);
});

test("values that share a beginning count with all their bytes", () => {
  // prefixes 0, 100, 100 … by delta encoding, suffixes 100, 0, 0 …
  const header = (value: number, step: number): number[] => [
    0x80,
    0x01,
    0x04,
    0x20,
    ...(value === 0 ? [0] : [0xc8, 0x01]),
    ...(step === 0 ? [0] : step > 0 ? [0xc8, 0x01] : [0xc7, 0x01]),
    0,
    0,
    0,
    0,
  ];
  const bytes = Uint8Array.from([...header(0, 100), ...header(100, -100), ...Array(100).fill(65)]);
  const reader = { view: new DataView(bytes.buffer), offset: 0 };
  let spent = 0;
  const values = prefixedBytes(reader, 2, (size) => {
    spent += size;
  });
  assert.deepEqual([values.map((value) => value.length), spent], [[100, 100], 100]);
});

/** A block of LZ4: literals `abcd`, then a match of 8 bytes 4 back, then literals `xyzzy`. */
const BLOCK = Uint8Array.from([0x44, 97, 98, 99, 100, 4, 0, 0x50, ...Buffer.from("xyzzy")]);
const TEXT = "abcdabcdabcdxyzzy";

test("LZ4 is read as a block and in Hadoop's frames, and never beyond the page", () => {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  const frame = (block: Uint8Array, size: number): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(size, 0);
    head.writeUInt32BE(block.length, 4);
    return Buffer.concat([head, block]);
  };
  assert.equal(text(decompressLz4Raw(BLOCK, TEXT.length)), TEXT);
  assert.equal(text(decompressLz4(BLOCK, TEXT.length)), TEXT);
  const frames = Buffer.concat([frame(BLOCK, TEXT.length), frame(BLOCK, TEXT.length)]);
  assert.equal(text(decompressLz4(frames, 2 * TEXT.length)), TEXT + TEXT);
  for (const size of [0, TEXT.length - 1, TEXT.length + 1])
    assert.throws(() => decompressLz4Raw(BLOCK, size));
  for (let length = 1; length < BLOCK.length; length++)
    assert.throws(() => decompressLz4Raw(BLOCK.subarray(0, length), TEXT.length));
  const long = Uint8Array.from([0x1f, 97, 1, 0, ...Array<number>(1000).fill(255), 0]);
  assert.throws(() => decompressLz4Raw(long, 1000), /match of an LZ4 block lies outside it/);
});

test("an unknown codec is named with those to write", async () => {
  const bytes = withFooter(new Uint8Array(parquetWriteBuffer({ columnData })), (metadata) => {
    for (const { meta_data: meta } of metadata.row_groups[0]!.columns) meta!.codec = "LZO";
  });
  const file = join(await temporary(), "lzo.parquet");
  await writeFile(file, bytes);
  await expect(readParquet(file).then(valuesOf)).rejects.toMatchObject({
    code: "PARQUET_UNSUPPORTED",
    message: expect.stringMatching(
      /column "user_id" is compressed with LZO, which .* write the file with snappy or zstd/,
    ),
  });
  await writeFile(file, Buffer.concat([bytes.subarray(0, -4), Buffer.from("PARE")]));
  await expect(readParquet(file)).rejects.toMatchObject({ code: "PARQUET_UNSUPPORTED" });
});

test("a file changed anywhere gives rows or a named error, bounded in time", async () => {
  const file = join(await temporary(), "good.parquet");
  const columns = [column("user_id", "string"), column("n", "int64"), column("at", "timestamp")];
  const rows = Array.from({ length: 50 }, (_, i) => [`user ${i % 7}`, BigInt(i), i * 1e6]);
  await writeParquet(file, { columns, batches: [batchOf(columns, rows)] });
  const files = [await readFile(file), Buffer.from(parquetWriteBuffer({ columnData }))];
  let seed = first;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (seed >>> 8) % below;
  };
  for (let run = 0; run < runs; run++) {
    const bytes = Buffer.from(files[run % files.length]!);
    const footer = bytes.readUInt32LE(bytes.length - 8);
    for (let change = 1 + random(4); change > 0; change--) {
      const at = random(2) === 0 ? random(bytes.length) : bytes.length - 9 - random(footer);
      bytes[at] = random(256);
    }
    const { what, millis, mib } = await outcomeOf(bytes);
    const shown = `seed ${first}, run ${run}: ${what}, ${millis} ms, ${mib} MiB`;
    assert.match(what, /^(read|PARQUET_[A-Z_]+|COLUMN_NAME)$/, shown);
    assert.ok(millis < 1500 && mib < 1024, shown);
  }
});
