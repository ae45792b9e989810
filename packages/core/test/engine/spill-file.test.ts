/** The temporary file of events. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openSpillFile } from "../../src/engine/spill-file.ts";
import type { EventBatch } from "../../src/engine/event-batch.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tidemark-spill-"));
  vi.stubEnv("TMPDIR", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const batch = (length: number): EventBatch => ({
  length,
  entity: Int32Array.from({ length }, (_, i) => i),
  time: Float64Array.from({ length }, (_, i) => i / 3),
  from: null,
  to: null,
  vectors: [
    { kind: "int64", values: BigInt64Array.from({ length }, (_, i) => BigInt(i)), valid: null },
    { kind: "string", codes: new Int32Array(length), dictionary: ["é"], valid: null },
    { kind: "big", values: new Array<bigint>(length).fill(2n ** 100n), valid: null },
  ],
});

test("batches come back as they were, in any order", async () => {
  const file = await openSpillFile();
  const places = [];
  for (const length of [1, 1000, 3]) places.push(await file.write([batch(length), batch(2)]));
  for (const [i, length] of [1, 1000, 3].entries())
    expect(await file.read(places[i]!)).toStrictEqual([batch(length), batch(2)]);
  await file.close();
});

test.skipIf(process.platform === "win32")("the file has no name while it is used", async () => {
  const file = await openSpillFile();
  await file.write([batch(10)]);
  expect(await readdir(folder)).toEqual([]);
  await file.close();
});

test("a folder without room is named", async () => {
  vi.stubEnv("TMPDIR", join(folder, "none"));
  await expect(openSpillFile()).rejects.toMatchObject({
    code: "TEMPORARY_FILE_FAILED",
    message: expect.stringContaining(join(folder, "none")) as string,
  });
});
