import assert from "node:assert/strict";
import { batchOf } from "@tidemark/core/spi";
import { test } from "vitest";
import { openParquet } from "../src/parquet/reader.ts";
import { parquetBytes } from "../src/parquet/writer.ts";
import { column } from "./lakes.ts";

/** Counts the turns of the event loop while `work` runs. */
async function turnsDuring<T>(
  work: () => Promise<T>,
): Promise<{ readonly turns: number; readonly result: T }> {
  let turns = 0;
  let running = true;
  const turn = (): void => {
    turns++;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  const result = await work();
  running = false;
  return { turns, result };
}

test("writing and reading a file yields to the event loop between columns", async () => {
  const columns = Array.from({ length: 12 }, (_, c) => column(`c${c}`, "int64"));
  const batch = batchOf(
    columns,
    Array.from({ length: 10 }, (_, row) => columns.map((_, c) => BigInt(row * c))),
  );
  const written = await turnsDuring(async () => {
    const pieces: Uint8Array[] = [];
    for await (const piece of parquetBytes(
      { columns, timestamps: "long", where: "test" },
      [{ batch, rows: null, from: 0, to: 10 }],
      { rows: 0, bytes: 0, ranges: [] },
    ))
      pieces.push(piece);
    return Buffer.concat(pieces);
  });
  assert.ok(written.turns >= 12, `${written.turns} turns while it was written`);
  const bytes = new Uint8Array(written.result);
  const file = await openParquet({
    name: "test",
    size: bytes.length,
    advice: "",
    read: async (from, to) => bytes.slice(from, to),
  });
  const read = await turnsDuring(() => file.readGroup(0, columns, "missing"));
  assert.equal(read.result.length, 12);
  assert.ok(read.turns >= 12, `${read.turns} turns while it was read`);
});
