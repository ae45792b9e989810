/** A Parquet file with a changed byte in its footer is read, or refused by name. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { isTidemarkError } from "@tidemark/core";
import { batchOf, type ColumnSpec } from "@tidemark/core/spi";
import { readParquet, writeParquet } from "@tidemark/delta";

const directory = mkdtempSync(join(tmpdir(), "tidemark-footer-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

test("each byte of a footer may be changed", async () => {
  const file = join(directory, "rows.parquet");
  const columns = (["string", "int64", "timestamp"] as const).map((type): ColumnSpec => ({
    name: `a_${type}`,
    database: type,
    type,
    nullable: true,
  }));
  await writeParquet(file, { columns, batches: [batchOf(columns, [["a", 1n, 5]])] });
  const bytes = readFileSync(file);
  const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
  const counts = { read: 0, refused: 0 };
  for (let at = footer; at < bytes.length - 8; at++) {
    for (const byte of [0, 255, bytes[at]! ^ 1, (bytes[at]! + 32) & 255]) {
      const changed = Buffer.from(bytes);
      changed[at] = byte;
      writeFileSync(file, changed);
      try {
        const rows = await readParquet(file);
        for (const { name } of rows.columns)
          expect(typeof name, `byte ${at}: ${byte}`).toBe("string");
        counts.read++;
      } catch (error) {
        expect(isTidemarkError(error), `byte ${at}: ${byte}: ${String(error)}`).toBe(true);
        counts.refused++;
      }
    }
  }
  expect(Math.min(counts.read, counts.refused)).toBeGreaterThan(100);
});
