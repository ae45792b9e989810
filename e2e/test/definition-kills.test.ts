/**
 * Kills a change of definitions with -9 at every fail point of the stores: the fill of a new online
 * build, the rewrite of the versions, and a run that goes on meanwhile (law 11).
 */
import { type Answer, isTidemarkError, openStore, type Store } from "@tidemark/core";
import type { Position } from "@tidemark/core/spi";
import { recordedTopic } from "@tidemark/source-debezium";
import { Random, seedsFromEnvironment } from "@tidemark/testkit";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { KillCounts } from "../src/kill-counts.ts";
import { startChildProgram } from "../src/child-programs.ts";
import { integrityOf } from "../src/crash-checks.ts";
import { USERS } from "../src/order-load.ts";
import {
  CHANGED_FEATURES,
  LOG_AS_OF,
  NEW_COLUMNS,
  OLD_COLUMNS,
  orderLog,
  type OrderLog,
} from "../src/order-log.ts";
import { type OrderColumns, orderVersion } from "../src/order-versions.ts";
import { inFolder, keepingStores, realStores, topicPath } from "../src/real-stores.ts";

const { first: seed, runs: kills } = seedsFromEnvironment({ runs: 30 });
const killsPerPoint = Math.ceil(kills / 10);
const LENGTH = 240;
const CHANGES_BEFORE = 160;

/** The points that every change visits. */
const POINTS = [
  "sqlite before-commit",
  "sqlite after-commit",
  "temporary-written",
  "changes parquet-written",
  "changes before-commit",
  "changes after-commit",
  "staging parquet-written",
  "staging staged",
  "versions parquet-written",
  "versions before-commit",
  "versions after-commit",
];

const open = (folder: string, columns: OrderColumns, registry = true): Promise<Store> => {
  const { online, offline } = realStores(folder);
  const own = registry ? offline : { ...offline, registry: undefined };
  return openStore({
    definitions: orderVersion(columns).definitions,
    ...keepingStores({ online, offline: own }, { commit: { rows: 30 }, buckets: 2 }),
    onDefinitionMismatch: "ignore",
  });
};

const prefixOf = (positions: readonly Position[] | undefined): number =>
  (positions?.[0]?.offset ?? -1) + 1;

/** Compares both paths with the log up to where each is. Returns what was refused. */
async function refusedOf(folder: string, log: OrderLog, columns: OrderColumns): Promise<string[]> {
  const { view, sql } = orderVersion(columns);
  const store = await open(folder, columns);
  const refused = new Set<string>();
  const entities = USERS.map((user_id) => ({ user_id }));
  const [status] = await store.status();
  const online = log.expected(columns, prefixOf(status!.online?.positions));
  const { rows } = await store.getOnlineFeatures({
    features: view,
    entities,
    asOf: LOG_AS_OF,
    metadata: true,
    onMissing: "null",
  });
  rows.forEach((row, i) => {
    for (const feature of Object.keys(sql)) {
      const { status: answered, value } = row[feature] as Answer<unknown>;
      if (answered === "NEEDS_BACKFILL") refused.add(feature);
      else
        expect(`online ${feature} ${String(value)}`).toBe(
          `online ${feature} ${online.get(USERS[i]!)![feature]}`,
        );
    }
  });
  const history = log.expected(columns, prefixOf(status!.history?.positions));
  try {
    const training = await store.getHistoricalFeatures({
      features: view,
      entities: entities.map((one) => ({ ...one, event_timestamp: LOG_AS_OF })),
    });
    (await training.rows()).forEach((row, i) => {
      for (const feature of Object.keys(sql))
        expect(`history ${feature} ${String(row[feature])}`).toBe(
          `history ${feature} ${history.get(USERS[i]!)![feature]}`,
        );
    });
  } catch (error) {
    if (!isTidemarkError(error, "VERSIONS_OF_OTHER_DEFINITION")) throw error;
    refused.add("history");
  }
  await store.close();
  return [...refused];
}

test.for([
  { how: "apply", registry: true, rewriteBytes: undefined },
  { how: "apply, with little memory", registry: true, rewriteBytes: 30_000 },
  { how: "a compaction without a registry", registry: false, rewriteBytes: undefined },
])(
  "a change of definitions by $how is killed anywhere, and ends as one that was not",
  async ({ how, registry, rewriteBytes }) => {
    const random = new Random(seed);
    const log = orderLog(seed, LENGTH);
    await inFolder(async (root) => {
      const base = join(root, "base");
      mkdirSync(base);
      writeFileSync(topicPath(base), `${log.lines.slice(0, CHANGES_BEFORE).join("\n")}\n`);
      const first = await open(base, OLD_COLUMNS, registry);
      await first.run(recordedTopic(topicPath(base)));
      if (registry) await first.apply();
      await first.close();
      writeFileSync(topicPath(base), `${log.lines.join("\n")}\n`);
      const change = (folder: string, kill: unknown) =>
        startChildProgram("change-definitions.ts", [
          JSON.stringify({ folder, registry, rewriteBytes, kill }),
        ]);
      const whole = join(root, "whole");
      cpSync(base, whole, { recursive: true });
      const { stdout } = await change(whole, null).succeeded();
      const [, text] = /^visits (.*)$/m.exec(stdout)!;
      const visits = JSON.parse(text!) as Readonly<Record<string, number>>;
      const counts = new KillCounts(random, visits, killsPerPoint);
      let [chains, refusals, resumed] = [0, 0, 0];
      /** Kills and repeats the change over a copy of the stores until it ends. */
      const chain = async (): Promise<void> => {
        const folder = join(root, `chain-${chains++}`);
        cpSync(base, folder, { recursive: true });
        for (;;) {
          const kill = counts.next();
          const child = change(folder, kill);
          const { how: end } = await child.ended;
          if (child.lines.some((line) => line.startsWith("reused "))) resumed++;
          if (end === "0") break;
          if (end !== "SIGKILL") throw child.failure(`ended with ${end}`);
          counts.add(kill!);
          integrityOf(folder);
          for (const columns of [OLD_COLUMNS, NEW_COLUMNS])
            for (const feature of await refusedOf(folder, log, columns)) {
              refusals++;
              expect([...CHANGED_FEATURES, "history"]).toContain(feature);
            }
        }
        expect(await refusedOf(folder, log, NEW_COLUMNS)).toEqual([]);
      };
      await counts.untilMet(chain);
      console.log(
        `change of definitions by ${how}, TIDEMARK_SEED=${seed}: ${chains} changes, ` +
          `${refusals} refusals, ${resumed} resumed rewrites, ` +
          counts.text,
      );
      for (const point of POINTS)
        expect(counts.met.get(point), point).toBeGreaterThanOrEqual(killsPerPoint);
      expect(resumed).toBeGreaterThan(0);
    });
  },
);
