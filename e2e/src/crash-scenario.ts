/** The settings of a child, and its log: both processes make the log from the seed. */
import { generateScenario, type Scenario } from "@tidemark/testkit";

/**
 * The points where a child kills itself. `versions …` is compaction; `temporary-written` is any
 * file that has no name yet.
 */
export const killPoints = [
  "sqlite before-commit",
  "sqlite after-commit",
  "changes parquet-written",
  "changes before-commit",
  "changes after-commit",
  "versions parquet-written",
  "versions before-commit",
  "versions after-commit",
  "checkpoint",
  "checkpoint-written",
  "temporary-written",
] as const;

export type KillPoint = (typeof killPoints)[number];

/**
 * Planted faults: position and effect are committed one after the other. A suite that does not find
 * them proves nothing.
 */
export type TornCommit = "online position first" | "history position last";

/** The settings of a child, passed as JSON. */
export interface CrashRun {
  readonly folder: string;
  readonly seed: number;
  /** The number of changes of the simulated database; the log has some more messages. */
  readonly changes: number;
  /** Changes per online commit. */
  readonly batchChanges: number;
  /** Rows per history commit. */
  readonly commitRows: number;
  /** Batches between two compactions. */
  readonly compactEvery: number;
  readonly torn: TornCommit | null;
  readonly kill: { readonly point: KillPoint; readonly occurrence: number } | null;
}

/** The settings of a reader beside the child. */
export interface CrashReading {
  readonly folder: string;
  readonly seed: number;
  readonly changes: number;
  readonly requests: number;
}

export function crashScenario(
  { seed, changes }: Pick<CrashRun, "seed" | "changes">,
  { requests }: { readonly requests: number },
): Scenario {
  return generateScenario(seed, { traits: { changes }, requests });
}
