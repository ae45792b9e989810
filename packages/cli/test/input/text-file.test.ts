/** Tests the text files of the command: encodings, packing and long lines. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { ENTITIES_CODES, fileLines } from "@tidemark/core/internal";

const folder = mkdtempSync(join(tmpdir(), "tidemark-text-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function lines(content: string | Buffer): Promise<[number, string][]> {
  const path = join(folder, "rows.csv.gz");
  writeFileSync(path, content);
  const found: [number, string][] = [];
  for await (const some of fileLines(path, ENTITIES_CODES))
    for (const { line, text } of some) found.push([line, text.trimEnd()]);
  return found;
}

const text = "id,name\r\n\r\n1,ă 😀\r\n2,b";
const expected = [
  [1, "id,name"],
  [3, "1,ă 😀"],
  [4, "2,b"],
];

test.each<[string, string | Buffer]>([
  ["with a byte order mark", `\uFEFF${text}`],
  ["as UTF-16", Buffer.from(`\uFEFF${text}`, "utf16le")],
  ["as UTF-16 without a byte order mark", Buffer.from(text, "utf16le")],
  [
    "packed with gzip, in two members",
    Buffer.concat([gzipSync("\uFEFFid,"), gzipSync(text.slice(3))]),
  ],
  [
    "packed with zstd, in two frames",
    Buffer.concat([zstdCompressSync("id,"), zstdCompressSync(text.slice(3))]),
  ],
])("a file %s is read", async (_, content) => {
  expect(await lines(content)).toEqual(expected);
});

test("a file that is no text is refused", async () => {
  for (const content of [Buffer.of(0x69, 0x64, 0x0a, 0xff), gzipSync(text).subarray(0, -9)])
    await expect(lines(content)).rejects.toMatchObject({ code: "ENTITIES_INVALID" });
});

test("a line of 40 MiB is read in linear time, and one beyond the limit is refused", async () => {
  const long = "x".repeat(40 * 2 ** 20);
  const started = performance.now();
  expect((await lines(`${long}\n1`)).map(([line, one]) => [line, one.length])).toEqual([
    [1, long.length],
    [2, 1],
  ]);
  expect(performance.now() - started).toBeLessThan(10_000);
  await expect(lines(gzipSync(Buffer.alloc(140 * 2 ** 20, 0x78)))).rejects.toMatchObject({
    code: "ENTITIES_INVALID",
    message: expect.stringMatching(/:1: the line is longer than 128 Mi/) as string,
  });
});
