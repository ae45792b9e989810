/** Partitions are scanned in the order of the filter, whenever their files were written. */
import { batchOf } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { deltaOfflineStore, localObjects } from "../src/index.ts";
import { column, temporary, valuesOf } from "./lakes.ts";

test("the partitions that are asked for come in their order", async () => {
  const columns = [column("part", "int32"), column("id", "int64")];
  const table = { name: "parts", columns, partitionBy: ["part"] };
  const store = deltaOfflineStore(localObjects(await temporary()));
  for (const [part, id] of [
    [3, 1n],
    [0, 2n],
    [null, 3n],
    [7, 4n],
    [3, 5n],
  ] as const)
    await store.append(table, [batchOf(columns, [[part, id]])], { positions: [] });
  const ids = async (parts: readonly (number | null)[]) =>
    (await valuesOf(store.scan("parts", { columns: ["id"], partitions: { part: parts } }))).flat();
  expect(await ids([0, 3, 7])).toEqual([2n, 1n, 5n, 4n]);
  expect(await ids([7, null, 3])).toEqual([4n, 3n, 1n, 5n]);
});
