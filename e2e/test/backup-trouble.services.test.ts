/** What goes wrong around a backup: it is named, and nothing is lost (docs/recovery.md). */
import { type BackupOptions, restoreBackup } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { suiteNeeding } from "@tidemark/testkit/needs";
import { onSmallDisk, remount, smallDisks } from "@tidemark/testkit/small-disk";
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  answers,
  definitions,
  generatedLog,
  logSource,
  openIn,
  openOver,
  stores,
} from "../src/backup-log.ts";
import { databasePath, inFolder, lakePath } from "../src/real-stores.ts";

const log = generatedLog(7, 200);

const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "answered",
    (error: { readonly code?: string }) => error.code ?? String(error),
  );

/** The answers of stores that took the whole log. */
async function whole(): Promise<string> {
  const store = await openOver({ online: memoryOnlineStore(), offline: memoryOfflineStore() });
  await store.run(logSource(log));
  return answers(store);
}

/** Takes a part of the log into the stores of a folder. */
async function fill(folder: string, upTo = log.length): Promise<void> {
  const store = await openIn(folder);
  await store.run(logSource(log, { upTo }));
  await store.close();
}

async function backUp(folder: string, options: BackupOptions): Promise<void> {
  const store = await openIn(folder);
  try {
    await store.backup(options);
  } finally {
    await store.close();
  }
}

test("a lake that is not mounted: no backup without it, and no directory", () =>
  inFolder(async (folder) => {
    await fill(folder);
    renameSync(lakePath(folder), join(folder, "unmounted"));
    const to = join(folder, "backup");
    expect(await codeOf(backUp(folder, { to }))).toBe("HISTORY_MISSING");
    expect([existsSync(to), existsSync(lakePath(folder))]).toEqual([false, false]);
    renameSync(join(folder, "unmounted"), lakePath(folder));
    await backUp(folder, { to });
  }));

test("a lake that goes away while the online store is copied", () =>
  inFolder(async (folder) => {
    await fill(folder);
    const to = join(folder, "backup");
    const failpoint = (step: string): void => {
      if (step === "history") renameSync(lakePath(folder), join(folder, "unmounted"));
    };
    expect(["HISTORY_MISSING", "OBJECT_MISSING"]).toContain(
      await codeOf(backUp(folder, { to, failpoint })),
    );
    const restored = restoreBackup({ from: to, definitions, check: true, ...stores(folder) });
    expect(await codeOf(restored)).toBe("BACKUP_INCOMPLETE");
  }));

test("the history of one source is gone: it is named, and the other source answers", () =>
  inFolder(async (folder) => {
    await fill(folder);
    rmSync(join(lakePath(folder), "customers"), { recursive: true });
    const to = join(folder, "backup");
    expect(await codeOf(backUp(folder, { to }))).toBe("HISTORY_MISSING");
    const store = await openIn(folder);
    const status = await store.status();
    expect(status.map(({ source, problem }) => [source, problem?.code ?? null])).toEqual([
      ["payments", null],
      ["customers", "HISTORY_MISSING"],
    ]);
    await store.run(logSource(log), { newHistory: true });
    expect(await answers(store)).toBe(await whole());
    await store.close();
  }));

test("a plain copy of online.db under writes never answers another number", () =>
  inFolder(async (folder) => {
    const at = [10, 60, 120, 190];
    const store = await openIn(folder);
    await store.run(
      logSource(log, {
        async wait(batch) {
          if (!at.includes(batch)) return;
          mkdirSync(join(folder, `copy ${batch}`));
          copyFileSync(databasePath(folder), databasePath(join(folder, `copy ${batch}`)));
        },
      }),
    );
    await store.close();
    const expected = await whole();
    const told: string[] = [];
    for (const batch of at) {
      const copy = await openIn(join(folder, `copy ${batch}`), lakePath(folder));
      const code = await codeOf(answers(copy));
      told.push(code);
      expect(["ONLINE_STORE_OLDER", "NEEDS_BACKFILL", "NOT_READY"]).toContain(code);
      await copy.backfill();
      await copy.run(logSource(log));
      expect(await answers(copy)).toBe(expected);
      await copy.close();
    }
    console.log(`plain copies of online.db: ${told.join(", ")}`);
  }));

test("a restore over a file that is there writes nothing, and --check says so", () =>
  inFolder(async (folder) => {
    await fill(folder);
    const from = join(folder, "backup");
    await backUp(folder, { to: from, history: "copy" });
    const target = join(folder, "other");
    mkdirSync(target);
    copyFileSync(databasePath(folder), databasePath(target));
    const settings = { from, definitions, ...stores(target) };
    const { refused } = await restoreBackup({ ...settings, check: true });
    expect(refused?.code).toBe("ONLINE_STORE_NOT_EMPTY");
    expect(await codeOf(restoreBackup(settings))).toBe("ONLINE_STORE_NOT_EMPTY");
    expect(readdirSync(target)).toEqual(["online.db"]);
    const server = await openIn(target, join(folder, "no lake"));
    await server.status();
    const replacing = { ...settings, replaceOnline: true, replaceHistory: true };
    expect(await codeOf(restoreBackup(replacing))).toBe("ONLINE_STORE_BUSY");
    expect(existsSync(lakePath(target))).toBe(false);
    await server.close();
    expect((await restoreBackup(replacing)).refused).toBe(null);
  }));

test("the address of a bucket is no directory", () =>
  inFolder(async (folder) => {
    await fill(folder);
    const to = "s3://bucket/backup";
    expect(await codeOf(backUp(folder, { to }))).toBe("OPTION_INVALID");
    expect(await codeOf(restoreBackup({ from: to, definitions, ...stores(folder) }))).toBe(
      "OPTION_INVALID",
    );
  }));

test("an interrupted backup is unfinished, wherever it was interrupted", () =>
  inFolder(async (folder) => {
    await fill(folder);
    let interrupted = 0;
    for (let after = 1; ; after += 3) {
      const stop = new AbortController();
      const to = join(folder, `backup ${after}`);
      let steps = 0;
      const onProgress = (): void => {
        if (++steps === after) stop.abort();
      };
      const ended = backUp(folder, { to, history: "copy", signal: stop.signal, onProgress });
      const code = await codeOf(ended);
      if (steps < after) break;
      if (code === "answered") continue; // interrupted after its last file
      interrupted++;
      const checked = restoreBackup({ from: to, definitions, check: true, ...stores(folder) });
      expect(await codeOf(checked)).toBe("BACKUP_INCOMPLETE");
    }
    expect(interrupted).toBeGreaterThan(2);
  }));

suiteNeeding(smallDisks(), "full disks", () => {
  test("a backup to a full disk is named and unfinished; with room, the next one is whole", () =>
    inFolder(async (folder) => {
      await fill(folder);
      const disk = join(folder, "disk");
      mkdirSync(disk);
      await onSmallDisk(disk, "64k", async () => {
        const to = join(disk, "backup");
        expect(await codeOf(backUp(folder, { to, history: "copy" }))).toBe("BACKUP_CANNOT_WRITE");
        const check = (): Promise<string> =>
          codeOf(restoreBackup({ from: to, definitions, check: true, ...stores(folder) }));
        expect(await check()).toBe("BACKUP_INCOMPLETE");
        remount(disk, "size=64m");
        rmSync(to, { recursive: true });
        await backUp(folder, { to, history: "copy" });
        expect(await check()).toBe("answered");
      });
    }));

  test("a restore to a full disk is named; with room, the next one is whole", () =>
    inFolder(async (folder) => {
      await fill(folder);
      const from = join(folder, "backup");
      await backUp(folder, { to: from, history: "copy" });
      const disk = join(folder, "disk");
      mkdirSync(disk);
      await onSmallDisk(disk, "64k", async () => {
        const settings = { from, definitions, ...stores(disk) };
        const first = await codeOf(restoreBackup(settings));
        expect(["ONLINE_STORE_FULL", "OBJECTS_FULL"]).toContain(first);
        remount(disk, "size=64m");
        await restoreBackup({ ...settings, replaceHistory: true });
        const store = await openIn(disk);
        await store.run(logSource(log));
        expect(await answers(store)).toBe(await whole());
        await store.close();
      });
    }));
});
