/**
 * Kills an erasure with -9 at every fail point of the stores, while a run goes on. A second call
 * finishes it, and leaves nothing of the person.
 */
import type { ErasureReceipt } from "@tidemark/core";
import { Random, seedsFromEnvironment } from "@tidemark/testkit";
import { appendFileSync, cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startChildProgram } from "../../src/child-programs.ts";
import { integrityOf } from "../../src/crash-checks.ts";
import { PERSONAL, personalLog } from "../../src/personal-log.ts";
import {
  filledStores,
  openPersonal,
  personalAnswers,
  reached,
  REQUEST,
  runTopic,
} from "../../src/personal-stores.ts";
import { KillCounts } from "../../src/kill-counts.ts";
import { inFolder, topicPath } from "../../src/real-stores.ts";
import { findBytes } from "../../src/stored-bytes.ts";

const { first: seed, runs: kills } = seedsFromEnvironment({ runs: 30 });
const killsPerPoint = Math.ceil(kills / 10);

/** The points that every erasure visits. */
const POINTS = [
  "sqlite before-commit",
  "sqlite after-commit",
  "sqlite before-purge",
  "sqlite after-purge",
  "temporary-written",
  "checkpoint",
  "checkpoint-written",
  ...["changes", "versions", "features"].flatMap((kind) => [
    `${kind} parquet-written`,
    `${kind} before-commit`,
    `${kind} after-commit`,
    `${kind} statistics-reduced`,
  ]),
  "erasures parquet-written",
  "erasures before-commit",
  "erasures after-commit",
];

interface Ended {
  readonly visits: Readonly<Record<string, number>>;
  readonly receipt: ErasureReceipt;
}

test("an erasure that is killed anywhere is finished by the next one", async () => {
  const random = new Random(seed);
  await inFolder(async (root) => {
    const base = join(root, "base");
    mkdirSync(base);
    const { store } = await filledStores(base);
    const former = await personalAnswers(store);
    await store.close();
    const log = personalLog();
    const from = log.lines.length;
    for (let id = 200; id < 240; id++) log.paid(id, {});
    appendFileSync(topicPath(base), `${log.lines.slice(from).join("\n")}\n`);
    const erase = (folder: string, kill: unknown) =>
      startChildProgram("erase-person.ts", [JSON.stringify({ folder, kill })]);

    const whole = join(root, "whole");
    cpSync(base, whole, { recursive: true, preserveTimestamps: true });
    const { visits } = JSON.parse((await erase(whole, null).succeeded()).stdout) as Ended;
    const reference = await openPersonal(whole);
    const erased = await personalAnswers(reference.store);
    await reference.store.close();
    expect(erased["online erased"]).not.toBe(former["online erased"]);

    const counts = new KillCounts(random, visits, killsPerPoint);
    let chains = 0;
    /** Kills and repeats the erasure over a copy of the stores until it ends. */
    const chain = async (): Promise<void> => {
      const folder = join(root, `chain-${chains++}`);
      cpSync(base, folder, { recursive: true, preserveTimestamps: true });
      for (;;) {
        const kill = counts.next();
        const child = erase(folder, kill);
        const { how, stdout } = await child.ended;
        if (how === "SIGKILL") {
          counts.add(kill!);
          integrityOf(folder);
          continue;
        }
        if (how !== "0") throw child.failure(`ended with ${how}`);
        const { receipt } = JSON.parse(stdout) as Ended;
        const after = await openPersonal(folder);
        expect(await after.store.erasures()).toContainEqual(receipt);
        // an earlier call that was killed after its receipt has one too
        await after.store.erase({ ...REQUEST, now: true });
        await runTopic(after.store, topicPath(folder));
        expect(await personalAnswers(after.store)).toEqual(erased);
        await after.store.close();
        expect(reached(await findBytes(folder, PERSONAL))).toEqual([]);
        return;
      }
    };
    await counts.untilMet(chain);
    console.log(`erase, TIDEMARK_SEED=${seed}: ${chains} erasures, ${counts.text}`);
    for (const point of POINTS)
      expect(counts.met.get(point), point).toBeGreaterThanOrEqual(killsPerPoint);
  });
}, 600_000);
