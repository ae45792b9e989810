/**
 * Training sets in shards have the bits of the local engine: values, statuses and event times, of
 * generated definitions and histories, as corrected and as known (law 3: one answer), in the order
 * of the entity rows (law 8: row for row).
 */
import type { Knowledge } from "@tidemark/core";
import {
  generateScenario,
  pathReaders,
  seedsFromEnvironment,
  type Scenario,
} from "@tidemark/testkit";
import { startNode } from "@tidemark/testkit/child-process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { feedFolder, inFolder, realStores } from "../src/real-stores.ts";
import type { ShardsChildRun } from "../src/shards-child.ts";
import {
  allFeatures,
  jobOf,
  outOf,
  removeJob,
  rowsOfFile,
  runFinish,
  runShard,
  writeJob,
} from "../src/shards.ts";

const { first, runs } = seedsFromEnvironment({ runs: 3 });

/** A value with its bits: −0 is not 0. */
function bits(value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number" && Object.is(value, -0)) return "−0";
  return value;
}

/** Compares the output of a job with the local engine. */
async function compared(scenario: Scenario, folder: string, knowledge: Knowledge): Promise<void> {
  const stores = realStores(folder);
  const expected = await pathReaders(scenario, stores).history(knowledge);
  await stores.offline.close();
  const rows = await rowsOfFile(outOf(folder));
  expect(rows.length).toBe(scenario.requests.length);
  allFeatures(scenario).forEach(({ as }, f) => {
    const { values, statuses, times } = expected[f]!;
    rows.forEach((row, i) => {
      const time = Number.isNaN(times[i]!) ? null : times[i]!;
      expect(
        [row.get(as), row.get(`${as}__status`), row.get(`${as}__event_timestamp`)].map(bits),
        `seed ${scenario.seed}, ${knowledge}, row ${i}: ${as}`,
      ).toEqual([values[i]!, statuses[i]!, time].map(bits));
      expect(row.get("odd")).toBe(`"é😀\n'${i}`);
    });
  });
}

for (let seed = first; seed < first + runs; seed++)
  test(`seed ${seed}: the bits of the local engine`, { timeout: 300_000 }, () =>
    inFolder(async (folder) => {
      const scenario = generateScenario(seed, { everyAggregation: true });
      await feedFolder(scenario, folder);
      for (const knowledge of ["as-corrected", "as-known"] as const)
        for (const count of [1, 2, 7]) {
          await writeJob(scenario, folder, knowledge, count);
          for (let shard = count - 1; shard >= 0; shard--)
            expect(await runShard(scenario, folder, shard)).toMatchObject({ wrote: true });
          expect(await runFinish(scenario, folder)).toMatchObject({
            rows: scenario.requests.length,
            wrote: true,
          });
          await compared(scenario, folder, knowledge);
          await removeJob(folder);
        }
    }),
  );

/** Runs a step of a job in a process that kills itself at a point. */
async function killed(run: ShardsChildRun): Promise<void> {
  const program = join(import.meta.dirname, "../src/shards-child.ts");
  const { how, output } = await startNode(program, [JSON.stringify(run)]).ended;
  expect(how, `${run.step} at ${run.kill}: ${output}`).toBe("SIGKILL");
}

test("kill -9 in any step leaves nothing or the whole", { timeout: 300_000 }, () =>
  inFolder(async (folder) => {
    const scenario = generateScenario(first);
    const run = { folder, seed: first, count: 2, shard: 0 };
    const knowledge = "as-known";
    await feedFolder(scenario, folder);
    for (const kill of ["copied", "split"] as const) {
      await killed({ ...run, step: "job", kill });
      expect(existsSync(jobOf(folder)), kill).toBe(false);
    }
    await killed({ ...run, step: "job", kill: "written" });
    expect(existsSync(jobOf(folder))).toBe(true);

    for (const kill of ["computed", "written", "claiming"] as const) {
      await killed({ ...run, step: "shard", kill });
      await expect(runFinish(scenario, folder), kill).rejects.toThrow(/0\/2, 1\/2/);
    }
    await killed({ ...run, step: "shard", kill: "claimed" });
    expect(await runShard(scenario, folder, 0)).toMatchObject({ wrote: false });
    await expect(runFinish(scenario, folder)).rejects.toMatchObject({
      code: "JOB_SHARDS_MISSING",
      message: expect.stringMatching(/: 1 of 2 shards are not computed: 1\/2;/) as string,
    });
    expect(await runShard(scenario, folder, 1)).toMatchObject({ wrote: true });

    for (const kill of ["merging", "merged"] as const) {
      await killed({ ...run, step: "finish", kill });
      expect(existsSync(outOf(folder)), kill).toBe(false);
    }
    await killed({ ...run, step: "finish", kill: "committed" });
    await compared(scenario, folder, knowledge);
    expect(await runFinish(scenario, folder)).toMatchObject({ wrote: false });
    await compared(scenario, folder, knowledge);
    // a late attempt of a shard is harmless
    expect(await runShard(scenario, folder, 1)).toMatchObject({ wrote: false });
    const left = readdirSync(folder).filter((name) => name.startsWith("job-"));
    // those of the two jobs that were never written
    expect(left).toHaveLength(2);
  }),
);

test("attempts of a shard and of a finish at the same time", { timeout: 300_000 }, () =>
  inFolder(async (folder) => {
    const scenario = generateScenario(first);
    await feedFolder(scenario, folder);
    await writeJob(scenario, folder, "as-corrected", 2);
    const attempts = [0, 1, 0, 1, 0].map((shard) => runShard(scenario, folder, shard));
    const wrote = (await Promise.all(attempts)).filter((result) => result.wrote);
    expect(wrote).toHaveLength(2);
    const finishes = [1, 2, 3].map(() => runFinish(scenario, folder));
    const results = await Promise.allSettled(finishes);
    const done = results.flatMap((one) => (one.status === "fulfilled" ? [one.value.wrote] : []));
    expect(results.filter(({ status }) => status === "rejected")).toEqual([]);
    expect(done).toContain(true);
    await compared(scenario, folder, "as-corrected");
  }),
);

test("an interrupted shard leaves nothing", { timeout: 300_000 }, () =>
  inFolder(async (folder) => {
    const scenario = generateScenario(first);
    await feedFolder(scenario, folder);
    await writeJob(scenario, folder, "as-corrected", 1);
    const staging = join(
      folder,
      readdirSync(folder).find((name) => name.startsWith("job-"))!,
    );
    const before = readdirSync(staging).toSorted();
    for (const step of ["computed", "written"] as const) {
      const abort = new AbortController();
      const interrupted = runShard(
        scenario,
        folder,
        0,
        (now) => {
          if (now === step) abort.abort(new Error("interrupted"));
        },
        abort.signal,
      );
      if (step === "computed") {
        await expect(interrupted).rejects.toThrow("interrupted");
        expect(readdirSync(staging).toSorted()).toEqual(before);
      } else expect(await interrupted).toMatchObject({ wrote: true });
    }
  }),
);
