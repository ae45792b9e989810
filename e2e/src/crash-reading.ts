/** Kills a run while another process reads. */
import { Random } from "@tidemark/testkit";
import { runChild, startChild } from "./crash-process.ts";
import { crashScenario } from "./crash-scenario.ts";
import { inFolder, writeTopic } from "./real-stores.ts";

export interface ReadingResult {
  readonly kills: number;
  readonly reads: number;
  /** The number of prefixes that the reader saw, by path and source. */
  readonly seen: Readonly<Record<string, number>>;
}

/**
 * Throws if the reader met an error, an answer of no prefix of the log, or an answer behind an
 * earlier one.
 */
export async function readWhileKilled(seed: number): Promise<ReadingResult> {
  const random = new Random(seed);
  const settings = { seed, changes: random.between(60, 90) };
  const scenario = crashScenario(settings, { requests: 0 });
  return inFolder(async (folder) => {
    writeTopic(folder, scenario);
    const reader = startChild("crash-reader.ts", { folder, ...settings, requests: 12 });
    await reader.line();
    let kills = 0;
    for (;;) {
      const run = {
        folder,
        ...settings,
        batchChanges: 3,
        commitRows: 5,
        compactEvery: 2,
        torn: null,
        kill: null,
      };
      const { how } = await runChild(run, {
        commits: random.between(1, 12),
        ms: random.fraction() * 25,
      });
      if (how === "0") break;
      kills++;
    }
    reader.kill("SIGTERM");
    await reader.succeeded();
    return {
      kills,
      ...(JSON.parse(reader.lines.at(-1)!) as {
        readonly reads: number;
        readonly seen: Readonly<Record<string, number>>;
      }),
    };
  });
}
