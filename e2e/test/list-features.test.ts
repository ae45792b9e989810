/** Tests features of lists and maps in the files of real stores: features tables, training sets. */
import { readParquet, writeParquet } from "@tidemark/delta";
import { valueAt, type Value } from "@tidemark/core/spi";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  entityRows,
  featuresTableOf,
  FEATURES,
  habits,
  openHabits,
  trainingOf,
  valuesOf,
} from "../src/list-features.ts";
import { inFolder, realStores } from "../src/real-stores.ts";

test("a features table holds lists and maps, and they are served", async () => {
  await inFolder(async (folder) => {
    const { offline } = realStores(folder);
    const store = await openHabits(offline);
    await store.materialize({ from: "2025-06-10", to: "2025-06-17" });
    const table = await featuresTableOf(offline);
    expect(table.columns.map(({ name, type }) => [name, type])).toEqual([
      ["user_id", "string"],
      ["event_timestamp", "timestamp"],
      ["num", "int64"],
      ["vendors", "list"],
      ["largest", "list"],
      ["by_vendor", "map"],
      ["recent_ids", "list"],
    ]);
    expect(table.rows.length).toBeGreaterThan(60);
    for (const [user, time, ...features] of table.rows)
      expect(features).toEqual(valuesOf(user as string, time as number));

    await offline.optimize("habits/features");
    expect((await featuresTableOf(offline)).rows).toHaveLength(table.rows.length);
    const [served] = (await store.getMaterialized({
      view: habits,
      entities: [{ user_id: "user_000003" }],
    })) as readonly Record<string, unknown>[];
    const [num, vendors, largest, byVendor] = valuesOf(
      "user_000003",
      Date.parse("2025-06-17T00:00:00Z") * 1000,
    );
    expect(served).toMatchObject({ num: Number(num), vendors, largest });
    expect(served!["by_vendor"]).toEqual(
      new Map((byVendor as [string, bigint][]).map(([vendor, n]) => [vendor, Number(n)])),
    );
    await store.close();
  });
});

test("a training set in Parquet holds lists and maps", async () => {
  await inFolder(async (folder) => {
    const store = await openHabits(realStores(folder).offline);
    const file = join(folder, "training.parquet");
    await writeParquet(file, await trainingOf(store));
    const rows: Value[][] = [];
    for await (const { length, vectors } of await readParquet(file, { columns: [...FEATURES] }))
      for (let i = 0; i < length; i++) rows.push(vectors.map((vector) => valueAt(vector, i)));
    expect(rows).toEqual(entityRows.map(({ user_id, t }) => valuesOf(user_id, t)));
    await store.close();
  });
});
