/**
 * Reads the settings of a run from the environment: the seed, so that a failure can be repeated,
 * and the number of seeds.
 */

export interface SeedSettings {
  readonly seed: number;
  readonly seeds: number;
}

/**
 * Returns the seeds: TIDEMARK_SEED sets the first seed, TIDEMARK_RUNS their number. Both are
 * printed, so a log shows how to repeat the run.
 */
export function seedSettings(name: string, seeds: number): SeedSettings {
  const seed = Number(process.env["TIDEMARK_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  const runs = Number(process.env["TIDEMARK_RUNS"] ?? seeds);
  console.log(`${name}: TIDEMARK_SEED=${seed} TIDEMARK_RUNS=${runs}`);
  return { seed, seeds: runs };
}
