import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { batchOf } from "@tidemark/core/spi";
import { writeParquet } from "@tidemark/delta";
import { expect, onTestFinished, test } from "vitest";
import { fileRows } from "../../src/load/day-rows.ts";

test("a list in a Parquet file is refused, because no column of a table holds it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-load-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "payments.parquet");
  const text = { type: "string", nullable: false } as const;
  const columns = [
    { name: "id", database: "id", type: "int64", nullable: false },
    { name: "tags", database: "tags", type: "list", nullable: true, element: text },
  ] as const;
  await writeParquet(file, { columns, batches: [batchOf(columns, [[1n, ["a"]]])] });
  await expect(fileRows(file, new AbortController().signal)).rejects.toMatchObject({
    code: "LOAD_ROW_INVALID",
    message: expect.stringContaining(
      'column "tags" is a list, which a table cannot hold; write it as plain columns',
    ) as string,
  });
});
