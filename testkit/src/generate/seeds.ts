/** The seeds of a test on generated data. */
export interface Seeds {
  readonly first: number;
  /** The number of seeds. */
  readonly runs: number;
  readonly seeds: readonly number[];
  /** The environment that repeats the run. */
  readonly text: string;
}

/** How many seeds a test runs. */
export interface SeedOptions {
  /** The number of seeds with CI=true. */
  readonly runs: number;
  /** The least number of seeds with which the test says something. Default: 1. */
  readonly least?: number | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/** The first seed of this process where the environment names none. */
const randomFirst = Math.floor(Math.random() * 2 ** 31);
const used: Seeds[] = [];

/**
 * Returns the seeds of a test and prints them. `TIDEMARK_SEED` is the first seed (default: random),
 * `TIDEMARK_RUNS` their number (default: all with CI=true, otherwise a quarter).
 */
export function seedsFromEnvironment(options: SeedOptions): Seeds {
  const environment = options.environment ?? process.env;
  const quick = Math.max(options.least ?? 1, Math.ceil(options.runs / 4));
  const runs =
    wholeNumber(environment, "TIDEMARK_RUNS") ??
    (environment["CI"] === "true" ? options.runs : Math.min(quick, options.runs));
  const first = wholeNumber(environment, "TIDEMARK_SEED") ?? randomFirst;
  const seeds = {
    first,
    runs,
    seeds: Array.from({ length: runs }, (_, i) => first + i),
    text: `TIDEMARK_SEED=${first} TIDEMARK_RUNS=${runs}`,
  };
  if (options.environment === undefined) {
    used.push(seeds);
    console.log(seeds.text);
  }
  return seeds;
}

/** Returns the command that repeats a test file with its seeds; null if the file uses none. */
export function rerunCommand(file: string): string | null {
  const [one, ...others] = used;
  if (one === undefined) return null;
  const alike = others.every(({ runs }) => runs === one.runs);
  return `${alike ? one.text : `TIDEMARK_SEED=${one.first}`} npm test -- ${file}`;
}

function wholeNumber(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
): number | null {
  const text = environment[name];
  if (text === undefined || text === "") return null;
  if (!/^\d{1,15}$/.test(text)) throw new Error(`${name} is "${text}", which is no whole number`);
  return Number(text);
}
