/**
 * Kills runs repeatedly until each kind of kill has occurred often enough. Each run ends with a
 * check of its files (law 5: position and effect are committed together).
 */
import { Random } from "@tidemark/testkit";
import { checkFiles, integrityOf } from "./crash-checks.ts";
import { commitsIn, runChild } from "./crash-process.ts";
import {
  crashScenario,
  killPoints,
  type CrashRun,
  type KillPoint,
  type TornCommit,
} from "./crash-scenario.ts";
import { databasePath, inFolder, writeTopic } from "./real-stores.ts";
import { existsSync } from "node:fs";

/** `random`: at any moment strictly between the first and the last commit. */
export type KillKind = "random" | KillPoint;

/** The wanted number of kills of each kind, and the number so far. */
interface Quota {
  missing(): readonly KillKind[];
  count(kill: Kill, by: 1 | -1): void;
}

interface Kill {
  readonly kind: KillKind;
  /** The duration of the run that the kill ended. */
  readonly seconds: number;
  /** The number of commits that were reported by then. */
  readonly commits: number;
}

export interface CrashResult {
  readonly kills: ReadonlyMap<KillKind, { readonly kills: number; readonly seconds: number }>;
  /** The number of logs that ran to their end. */
  readonly logs: number;
  readonly restarts: number;
  readonly orphans: number;
}

export interface CrashOptions {
  readonly firstSeed: number;
  readonly random: number;
  readonly perPoint: number;
  /** The number of logs that run at the same time. */
  readonly parallel: number;
}

export async function crashUntilCovered({
  firstSeed,
  random,
  perPoint,
  parallel,
}: CrashOptions): Promise<CrashResult> {
  const wanted = new Map<KillKind, number>([
    ["random", random],
    ...killPoints.map((point) => [point, perPoint] as const),
  ]);
  const met = new Map([...wanted.keys()].map((kind) => [kind, { kills: 0, seconds: 0 }]));
  const quota: Quota = {
    missing: () =>
      [...wanted].flatMap(([kind, count]) => (met.get(kind)!.kills < count ? [kind] : [])),
    count({ kind, seconds }, by) {
      met.get(kind)!.kills += by;
      met.get(kind)!.seconds += by * seconds;
    },
  };
  let [logs, restarts, orphans] = [0, 0, 0];
  const work = async (): Promise<void> => {
    while (quota.missing().length > 0) {
      const run = await killedRun(firstSeed + logs++, quota, {});
      restarts += run.restarts;
      orphans += run.orphans;
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return { kills: met, logs, restarts, orphans };
}

/** Throws if a log ends wrong that ran with torn commits and was killed between their halves. */
export async function runTorn(seed: number, torn: TornCommit): Promise<void> {
  const point: KillPoint =
    torn === "online position first" ? "sqlite after-commit" : "changes after-commit";
  let kills = 0;
  await killedRun(
    seed,
    {
      missing: () => (kills < 8 ? [point] : []),
      count: () => {
        kills++;
      },
    },
    { changes: 60, torn },
  );
}

/** Runs one log, with kills and restarts until all of it is stored. */
async function killedRun(
  seed: number,
  quota: Quota,
  { changes = 250, torn = null }: { readonly changes?: number; readonly torn?: TornCommit | null },
): Promise<{ readonly restarts: number; readonly orphans: number }> {
  const random = new Random(seed);
  const settings = {
    seed,
    changes,
    batchChanges: random.between(3, 9),
    commitRows: random.between(5, 14),
    compactEvery: random.between(2, 5),
    torn,
  };
  const scenario = crashScenario(settings, { requests: 40 });
  return inFolder(async (folder) => {
    writeTopic(folder, scenario);
    const kills: Kill[] = [];
    let [restarts, commits] = [0, 0];
    for (;;) {
      const kind = chooseKind(random, quota.missing());
      const run: CrashRun = { folder, ...settings, kill: pointOf(random, kind) };
      const started = performance.now();
      const ended = await runChild(
        run,
        kind === "random" ? { commits: random.between(0, 8), ms: random.fraction() * 25 } : null,
      );
      commits += commitsIn(ended.lines);
      if (ended.how === "0") break;
      restarts++;
      const kill = { seconds: (performance.now() - started) / 1000, commits };
      // a child that is killed before its first commit may not have made the file
      if (commits > 0 || existsSync(databasePath(folder))) integrityOf(folder);
      kills.push({ kind: kind!, ...kill });
      quota.count({ kind: kind!, ...kill }, 1);
    }
    const { orphans } = await checkFiles(folder, scenario);
    // A random kill counts if a commit was reported before it, and another came after it.
    for (const kill of kills)
      if (kill.kind === "random" && (kill.commits === 0 || kill.commits === commits))
        quota.count(kill, -1);
    return { restarts, orphans };
  });
}

/** Chooses a kind of kill; null if none is missing, so that this run is not killed. */
function chooseKind(random: Random, missing: readonly KillKind[]): KillKind | null {
  if (missing.length === 0) return null;
  return missing.includes("random") && random.chance(0.4) ? "random" : random.pick(missing);
}

function pointOf(random: Random, kind: KillKind | null): CrashRun["kill"] {
  if (kind === null || kind === "random") return null;
  // checkpoints are rare: one in four commits of a table
  return { point: kind, occurrence: random.between(1, kind.startsWith("checkpoint") ? 2 : 4) };
}

export function crashText({ kills, logs, restarts, orphans }: CrashResult): string {
  const lines = [...kills].map(
    ([kind, { kills: count, seconds }]) => `  ${kind}: ${count} kills, ${seconds.toFixed(1)} s`,
  );
  return [
    ...lines,
    `  ${logs} logs, ${restarts} restarts; ${orphans} orphaned files, none seen`,
  ].join("\n");
}
