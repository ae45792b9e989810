/** Runs that are killed again and again until every kind of kill has been met often enough; each ends with its files checked (law 5). */
import { Random } from "@tidemark/core/testing";
import { checkWhole, integrityOf } from "./crash-checks.ts";
import { commitsIn, runChild } from "./crash-process.ts";
import { crashScenario, killPoints, type CrashRun, type KillPoint } from "./crash-scenario.ts";
import { inFolder, realStores, writeTopic } from "./real-stores.ts";

/** `random`: at any moment strictly after the first and before the last commit · `between buckets`: compaction has committed one bucket and not the next. */
export type KillKind = "random" | KillPoint | "between buckets";

export interface CrashResult {
  readonly kills: ReadonlyMap<KillKind, { readonly kills: number; readonly seconds: number }>;
  /** Scenarios run to their end. */
  readonly runs: number;
  readonly restarts: number;
  readonly orphans: number;
}

export interface CrashOptions {
  readonly firstSeed: number;
  readonly random: number;
  readonly perPoint: number;
  /** Runs at the same time. */
  readonly parallel: number;
}

interface Kill {
  readonly kind: KillKind;
  readonly seconds: number;
  /** Commits that had been heard of in all runs so far. */
  readonly commits: number;
}

export async function crashUntilMet(options: CrashOptions): Promise<CrashResult> {
  const wanted = new Map<KillKind, number>([["random", options.random], ["between buckets", options.perPoint], ...killPoints.map((point) => [point, options.perPoint] as const)]);
  const met = new Map<KillKind, { kills: number; seconds: number }>([...wanted.keys()].map((kind) => [kind, { kills: 0, seconds: 0 }]));
  const missing = (): KillKind[] => [...wanted].flatMap(([kind, count]) => (met.get(kind)!.kills < count ? [kind] : []));
  let [seed, runs, restarts, orphans] = [options.firstSeed, 0, 0, 0];

  const work = async (): Promise<void> => {
    while (missing().length > 0) {
      const run = await killedRun(seed++, missing);
      for (const { kind, seconds } of run.kills) {
        const sum = met.get(kind)!;
        sum.kills++;
        sum.seconds += seconds;
      }
      runs++;
      restarts += run.restarts;
      orphans += run.orphans;
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, work));
  return { kills: met, runs, restarts, orphans };
}

/** One scenario, killed and started again until all of it is in. */
async function killedRun(seed: number, missing: () => readonly KillKind[]): Promise<{ readonly kills: readonly Kill[]; readonly restarts: number; readonly orphans: number }> {
  const random = new Random(seed);
  const settings = { seed, changes: random.between(200, 300), batchChanges: random.between(3, 9), commitRows: random.between(5, 14), compactEvery: random.between(2, 5) };
  const scenario = crashScenario(settings, { requests: 40 });
  return inFolder(async (folder) => {
    writeTopic(folder, scenario);
    const kills: Kill[] = [];
    let [restarts, commits] = [0, 0];
    for (;;) {
      const plan = missing();
      const kind = plan.length === 0 || random.chance(0.4) ? "random" : random.pick(plan);
      const run: CrashRun = { folder, ...settings, kill: kind === "random" ? null : { point: kind === "between buckets" ? "versions after-commit" : kind, pass: random.between(1, kind.startsWith("checkpoint") ? 2 : 4) } };
      const started = performance.now();
      const ended = await runChild(run, kind === "random" ? { commits: random.between(0, 8), ms: random.fraction() * 25 } : null);
      commits += commitsIn(ended.lines);
      if (ended.how === "0") break;
      restarts++;
      integrityOf(folder);
      const seconds = (performance.now() - started) / 1000;
      const halfCompacted = kind === "versions after-commit" || kind === "between buckets" ? await isHalfCompacted(folder, scenario.sources.map((source) => source.name)) : false;
      if (kind !== "between buckets") kills.push({ kind, seconds, commits });
      if (halfCompacted) kills.push({ kind: "between buckets", seconds, commits });
    }
    const { orphans } = await checkWhole(folder, scenario);
    // A kill is one at random where a commit had been heard of before it, and another came after it.
    return { kills: kills.filter((kill) => kill.kind !== "random" || (kill.commits > 0 && kill.commits < commits)), restarts, orphans };
  });
}

/** The first bucket of some versions table stands further than the second. */
async function isHalfCompacted(folder: string, sources: readonly string[]): Promise<boolean> {
  const { offline } = realStores(folder);
  for (const source of sources) {
    const positions = new Map((await offline.state(`${source}/versions`))?.positions.map(({ partition, offset }) => [partition, offset]));
    for (const [name, offset] of positions) if (name.startsWith("bucket/0/") && (positions.get(name.replace("bucket/0/", "bucket/1/")) ?? -1) < offset) return true;
  }
  return false;
}

export function crashText({ kills, runs, restarts, orphans }: CrashResult): string {
  const lines = [...kills].map(([kind, { kills: count, seconds }]) => `  ${kind}: ${count} kills, ${seconds.toFixed(1)} s`);
  return [...lines, `  ${runs} logs, ${restarts} restarts; ${orphans} orphaned files, none seen`].join("\n");
}
