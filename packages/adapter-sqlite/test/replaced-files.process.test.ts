/** Tests a file that is deleted, moved or replaced while a store has it open. */
import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { isTidemarkError } from "@tidemark/core";
import type { CellWrite, OnlineStore } from "@tidemark/core/spi";
import { expect, test } from "vitest";
import { TRUST_TIME } from "../src/file-guard.ts";
import { type SqliteOnlineOptions, sqliteOnlineStore } from "../src/index.ts";
import { inDirectory } from "./processes.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const KEY = text("a");
const put = (value: string): CellWrite => ({
  key: KEY,
  value: text(value),
  expected: undefined,
  expires: null,
});

async function openStore(file: string, options?: SqliteOnlineOptions): Promise<OnlineStore> {
  const store = sqliteOnlineStore(file, options);
  await store.open({ namespace: "test" });
  return store;
}

/** Writes a value, and moves the position of a partition on by one. */
async function write(store: OnlineStore, value: string): Promise<string> {
  const at = (await store.positions("s"))[0]?.offset ?? null;
  return store.write({
    source: "s",
    cells: [put(value)],
    positions: [{ partition: "p", expected: at, next: (at ?? -1) + 1 }],
  });
}

/** The value that the store has; a refusal's code. */
async function valueIn(store: OnlineStore): Promise<string | null> {
  try {
    const [cell] = await store.read([KEY]);
    return cell == null ? null : new TextDecoder().decode(cell.value);
  } catch (error) {
    if (isTidemarkError(error)) return error.code;
    throw error;
  }
}

/** The value after the store's trust in its last look has ended. */
async function valueLater(store: OnlineStore): Promise<string | null> {
  await setTimeout(TRUST_TIME + 10);
  return valueIn(store);
}

/** Makes another file that holds a value, closed. */
async function otherFile(file: string, value: string): Promise<void> {
  const store = await openStore(file);
  await write(store, value);
  await store.close();
}

/** The files of the write-ahead log. */
const logs = (file: string): readonly string[] => [`${file}-wal`, `${file}-shm`];

test("a deleted file is refused by readers and writers, and no new one is made", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    const store = await openStore(file);
    await write(store, "one");
    const reader = await openStore(file, { readOnly: true });
    rmSync(file);
    expect([await valueLater(store), await valueIn(reader)]).toEqual([
      "ONLINE_FILE_GONE",
      "ONLINE_FILE_GONE",
    ]);
    await expect(write(store, "two")).rejects.toMatchObject({
      code: "ONLINE_FILE_GONE",
      retryable: true,
    });
    expect(existsSync(file)).toBe(false);
    await reader.close();
    await store.close();
    // a process that starts anew makes a new file
    const fresh = await openStore(file);
    expect(await valueIn(fresh)).toBe(null);
    await fresh.close();
  });
});

test("a file that is deleted during a step does not acknowledge the step", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    let deletes = false;
    const store = await openStore(file, {
      failpoint: (name) => {
        if (deletes && name === "before-commit") rmSync(file);
      },
    });
    await write(store, "one");
    deletes = true;
    await expect(write(store, "two")).rejects.toMatchObject({ code: "ONLINE_FILE_GONE" });
    await store.close();
  });
});

test("a file that is moved away and back is served again, and goes on", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    const store = await openStore(file);
    await write(store, "one");
    renameSync(file, `${file}.away`);
    expect(await valueLater(store)).toBe("ONLINE_FILE_GONE");
    renameSync(`${file}.away`, file);
    expect(await valueIn(store)).toBe("one");
    expect(await write(store, "two")).toBe("done");
    await store.close();
    const again = await openStore(file);
    expect([await valueIn(again), await again.positions("s")]).toEqual([
      "two",
      [{ partition: "p", offset: 1 }],
    ]);
    await again.close();
  });
});

test("another file with its own log is opened; nothing of the former file is seen", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    const store = await openStore(file);
    await write(store, "one");
    const [before] = await store.read([KEY]);
    const counter = store.changeCounter!();
    const other = join(directory, "other.db");
    await otherFile(other, "new");
    for (const log of logs(file)) rmSync(log);
    renameSync(other, file);
    await setTimeout(TRUST_TIME + 10);
    // the cell has the same version in both files
    const [after] = await store.readIfChanged!([KEY], [before!.version]);
    expect(after).not.toBe("same");
    expect(await valueIn(store)).toBe("new");
    expect(store.changeCounter!()).not.toBe(counter);
    // a write that expects a cell of the former file is a conflict
    const stale = { ...put("two"), expected: before!.version };
    expect(await store.write({ source: "s", cells: [stale], positions: [] })).toBe("conflict");
    const [cell] = await store.read([KEY]);
    const step = { ...put("three"), expected: cell!.version };
    expect(await store.write({ source: "s", cells: [step], positions: [] })).toBe("done");
    // the log of the new file is its own, and was not removed with the former connection
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(0);
    const reader = await openStore(file, { readOnly: true });
    expect(await valueIn(reader)).toBe("three");
    await reader.close();
    await store.close();
  });
});

test("a new file beside the log of the former one is refused until the log is gone", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    const store = await openStore(file);
    await write(store, "one");
    const other = join(directory, "other.db");
    await otherFile(other, "new");
    await setTimeout(TRUST_TIME + 10);
    expect(await valueIn(store)).toBe("one");
    renameSync(other, file);
    expect(await valueLater(store)).toBe("ONLINE_FILE_GONE");
    await expect(write(store, "two")).rejects.toMatchObject({
      message: expect.stringContaining("remove the files that end with -wal and -shm"),
    });
    for (const log of logs(file)) rmSync(log);
    expect(await valueIn(store)).toBe("new");
    await store.close();
  });
});

test("an empty file is a new store, and the former log is not read into it", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    const store = await openStore(file);
    await write(store, "one");
    rmSync(file);
    writeFileSync(file, "");
    expect(await valueLater(store)).toBe(null);
    expect(await store.positions("s")).toEqual([]);
    expect(await write(store, "two")).toBe("done");
    await store.close();
    const again = await openStore(file);
    expect(await valueIn(again)).toBe("two");
    await again.close();
  });
});

test("a file that is none of Tidemark's is refused by its name until it is replaced", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    const store = await openStore(file);
    await write(store, "one");
    for (const path of [file, ...logs(file)]) rmSync(path);
    writeFileSync(file, "no database, but text that is long enough to look like one ".repeat(40));
    expect(await valueLater(store)).toBe("ONLINE_STORE_DAMAGED");
    expect(await valueIn(store)).toBe("ONLINE_STORE_DAMAGED");
    rmSync(file);
    expect(await valueLater(store)).toBe("ONLINE_FILE_GONE");
    const other = join(directory, "other.db");
    await otherFile(other, "new");
    renameSync(other, file);
    expect(await valueLater(store)).toBe("new");
    await store.close();
  });
});

test("a directory that goes away and comes back, as a volume does", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "volume", "online.db");
    const store = await openStore(file);
    await write(store, "one");
    renameSync(dirname(file), join(directory, "unmounted"));
    expect(await valueLater(store)).toBe("ONLINE_FILE_GONE");
    // the mount point without the volume
    mkdirSync(dirname(file));
    expect(await valueIn(store)).toBe("ONLINE_FILE_GONE");
    expect(existsSync(file)).toBe(false);
    rmSync(dirname(file), { recursive: true });
    renameSync(join(directory, "unmounted"), dirname(file));
    expect(await valueIn(store)).toBe("one");
    expect(await write(store, "two")).toBe("done");
    await store.close();
  });
});
