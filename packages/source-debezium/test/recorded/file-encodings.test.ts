/** Tests the bytes of recordings: byte order marks, UTF-16, packed files, damaged files. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { recordedTopic } from "@tidemark/source-debezium";
import { afterAll, describe, expect, test } from "vitest";
import { fixture, withoutWarnings } from "../support/fixtures.ts";
import { transactions } from "../support/sources.ts";

const folder = mkdtempSync(join(tmpdir(), "tidemark-encodings-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
let files = 0;
const file = (content: string | Buffer, name = `${files++}.jsonl`): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const lines = readFileSync(fixture("bare.public.transaction_data.jsonl"), "utf8")
  .trim()
  .split("\n")
  .slice(0, 6);
const text = `${lines.join("\n")}\n`;
const OFFSETS = [0, 1, 2, 3, 4, 5];

async function offsets(paths: string | readonly string[]): Promise<number[]> {
  const found: number[] = [];
  const source = recordedTopic(paths, withoutWarnings);
  for await (const { changes } of source.changes({ sources: [transactions], after: [] }))
    found.push(...changes.map(({ offset }) => offset));
  return found;
}

const utf16be = (given: string): Buffer => Buffer.from(given, "utf16le").swap16();
const first = `${lines.slice(0, 3).join("\n")}\n`;
const second = `${lines.slice(3).join("\n")}\n`;

describe("a recording is read", () => {
  const contents: readonly [string, string | Buffer][] = [
    ["with a byte order mark", `\uFEFF${text}`],
    ["with a byte order mark, packed", gzipSync(`\uFEFF${text}`)],
    ["with CRLF line ends", text.replaceAll("\n", "\r\n")],
    ["without a last line end", text.trimEnd()],
    ["of two files that were joined with their byte order marks", `\uFEFF${first}\uFEFF${second}`],
    ["as UTF-16 LE with a byte order mark", Buffer.from(`\uFEFF${text}`, "utf16le")],
    ["as UTF-16 BE with a byte order mark", utf16be(`\uFEFF${text}`)],
    ["as UTF-16 LE without a byte order mark", Buffer.from(text, "utf16le")],
    ["as UTF-16 BE without a byte order mark", utf16be(text)],
    ["as UTF-16, packed", gzipSync(Buffer.from(`\uFEFF${text}`, "utf16le"))],
    ["of two gzip members", Buffer.concat([gzipSync(first), gzipSync(second)])],
    ["of gzip with zeros at its end", Buffer.concat([gzipSync(text), Buffer.alloc(1000)])],
    ["as zstd", zstdCompressSync(text)],
    ["of two zstd frames", Buffer.concat([zstdCompressSync(first), zstdCompressSync(second)])],
    [
      "of zstd behind a skippable frame, as parallel compressors write it",
      Buffer.concat([Buffer.from("502a4d1804000000deadbeef", "hex"), zstdCompressSync(text)]),
    ],
  ];

  test.each(contents)("%s", async (_, content) => {
    expect(await offsets(file(content))).toEqual(OFFSETS);
    expect(await offsets(file(content, `${files++}.jsonl.gz`))).toEqual(OFFSETS);
  });

  test("with a byte order mark in each of several files", async () => {
    const paths = [file(`\uFEFF${first}`), file(gzipSync(`\uFEFF${second}`), "b.jsonl.gz")];
    expect(await offsets(paths)).toEqual(OFFSETS);
  });

  test("with kcat's status lines between its messages", async () => {
    const status = "% Auto-selecting Consumer mode (use -P or -C to override)\n";
    const end = "% Reached end of topic bare.public.transaction_data [0] at offset 6\n";
    expect(await offsets(file(`${status}${text}${end}`))).toEqual(OFFSETS);
  });

  test("empty, or of white space: it has no message", async () => {
    expect(await offsets([file(""), file("\uFEFF\r\n \n"), file(gzipSync(""))])).toEqual([]);
  });
});

describe("a damaged recording is refused with what is wrong", () => {
  const refused: readonly [string, string | Buffer, RegExp][] = [
    [
      "a last line that is cut off",
      text.slice(0, -300),
      /LINE_INVALID: .*:6: not JSON: the last line is cut off after \d+ char.*being written/,
    ],
    [
      "zero bytes",
      `${first}${"\0".repeat(40)}\n`,
      /LINE_INVALID: .*:4: the line begins with zero bytes/,
    ],
    ["gzip that is cut off", gzipSync(text).subarray(0, -20), /UNREADABLE: .*unexpected end/],
    [
      "a second gzip member that is cut off",
      Buffer.concat([gzipSync(first), gzipSync(second).subarray(0, -20)]),
      /UNREADABLE: .*unexpected end/,
    ],
    [
      "a second zstd frame that is cut off",
      Buffer.concat([zstdCompressSync(first), zstdCompressSync(second).subarray(0, -20)]),
      /UNREADABLE: .*unexpected end/,
    ],
    ["text behind gzip", Buffer.concat([gzipSync(first), Buffer.from(second)]), /UNREADABLE/],
    [
      "text behind gzip and a zero",
      Buffer.concat([gzipSync(first), Buffer.from(`\0${second}`)]),
      /UNREADABLE: .*bytes that are not packed follow at byte \d+/,
    ],
    [
      "text behind zstd",
      Buffer.concat([zstdCompressSync(first), Buffer.from(second)]),
      /UNREADABLE: .*bytes that are not packed follow at byte \d+/,
    ],
    [
      "half a UTF-16 unit",
      Buffer.from(`\uFEFF${text}x`, "utf16le").subarray(0, -1),
      /UNREADABLE: .*it begins as UTF-16LE and goes on as other text/,
    ],
  ];

  test.each(refused)("%s", async (_, content, message) => {
    const error = await offsets(file(content)).catch((e: Error & { code?: string }) => e);
    expect(`${(error as { code?: string }).code}: ${(error as Error).message}`).toMatch(message);
  });

  test("a line without an end, in a small packed file, ends in bounded memory", async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 2 ** 20, 0x20));
    expect(bomb.length).toBeLessThan(2 ** 20);
    await expect(offsets(file(bomb))).rejects.toMatchObject({
      code: "TOPIC_UNREADABLE",
      message: expect.stringMatching(/line 1 is longer than 128 MiB/) as string,
    });
  });
});
