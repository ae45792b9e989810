import { join } from "node:path";
import Database from "better-sqlite3";
import { seedsFromEnvironment } from "@tidemark/testkit";
import { expect, test } from "vitest";
import { sqliteOnlineStore } from "../src/index.ts";
import { counters, inDirectory, start } from "./processes.ts";

const CELLS = 12;

test("two processes hammering one store lose nothing and double nothing", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    const children = ["a", "b"].map((partition) => start("writer", [file, partition, 300, CELLS]));
    for (const child of children) expect(await child.ended).toMatchObject({ how: "0", stderr: "" });
    const store = sqliteOnlineStore(file);
    await store.open({ namespace: "test" });
    expect(await counters(store, CELLS)).toEqual(new Array(CELLS).fill(600));
    expect(await store.positions("s")).toEqual([
      { partition: "a", offset: 299 },
      { partition: "b", offset: 299 },
    ]);
    await store.close();
  });
});

test("processes that open one new file at once all find it made", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "new", "online.db");
    const children = Array.from({ length: 6 }, (_, i) => start("writer", [file, `p${i}`, 3, 1]));
    for (const child of children) expect(await child.ended).toMatchObject({ how: "0", stderr: "" });
    const store = sqliteOnlineStore(file);
    await store.open({ namespace: "test" });
    expect(await counters(store, 1)).toEqual([18]);
    await store.close();
  });
});

test("a file that another process prepares during the check is recognized", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    const other = sqliteOnlineStore(file, { busyTimeout: "20ms" });
    let others: Promise<unknown> | null = null;
    const database = new Database(file);
    const watched = new Proxy(database, {
      get(target, member) {
        const value: unknown = Reflect.get(target, member);
        if (typeof value !== "function") return value;
        return (...args: unknown[]): unknown => {
          // after the first read of the file, before the second
          if (member === "prepare" && args[0] === "PRAGMA user_version")
            others ??= other.open({ namespace: "test" }).catch((error: unknown) => error);
          return (value as (...all: unknown[]) => unknown).apply(target, args);
        };
      },
    });
    const store = sqliteOnlineStore(watched);
    await store.open({ namespace: "test" });
    expect(others).not.toBeNull();
    await others;
    await store.close();
    await other.close();
    database.close();
  });
});

test("a process that only reads sees whole steps while another writes", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    const writer = start("writer", [file, "p", 800, CELLS]);
    await writer.line();
    const reader = start("reader", [file, CELLS]);
    expect(await reader.ended).toMatchObject({ how: "0", stderr: "" });
    expect(await writer.ended).toMatchObject({ how: "0", stderr: "" });
    const { seen, last } = JSON.parse(reader.lines[0]!) as { seen: number; last: number };
    expect(last).toBe(800);
    expect(seen).toBeGreaterThan(10);
  });
});

test("kill -9 in a write loop: cells and positions agree; no written step is lost", async () => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    const { runs: kills } = seedsFromEnvironment({ runs: 30 });
    const steps = 100_000;
    let [midway, before] = [0, -1];
    for (let kill = 0; kill < kills; kill++) {
      const child = start("writer", [file, "p", steps, CELLS]);
      // Killed at a random step after the first, at a random time within it.
      const at = before + 2 + Math.floor(Math.random() * 40);
      child.onLine = (line) => {
        if (line !== `step ${at}`) return;
        setTimeout(() => {
          child.kill();
        }, Math.random() * 3);
      };
      expect(await child.ended).toMatchObject({ how: "SIGKILL", stderr: "" });
      const said = Number(child.lines.at(-1)!.split(" ")[1]);
      before = await expectConsistent(file);
      expect(before === said || before === said + 1).toBe(true);
      if (before > 0 && before < steps - 1) midway++;
    }
    console.log(
      `kill -9: ${midway} of ${kills} between the first and the last commit, ` +
        `${before + 1} steps in all`,
    );
    expect(midway).toBeGreaterThanOrEqual(Math.floor((kills * 2) / 3));
  });
});

test.each([
  ["before-commit", 0],
  ["after-commit", 1],
])("killed %s, a step is not half there", async (point, survives) => {
  await inDirectory(async (directory) => {
    const file = join(directory, "online.db");
    for (let round = 0; round < 5; round++) {
      const from = round === 0 ? -1 : await expectConsistent(file);
      const child = start("writer", [file, "p", 1000, CELLS, `${point}:${from + 3}`]);
      expect(await child.ended).toMatchObject({ how: "SIGKILL", stderr: "" });
      expect(await expectConsistent(file)).toBe(from + 2 + survives);
    }
  });
});

/**
 * Returns the position of the file. Checks that every counter equals the position and that SQLite's
 * integrity check passes.
 */
async function expectConsistent(file: string): Promise<number> {
  const store = sqliteOnlineStore(file);
  await store.open({ namespace: "test" });
  const [position] = await store.positions("s");
  expect(await counters(store, CELLS)).toEqual(new Array(CELLS).fill(position!.offset + 1));
  await store.close();
  const database = new Database(file, { readonly: true });
  expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
  database.close();
  return position!.offset;
}
