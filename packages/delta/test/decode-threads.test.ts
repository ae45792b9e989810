/** A row group that a thread decodes has the vectors of one that the caller's thread decodes. */
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { batchOf, valueAt } from "@tidemark/core/spi";
import { lengthOf } from "@tidemark/core/internal/columns";
import { writeParquet } from "@tidemark/delta";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeThreads, type DecodeInThread } from "../src/parquet/decode-threads.ts";
import { openParquet, type ParquetFile } from "../src/parquet/reader.ts";
import { temporary } from "./lakes.ts";
import { nestedColumn, typedValues } from "./nested-values.ts";

const { first, runs } = seedsFromEnvironment({ runs: 60 });

const threads = decodeThreads();

async function opened(file: string): Promise<ParquetFile> {
  const { size } = await stat(file);
  return openParquet({
    name: file,
    size,
    advice: "write it again",
    read: async (from, to) => new Uint8Array((await readFile(file)).subarray(from, to)),
  });
}

/** The threads, and how often one of them decoded. */
function counting(decode: DecodeInThread): { decode: DecodeInThread; count: number } {
  const counted = {
    count: 0,
    async decode(fetch: Parameters<DecodeInThread>[0]) {
      const answer = await decode(fetch);
      if (answer !== null) counted.count++;
      return answer;
    },
  };
  return counted;
}

test("columns of any type", async () => {
  const directory = await temporary();
  let n = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(typedValues(3), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 40 }),
      fc.gen(),
      async (types, length, g) => {
        const columns = types.map(({ spec }, c) => nestedColumn(`c${c}`, spec));
        const rows = Array.from({ length }, () => types.map(({ values }) => g(() => values)));
        const file = join(directory, `${n++}.parquet`);
        await writeParquet(file, { columns, batches: [batchOf(columns, rows)] });
        const parquet = await opened(file);
        const counted = counting(threads);
        const decoded = await parquet.readGroup(0, columns, "int64", counted.decode);
        expect(counted.count).toBe(1);
        expect(decoded).toStrictEqual(await parquet.readGroup(0, columns, "int64"));
      },
    ),
    { seed: first, numRuns: runs },
  );
});

const amount = { name: "amount", database: "amount", type: "float64", nullable: true } as const;

async function amounts(): Promise<string> {
  const file = join(await temporary(), "amounts.parquet");
  const rows = Array.from({ length: 1000 }, (_, i) => [i / 7]);
  await writeParquet(file, { columns: [amount], batches: [batchOf([amount], rows)] });
  return file;
}

test("a damaged page is the same error", async () => {
  const file = await amounts();
  const bytes = await readFile(file);
  bytes.fill(0xff, 4, 60);
  await writeFile(file, bytes);
  const parquet = await opened(file);
  const error = await parquet.readGroup(0, [amount], "missing").catch((e: unknown) => e);
  expect(error).toMatchObject({ code: "PARQUET_DAMAGED" });
  await expect(parquet.readGroup(0, [amount], "missing", threads)).rejects.toThrow(
    (error as Error).message,
  );
});

test("without a thread that answers the caller decodes", async () => {
  const parquet = await opened(await amounts());
  const dying = decodeThreads(async () => null);
  expect(await parquet.readGroup(0, [amount], "missing", dying)).toStrictEqual(
    await parquet.readGroup(0, [amount], "missing"),
  );
});

test("the bytes of a column without a value are not read", async () => {
  const columns = [amount, nestedColumn("text", { type: "string", nullable: true })];
  const file = join(await temporary(), "empty.parquet");
  const rows = Array.from({ length: 100_000 }, (_, i) => [Math.sin(i), null]);
  await writeParquet(file, { columns, batches: [batchOf(columns, rows)] });
  const { size } = await stat(file);
  let fetched = 0;
  const parquet = await openParquet({
    name: file,
    size,
    advice: "write it again",
    read: async (from, to) => {
      fetched += to - from;
      return new Uint8Array((await readFile(file)).subarray(from, to));
    },
  });
  fetched = 0;
  const [texts] = await parquet.readGroup(0, [columns[1]!], "int64");
  expect(fetched).toBe(0);
  expect(lengthOf(texts!)).toBe(rows.length);
  for (const row of [0, 50_000, 99_999]) expect(valueAt(texts!, row)).toBeNull();
});
