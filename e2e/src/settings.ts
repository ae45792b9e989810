/**
 * What a run takes from the environment: the seed, so that a failure can be run again, and its
 * size.
 */

export interface SeedSettings {
  readonly seed: number;
  readonly seeds: number;
}

/**
 * TIDEMARK_SEED fixes the first seed, TIDEMARK_RUNS the number of seeds; printed, so a log says how
 * to run it again.
 */
export function seedSettings(name: string, seeds: number): SeedSettings {
  const seed = Number(process.env["TIDEMARK_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  const runs = Number(process.env["TIDEMARK_RUNS"] ?? seeds);
  console.log(`${name}: TIDEMARK_SEED=${seed} TIDEMARK_RUNS=${runs}`);
  return { seed, seeds: runs };
}
