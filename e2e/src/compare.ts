/** Compares paths over many seeds, and collects what was compared and what differed. */
import { memoryOfflineStore, memoryOnlineStore } from "@tidemark/core/testing";
import {
  compareAnswers,
  comparePaths,
  Coverage,
  feed,
  generateScenario,
  otherDelivery,
  Random,
  type Difference,
  smallLayout,
} from "@tidemark/testkit";
import type { ObjectStore } from "@tidemark/delta";
import { inFolder, realStores, scenarioTopic } from "./real-stores.ts";

export interface ComparisonRun {
  readonly seeds: number;
  readonly differences: readonly Difference[];
  readonly coverage: Coverage;
}

export interface ComparisonOptions {
  readonly firstSeed: number;
  readonly seeds: number;
  /** Continues with further seeds until this many answers were compared. */
  readonly comparisons: number;
  /**
   * One of this many seeds goes through files: JSON lines, the decoder, SQLite and Delta. The
   * others go through memory stores, with another delivery.
   */
  readonly realEvery: number;
  /** One more view has aggregations of the whole registry. */
  readonly everyAggregation?: boolean | undefined;
  /**
   * Lets features aggregate functions of columns, and views be over derived sources. Omitted: they
   * aggregate columns of tables.
   */
  readonly computed?: boolean | undefined;
  /** Lets sources expect something of their rows, so that some rows are in quarantine. */
  readonly expected?: boolean | undefined;
  /** Called with every compared answer, as one line of text. */
  readonly onAnswer?: ((line: string) => void) | undefined;
  readonly onProgress?:
    | ((done: {
        readonly seeds: number;
        readonly comparisons: number;
        readonly differences: number;
      }) => void)
    | undefined;
}

type SeedOptions = Pick<
  ComparisonOptions,
  "everyAggregation" | "computed" | "expected" | "onAnswer"
>;

export async function compareSeeds(options: ComparisonOptions): Promise<ComparisonRun> {
  const coverage = new Coverage();
  const differences: Difference[] = [];
  let seeds = 0;
  while (seeds < options.seeds || coverage.comparisons < options.comparisons) {
    const seed = options.firstSeed + seeds;
    differences.push(
      ...(await (seeds % options.realEvery === 0
        ? compareReal(seed, coverage, undefined, options)
        : compareInMemory(seed, coverage, options))),
    );
    seeds++;
    options.onProgress?.({
      seeds,
      comparisons: coverage.comparisons,
      differences: differences.length,
    });
  }
  return { seeds, differences, coverage };
}

/**
 * Compares from the text of the messages to answers that are read from reopened files. `objects`
 * makes a handle on a lake outside those files.
 */
export async function compareReal(
  seed: number,
  coverage: Coverage,
  objects?: () => ObjectStore,
  { everyAggregation, computed = false, expected = false, onAnswer }: SeedOptions = {},
): Promise<readonly Difference[]> {
  const scenario = generateScenario(seed, {
    everyAggregation,
    traits: { computed, derived: computed, expected },
  });
  return inFolder(async (folder) => {
    const written = realStores(folder, {}, objects?.());
    await feed(
      scenario,
      written,
      { layoutLimits: smallLayout(seed) },
      scenarioTopic(folder, scenario),
    );
    await written.online.close();
    await written.offline.close();
    const stores = realStores(folder, {}, objects?.());
    await stores.online.open({ namespace: "test" });
    const found = await compareAnswers(scenario, stores, { coverage, onAnswer });
    await stores.online.close();
    await stores.offline.close();
    return found;
  });
}

/**
 * Compares with other interleaving and other batches (law 5: replay is free). The history commits
 * in small pieces and is read between two compactions.
 */
async function compareInMemory(
  seed: number,
  coverage: Coverage,
  { everyAggregation, computed = false, expected = false, onAnswer }: SeedOptions,
): Promise<readonly Difference[]> {
  const scenario = generateScenario(seed, {
    everyAggregation,
    traits: { computed, derived: computed, expected },
  });
  const random = new Random(seed);
  return comparePaths(
    scenario,
    { online: memoryOnlineStore(), offline: memoryOfflineStore() },
    {
      coverage,
      layoutLimits: smallLayout(seed),
      commitRows: 20,
      delivery: otherDelivery(scenario, random),
      compactAfter: 0.6,
      onAnswer,
    },
  );
}
