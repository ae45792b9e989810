/**
 * Erases a person from the real stores, and searches every byte of their files for values that are
 * that person's alone.
 */
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { expect, test } from "vitest";
import { OTHERS, PERSONAL } from "../../src/personal-log.ts";
import { filledStores, NOW, reached, REQUEST, runTopic } from "../../src/personal-stores.ts";
import { inFolder, lakePath, topicPath } from "../../src/real-stores.ts";
import { findBytes } from "../../src/stored-bytes.ts";

const DAY = 24 * 3_600_000;

test("with now, no byte of the person is left in any file of the stores", async () => {
  await inFolder(async (folder) => {
    const { store } = await filledStores(folder);
    const before = reached(await findBytes(folder, PERSONAL));
    for (const needle of PERSONAL.keys())
      expect(before.filter((one) => one.startsWith(`${needle} in`)).length, needle).toBeGreaterThan(
        1,
      );
    const receipt = await store.erase({ ...REQUEST, now: true });
    expect(reached(await findBytes(folder, PERSONAL))).toEqual([]);
    expect(reached(await findBytes(folder, OTHERS)).length).toBeGreaterThan(3);
    expect(receipt.isPurged).toBe(true);
    // the run goes on, and nothing comes back
    await runTopic(store, topicPath(folder));
    await store.close();
    expect(reached(await findBytes(folder, PERSONAL))).toEqual([]);
  });
});

test("without now, no byte is left after the time of the receipt", async () => {
  await inFolder(async (folder) => {
    const { store } = await filledStores(folder);
    const receipt = await store.erase(REQUEST);
    const after = reached(await findBytes(folder, PERSONAL));
    expect(after.filter((one) => !one.endsWith(".parquet") || one.includes("_delta_log"))).toEqual(
      [],
    );
    expect(after.length).toBeGreaterThan(0);
    const until = Date.parse(receipt.oldVersionsUntil!);
    expect(until).toBe(NOW.getTime() + 7 * DAY);
    const lake = deltaOfflineStore(localObjects(lakePath(folder)), {
      // the files have the time of the machine
      clock: () => Date.now() + 7 * DAY + 1_000,
    });
    for (const { name } of store.tables())
      if ((await lake.state(name)) !== null) await lake.vacuum(name);
    await store.close();
    expect(reached(await findBytes(folder, PERSONAL))).toEqual([]);
    expect(reached(await findBytes(folder, OTHERS)).length).toBeGreaterThan(3);
  });
});
