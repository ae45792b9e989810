/**
 * Tests that a rewrite gives the versions of its slow and obvious twin, which holds all changes of
 * a log in memory: for every kind of change, whatever fits in memory, and killed anywhere.
 */
import { seedsFromEnvironment } from "@tidemark/testkit";
import { Random } from "@tidemark/testkit/generate/random";
import { generateScenario } from "@tidemark/testkit/generate/scenario";
import { expect, test } from "vitest";
import { historyContext } from "../../src/offline/history-context.ts";
import { compactHistory } from "../../src/offline/compaction.ts";
import { rewriteVersions } from "../../src/offline/rewrite-versions.ts";
import { rowChangesOf, type KeyedRowChange, type RowChange } from "../../src/rows/row-change.ts";
import { deriveVersions, truncateOf, type Truncate } from "../../src/rows/row-versions.ts";
import type { SourceSpec } from "../../src/specs.ts";
import type { Change, OfflineStaging, OfflineStore } from "../../src/spi.ts";
import { memoryOfflineData, memoryOfflineStore } from "../../src/testing/memory-offline.ts";
import { readChangeLog } from "../../src/offline/change-log.ts";
import { History } from "../support/history.ts";
import { withLogOrder } from "../support/log-order.ts";

const { first, runs } = seedsFromEnvironment({ runs: 40 });

/** A history of these changes, whose versions are those of another table: none. */
async function historyOf(source: SourceSpec, changes: readonly Change[]): Promise<History> {
  const data = memoryOfflineData();
  const history = new History(source, memoryOfflineStore(data));
  await history.append(changes);
  const former = { ...source, table: `${source.table}_former` };
  await compactHistory(historyContext(memoryOfflineStore(data), former), { buckets: 1 });
  return history;
}

/** All versions of a history, row by row, from all changes in memory. */
async function obviousVersions(history: History): Promise<string[]> {
  const { source, tables, offline, rows } = history.context;
  const { version } = (await offline.state(tables.changes.name))!;
  const rowsOf = new Map<string, { key: KeyedRowChange["key"]; changes: RowChange[] }>();
  const truncates: Truncate[] = [];
  for await (const change of readChangeLog(offline, tables, source, { version })) {
    const truncate = truncateOf(change);
    if (truncate !== null) truncates.push(truncate);
    for (const { key, change: one } of rowChangesOf(source)(change)) {
      const text = rows.textOf(key);
      const row = rowsOf.get(text) ?? { key, changes: [] };
      row.changes.push(one);
      rowsOf.set(text, row);
    }
  }
  const versions = [...rowsOf.values()].flatMap(({ key, changes }) =>
    deriveVersions(source, changes, truncates).map((one) => ({ key, version: one })),
  );
  const twin = new History(source);
  await twin.context.offline.append(tables.versions, [rows.toBatch(versions, 0)], {
    positions: [],
  });
  return twin.versions();
}

/** The store, whose staging ends the process before or after its n-th call. */
function dyingAt(offline: OfflineStore, call: number, when: "before" | "after"): OfflineStore {
  let calls = 0;
  const staging = offline.staging!;
  const dying =
    <Args extends readonly unknown[]>(make: (...args: Args) => Promise<void>) =>
    async (...args: Args): Promise<void> => {
      if (++calls === call && when === "before") throw new Error("killed");
      await make(...args);
      if (calls === call) throw new Error("killed");
    };
  const { write, discard } = staging;
  const own: OfflineStaging = { ...staging, write: dying(write), discard: dying(discard) };
  return { ...offline, staging: own };
}

test(
  "a rewrite gives the versions of its obvious twin, whatever fits in memory",
  { timeout: 120_000 },
  async () => {
    let [staged, killed] = [0, 0];
    const scans = new Set<number>();
    for (let seed = first; seed < first + runs; seed++) {
      const scenario = generateScenario(seed, { traits: { changes: 60 } });
      const random = new Random(seed);
      for (const source of scenario.sources) {
        const changes = withLogOrder(source, scenario.truth);
        if (changes.length === 0) continue;
        const where = `seed ${seed}, ${source.name}`;
        const expected = await obviousVersions(await historyOf(source, changes));
        const options = {
          buckets: random.between(1, 9),
          maxBytes: random.pick([1, 2_000, 10_000, 1e9]),
        };
        for (const kind of ["staging", "no staging"] as const) {
          const history = await historyOf(source, changes);
          const { offline } = history.context;
          let reads = 0;
          const counting: OfflineStore = {
            ...offline,
            ...(kind === "staging" ? {} : { staging: undefined }),
            scan(table, given) {
              if (given.columns.includes("_row")) reads++;
              return offline.scan(table, given);
            },
          };
          const of = (store: OfflineStore) => ({ ...history.context, offline: store });
          if (kind === "staging")
            for (let kills = random.between(1, 4); kills > 0; kills--) {
              const when = random.pick(["before", "after"] as const);
              const dying = dyingAt(offline, random.between(1, 8), when);
              const how = random.pick([1, 2_000]);
              await rewriteVersions(of(dying), { ...options, maxBytes: how }).then(
                () => undefined,
                (error: Error) => {
                  expect(error.message, where).toBe("killed");
                  killed++;
                },
              );
            }
          const left = await offline.staging!.list(history.context.tables.versions.name);
          if (left.some(({ rewrite }) => rewrite.includes("-changes-"))) staged++;
          reads = 0;
          await rewriteVersions(of(counting), options);
          // the first changes are read for their size, and the log once
          if (kind === "staging") scans.add(reads);
          expect(await history.versions(), `${where}, ${kind}`).toEqual(expected);
          expect(await offline.staging!.list(history.context.tables.versions.name)).toEqual([]);
        }
      }
    }
    console.log(`rewrites: ${runs} seeds from ${first}, ${killed} kills, ${staged} left changes`);
    expect(Math.max(...scans)).toBe(2);
    expect(staged).toBeGreaterThan(0);
  },
);
