import { restoreBackup, type Store } from "@tidemark/core";
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import { seedsFromEnvironment } from "@tidemark/testkit";
import { startNode } from "@tidemark/testkit/child-process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { BackupRun } from "../src/backup-child.ts";
import {
  answers,
  definitions,
  generatedLog,
  logSource,
  openIn,
  openOver,
  stores,
} from "../src/backup-log.ts";
import { inFolder, lakePath } from "../src/real-stores.ts";

const { first: firstSeed, runs } = seedsFromEnvironment({ runs: 8 });
const seeds = Array.from({ length: runs }, (_, i) => firstSeed + i);

/** The answers of stores that were never restored. */
async function expected(log: ReturnType<typeof generatedLog>): Promise<string> {
  const store = await openOver({ online: memoryOnlineStore(), offline: memoryOfflineStore() });
  await store.run(logSource(log));
  return answers(store);
}

const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "answered",
    (error: { readonly code: string }) => error.code,
  );

/** Closes a store after use. */
async function withStore<T>(store: Store, use: (store: Store) => Promise<T>): Promise<T> {
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

test.for(seeds)(
  "backups while a run and a server work, restored: nothing is lost or doubled; seed %i",
  { timeout: 120_000 },
  (seed) =>
    inFolder(async (folder) => {
      const log = generatedLog(seed, 300);
      const whole = await expected(log);
      const at = [20, 90, 170, 250];
      const backups: Promise<unknown>[] = [];
      const server = await openIn(folder);
      let serving = true;
      const served = (async () => {
        while (serving) {
          expect(["answered", "NOT_READY"]).toContain(await codeOf(answers(server)));
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      })();
      await withStore(await openIn(folder), async (store) => {
        const backer = await openIn(folder);
        await store.run(
          logSource(log, {
            async wait(batch) {
              const n = at.indexOf(batch);
              if (n >= 0)
                backups.push(
                  backer.backup({
                    to: join(folder, `backup ${n}`),
                    history: n % 2 === 0 ? "copy" : "pin",
                  }),
                );
              await new Promise((resolve) => setImmediate(resolve));
            },
          }),
        );
        await Promise.all(backups);
        await backer.close();
      });
      serving = false;
      await served;
      await server.close();

      for (const n of at.keys()) {
        const from = join(folder, `backup ${n}`);
        const target = join(folder, `restored ${n}`);
        mkdirSync(target);
        // a copied history goes beside the restored online store; a pinned one stays where it is
        const lake = n % 2 === 0 ? lakePath(target) : lakePath(folder);
        const checked = await restoreBackup({
          from,
          definitions,
          check: true,
          ...stores(target, lake),
        });
        expect(readdirSync(target)).toEqual([]);
        const result = await restoreBackup({ from, definitions, ...stores(target, lake) });
        expect({ ...result }).toEqual({ ...checked });
        await withStore(await openIn(target, lake), async (store) => {
          expect(["NOT_READY", "ONLINE_STORE_OLDER", "NEEDS_BACKFILL"]).toContain(
            await codeOf(answers(store)),
          );
          if (n >= 2) await store.backfill();
          await store.run(logSource(log));
          expect(await answers(store), `backup ${n}`).toBe(whole);
          const status = await store.status();
          expect(status.map(({ problem }) => problem)).toEqual([null, null]);
        });
        // what was restored is not overwritten
        expect(await codeOf(restoreBackup({ from, definitions, ...stores(target, lake) }))).toBe(
          "ONLINE_STORE_NOT_EMPTY",
        );
      }
    }),
);

const BACKUP_STEPS = [
  "online",
  "online copied",
  "history",
  "pinned",
  "table",
  "registry",
  "manifest",
  "progress",
];
const RESTORE_STEPS = ["history", "table", "registry", "online", "done", "progress"];
const child = fileURLToPath(new URL("../src/backup-child.ts", import.meta.url));

async function killed(run: BackupRun): Promise<void> {
  const { signal, output } = await startNode(child, [JSON.stringify(run)]).ended;
  expect(signal, output).toBe("SIGKILL");
}

/** Which visit of a step is killed. The tables are four, and each has files that are copied. */
function visitOf(step: string, occurrence: number): number {
  if (step === "progress") return 3 * occurrence;
  return step === "table" ? Math.min(occurrence, 4) : 1;
}

test(
  "kill -9 at every step: no backup that a restore accepts, and no half restore that stays",
  { timeout: 600_000 },
  () =>
    inFolder(async (folder) => {
      const log = generatedLog(firstSeed, 200);
      const whole = await expected(log);
      await withStore(await openIn(folder), (store) => store.run(logSource(log, { upTo: 120 })));
      const good = join(folder, "good");
      const before = await withStore(await openIn(folder), async (store) => {
        await store.backup({ to: good, history: "copy" });
        return answers(store);
      });
      const jobs: (() => Promise<void>)[] = [];
      for (const occurrence of [1, 2, 3, 4, 5]) {
        for (const step of BACKUP_STEPS)
          jobs.push(async () => {
            const backup = join(folder, `backup at ${step} ${occurrence}`);
            const kill = { step, occurrence: visitOf(step, occurrence) };
            await killed({ folder, backup, call: "backup", kill });
            const check = (): Promise<string> =>
              codeOf(restoreBackup({ from: backup, definitions, check: true, ...stores(folder) }));
            expect(await check()).toBe("BACKUP_INCOMPLETE");
            await withStore(await openIn(folder), async (store) => {
              expect(await answers(store), `the stores after ${step}`).toBe(before);
              if (readdirSync(backup).length > 0) {
                const again = store.backup({ to: backup, history: "copy" });
                await expect(again).rejects.toThrow("a backup that was not finished");
                rmSync(backup, { recursive: true });
              }
              await store.backup({ to: backup, history: "copy" });
            });
            expect(await check()).toBe("answered");
          });
        for (const step of RESTORE_STEPS)
          jobs.push(async () => {
            const target = join(folder, `restore at ${step} ${occurrence}`);
            mkdirSync(target);
            const kill = { step, occurrence: visitOf(step, occurrence) };
            await killed({ folder: target, backup: good, call: "restore", kill });
            await restoreBackup({
              from: good,
              definitions,
              replaceOnline: true,
              ...stores(target),
            });
            await withStore(await openIn(target), async (store) => {
              await store.run(logSource(log));
              expect(await answers(store), step).toBe(whole);
            });
          });
      }
      const work = async (): Promise<void> => {
        for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job();
      };
      await Promise.all([work(), work()]);
      console.log(
        `kill -9, TIDEMARK_SEED=${firstSeed}: 5 at each of ${BACKUP_STEPS.join(", ")} of a ` +
          "backup, " +
          `5 at each of ${RESTORE_STEPS.join(", ")} of a restore`,
      );
    }),
);

test("a file of a backup that is changed or gone is BACKUP_DAMAGED", () =>
  inFolder(async (folder) => {
    const log = generatedLog(firstSeed, 100);
    await withStore(await openIn(folder), async (store) => {
      await store.run(logSource(log));
      await store.backup({ to: join(folder, "good"), history: "copy" });
    });
    const check = (): Promise<string> =>
      codeOf(
        restoreBackup({ from: join(folder, "bad"), definitions, check: true, ...stores(folder) }),
      );
    const files = readdirSync(join(folder, "good"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== "backup.json")
      .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, "good").length + 1));
    expect(files.length).toBeGreaterThan(4);
    for (const file of files) {
      for (const harm of ["changed", "gone"]) {
        rmSync(join(folder, "bad"), { recursive: true, force: true });
        cpSync(join(folder, "good"), join(folder, "bad"), { recursive: true });
        if (harm === "gone") rmSync(join(folder, "bad", file));
        else appendFileSync(join(folder, "bad", file), "x");
        expect(await check(), `${file} ${harm}`).toBe("BACKUP_DAMAGED");
      }
    }
    expect(existsSync(join(folder, "good", "backup.json"))).toBe(true);
  }));

test("vacuum keeps the files of a pinned version, and restore --check sees a lack", () =>
  inFolder(async (folder) => {
    const log = generatedLog(firstSeed, 200);
    const from = join(folder, "backup");
    await withStore(await openIn(folder, lakePath(folder), () => new Date()), async (store) => {
      await store.run(logSource(log, { upTo: 60 }));
      await store.backup({ to: from });
      await store.run(logSource(log));
    });
    const { online, offline } = stores(folder);
    const check = (): Promise<string> =>
      codeOf(restoreBackup({ from, definitions, check: true, online, offline }));
    for (const table of ["payments/changes", "payments/versions", "customers/versions"]) {
      await offline.optimize!(table);
      await offline.vacuum!(table, { retention: "0s" });
    }
    expect(await check()).toBe("answered");
    rmSync(join(lakePath(folder), "_tidemark", "pins"), { recursive: true });
    await offline.vacuum!("payments/versions", { retention: "0s" });
    expect(await check()).toBe("OBJECT_MISSING");
  }));

interface LogAction {
  readonly add?: { readonly path: string } | undefined;
  readonly remove?: { readonly path: string } | undefined;
}

/** Brings the files of an older version back, as RESTORE of Spark and delta-rs does. */
function restoreTable(lake: string, table: string, version: number): void {
  const log = join(lake, table, "_delta_log");
  const entries = readdirSync(log)
    .filter((name) => /^\d{20}\.json$/.test(name))
    .sort();
  const live = new Map<string, LogAction>();
  let then = new Map<string, LogAction>();
  for (const [i, name] of entries.entries()) {
    for (const line of readFileSync(join(log, name), "utf8").trim().split("\n")) {
      const action = JSON.parse(line) as LogAction;
      if (action.remove !== undefined) live.delete(action.remove.path);
      if (action.add !== undefined) live.set(action.add.path, action);
    }
    if (i === version) then = new Map(live);
  }
  const actions: unknown[] = [
    { commitInfo: { timestamp: 1, operation: "RESTORE", operationParameters: { version } } },
  ];
  for (const [path, action] of then) if (!live.has(path)) actions.push(action);
  for (const path of live.keys())
    if (!then.has(path)) actions.push({ remove: { path, deletionTimestamp: 1, dataChange: true } });
  const next = `${String(entries.length).padStart(20, "0")}.json`;
  writeFileSync(join(log, next), actions.map((one) => JSON.stringify(one)).join("\n"));
}

test("a lake that another tool restored is HISTORY_OLDER, and a run repairs it", () =>
  inFolder(async (folder) => {
    const log = generatedLog(firstSeed, 200);
    await withStore(await openIn(folder), (store) => store.run(logSource(log, { upTo: 60 })));
    const { offline } = stores(folder);
    const tables = ["payments/changes", "payments/versions"];
    const versions: number[] = [];
    for (const table of tables) versions.push((await offline.state(table))!.version);
    await withStore(await openIn(folder), (store) => store.run(logSource(log)));
    for (const [i, table] of tables.entries()) restoreTable(lakePath(folder), table, versions[i]!);
    await withStore(await openIn(folder), async (store) => {
      const status = await store.status();
      expect(status.map(({ problem }) => problem?.code ?? null)).toEqual(["HISTORY_OLDER", null]);
      expect(await codeOf(answers(store))).toBe("HISTORY_OLDER");
      await store.run(logSource(log));
      expect(await answers(store)).toBe(await expected(log));
    });
  }));

test("a copied backup is refused over an older lake, and replaces it when it is told to", () =>
  inFolder(async (folder) => {
    const log = generatedLog(firstSeed, 200);
    const lake = lakePath(folder);
    const [from, older] = [join(folder, "backup"), join(folder, "older")];
    await withStore(await openIn(folder), (store) => store.run(logSource(log, { upTo: 60 })));
    cpSync(lake, older, { recursive: true });
    await withStore(await openIn(folder), async (store) => {
      await store.run(logSource(log));
      await store.backup({ to: from, history: "copy" });
    });
    rmSync(lake, { recursive: true });
    cpSync(older, lake, { recursive: true });
    const { online, offline } = stores(folder);
    const given = { from, definitions, online, offline, replaceOnline: true };
    for (const check of [true, false])
      expect(await codeOf(restoreBackup({ ...given, check }))).toBe("RESTORE_OLDER_HISTORY");
    await restoreBackup({ ...given, replaceHistory: true });
    await withStore(await openIn(folder), async (store) => {
      await store.run(logSource(log));
      expect(await answers(store)).toBe(await expected(log));
    });
  }));
