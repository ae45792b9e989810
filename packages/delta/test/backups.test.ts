import assert from "node:assert/strict";
import { isTidemarkError } from "@tidemark/core";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { describe, test } from "vitest";
import { idsOf, numbers, rowsOfNumbers, temporary } from "./lakes.ts";

const HOUR = 3600e6;

describe("backups of a lake", () => {
  test("a pin of a version that an erasure has forgotten keeps nothing", async () => {
    const objects = localObjects(await temporary());
    const store = deltaOfflineStore(objects);
    await store.append(numbers, rowsOfNumbers(1, 2), { positions: [] });
    const tables = [{ name: numbers.name, version: 0 }];
    const pin = { id: "b", until: Date.now() * 1000 + HOUR, tables };
    await store.backups!.pin(pin);
    await store.rewrite(numbers, rowsOfNumbers(2), {
      replaced: {},
      expectedVersion: 0,
      positions: [],
    });
    await store.vacuum(numbers.name, { retention: "0s" });
    assert.deepEqual(await store.backups!.missing(numbers.name, 0), []);
    await store.forgetReplaced!(numbers.name, { files: true });
    await store.vacuum(numbers.name, { retention: "0s" });
    const missing = await deltaOfflineStore(objects).backups!.missing(numbers.name, 0);
    assert.equal(missing.length, 1);
    assert.deepEqual(await idsOf(store), [2]);
  });

  test("a pin that cannot be read stops a vacuum by name, and removes nothing", async () => {
    const objects = localObjects(await temporary());
    const store = deltaOfflineStore(objects);
    await store.append(numbers, rowsOfNumbers(1), { positions: [] });
    await objects.put("_tidemark/pins/b.json", new TextEncoder().encode("{"));
    await assert.rejects(store.vacuum(numbers.name, { retention: "0s" }), (error) =>
      isTidemarkError(error, "BACKUP_DAMAGED"),
    );
  });
});
