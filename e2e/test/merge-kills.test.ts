/**
 * Kills merges of the history with -9 at every point that they pass, and lets several merge at once
 * (law 5: position and effect are committed together; law 3: one answer).
 */
import { openStore } from "@tidemark/core";
import { recordedTopic } from "@tidemark/source-debezium";
import {
  compareAnswers,
  differenceText,
  feed,
  mergeHistory,
  scenarioDefinitions,
  seedsFromEnvironment,
  UNMERGED_LAYOUT,
  type Scenario,
} from "@tidemark/testkit";
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { historyContext } from "../../packages/core/src/offline/history-context.ts";
import { isOlderLayout } from "../../packages/core/src/offline/uncompacted-log.ts";
import { layoutOf } from "../../packages/core/src/offline/versions-layout.ts";
import { olderVersionsOf } from "../../packages/core/test/support/older-versions.ts";
import { startChildProgram } from "../src/child-programs.ts";
import { checkFiles } from "../src/crash-checks.ts";
import { crashScenario } from "../src/crash-scenario.ts";
import type { MergeRun } from "../src/merge-child.ts";
import { inFolder, lakePath, realStores, topicPath } from "../src/real-stores.ts";

const { first: seed } = seedsFromEnvironment({ runs: 1 });
const settings = { seed, changes: 120 };
const scenario = crashScenario(settings, { requests: 20 });

/** Brings the log into the stores in some runs, each with its own compaction, up to a line. */
async function feedUpTo(folder: string, line: number): Promise<void> {
  const stores = realStores(folder);
  writeFileSync(topicPath(folder), `${scenario.lines.slice(0, line).join("\n")}\n`);
  const topic = recordedTopic(topicPath(folder), {
    onWarning: () => undefined,
    unreadable: "keep",
    batchChanges: 5,
  });
  await feed(scenario, stores, { layoutLimits: UNMERGED_LAYOUT, commitRows: 7 }, topic);
  await stores.online.close();
  await stores.offline.close();
}

/** A history whose corrections wait for a merge. */
async function fill(folder: string): Promise<void> {
  const { length } = scenario.lines;
  for (const part of [0.3, 0.6, 0.8, 1]) await feedUpTo(folder, Math.ceil(length * part));
}

/** The same history, whose versions an older Tidemark wrote. */
async function makeOlder(folder: string): Promise<void> {
  for (const source of scenario.sources) {
    const { offline } = realStores(folder);
    const name = `${source.name}/versions`;
    if ((await offline.state(name)) === null) continue;
    await mergeHistory(offline, source);
    const older = await olderVersionsOf(historyContext(offline, source), 3);
    await offline.close();
    rmSync(join(lakePath(folder), name), { recursive: true });
    const emptied = realStores(folder).offline;
    await older.writeTo(historyContext(emptied, source));
    expect(isOlderLayout(await emptied.state(name))).toBe(true);
    await emptied.close();
  }
}

async function sameAnswers(folder: string, what: string, of: Scenario = scenario): Promise<void> {
  const stores = realStores(folder);
  await stores.online.open({ namespace: "test" });
  const differences = await compareAnswers(of, stores, {});
  expect(differences.slice(0, 5).map(differenceText), what).toEqual([]);
  await stores.online.close();
  await stores.offline.close();
}

function startMerge(folder: string, times: number, kill: MergeRun["kill"]): Promise<string[]> {
  const run: MergeRun = { folder, ...settings, times, kill };
  const child = startChildProgram("../../src/merge-child.ts", [JSON.stringify(run)]);
  return child.ended.then(({ how }) => {
    if (how !== (kill === null ? "0" : "SIGKILL"))
      throw child.failure(`seed ${seed}, ${JSON.stringify(kill)}: ended with ${how}`);
    return [...child.lines];
  });
}

/** The first and the last pass of each point. */
function passesOf(lines: readonly string[]): NonNullable<MergeRun["kill"]>[] {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return [...counts].flatMap(([point, count]) =>
    [...new Set([1, count])].map((occurrence) => ({ point, occurrence })),
  );
}

/** Kills a merge at each point, each time on a copy. */
async function killAtEachPoint(filled: string, wanted: readonly string[]): Promise<void> {
  const points = await inFolder(async (folder) => {
    cpSync(filled, folder, { recursive: true });
    const passed = await startMerge(folder, 1, null);
    await checkFiles(folder, scenario);
    return passesOf(passed);
  });
  expect(points.map(({ point }) => point)).toEqual(expect.arrayContaining([...wanted]));
  for (const kill of points)
    await inFolder(async (folder) => {
      cpSync(filled, folder, { recursive: true });
      await startMerge(folder, 1, kill);
      await sameAnswers(folder, `seed ${seed}, killed at ${JSON.stringify(kill)}`);
      // it merges what is left, and compares each row of the tables
      await checkFiles(folder, scenario);
    });
}

test("kill -9 at every point of a merge and of optimize", { timeout: 600_000 }, () =>
  inFolder(async (folder) => {
    await fill(folder);
    const { offline } = realStores(folder);
    const waiting = await Promise.all(
      scenario.sources.map(async ({ name }) => {
        const state = await offline.state(`${name}/versions`);
        return state === null ? 0 : layoutOf(state)!.corrections.length;
      }),
    );
    expect(Math.max(...waiting)).toBeGreaterThan(0);
    await offline.close();
    await killAtEachPoint(folder, [
      "versions temporary-written",
      "versions parquet-written",
      "versions before-commit",
      "versions after-commit",
      "optimize changes parquet-written",
      "optimize changes before-commit",
      "optimize changes after-commit",
    ]);
  }),
);

test("kill -9 at every point of the rewrite of an older layout", { timeout: 600_000 }, () =>
  inFolder(async (folder) => {
    await fill(folder);
    await makeOlder(folder);
    await sameAnswers(folder, "in an older layout");
    await killAtEachPoint(folder, ["versions before-commit", "versions after-commit"]);
  }),
);

test("an interrupted rewrite of an older layout leaves it as it was", () =>
  inFolder(async (folder) => {
    await fill(folder);
    await makeOlder(folder);
    const { offline } = realStores(folder);
    const store = await openStore({
      definitions: scenarioDefinitions(scenario),
      offline: { store: offline, buckets: 4, rewriteBytes: 2_000 },
      onDefinitionMismatch: "ignore",
    });
    const interruption = new AbortController();
    const seen: unknown[] = [];
    await expect(
      store.compact({
        signal: interruption.signal,
        onProgress(progress) {
          seen.push(progress);
          interruption.abort(new Error("interrupted"));
        },
      }),
    ).rejects.toThrow("interrupted");
    expect(seen).toHaveLength(1);
    await sameAnswers(folder, "interrupted");
    await store.compact();
    for (const { name } of scenario.sources) {
      const state = await offline.state(`${name}/versions`);
      if (state !== null) expect(isOlderLayout(state)).toBe(false);
    }
    await store.close();
    await checkFiles(folder, scenario);
  }));

test("three processes merge at once while a run appends", { timeout: 600_000 }, () =>
  inFolder(async (folder) => {
    const { length } = scenario.lines;
    await feedUpTo(folder, Math.ceil(length * 0.1));
    const merges = [1, 2, 3].map(() => startMerge(folder, 12, null));
    let ended = false;
    const all = Promise.all(merges).finally(() => {
      ended = true;
    });
    let [line, runs] = [Math.ceil(length * 0.1), 0];
    while (line < length) {
      line = Math.min(length, line + 4);
      await feedUpTo(folder, line);
      if (!ended) runs++;
    }
    const passed = (await all).map(
      (lines) => lines.filter((one) => one === "versions after-commit").length,
    );
    expect(runs).toBeGreaterThan(1);
    expect(passed.filter((commits) => commits > 0).length, String(passed)).toBeGreaterThan(1);
    await checkFiles(folder, scenario);
  }),
);
