/** Generates a scenario from one seed: definitions, a recorded log with its truth, and requests. */
import type {
  EntitySpec,
  SelectedFeature,
  SourceSpec,
  ViewSpec,
} from "../../../packages/core/src/specs.ts";
import type { Change } from "../../../packages/core/src/spi.ts";
import { lineOf } from "./debezium-writer.ts";
import type { NullKind } from "./cells.ts";
import { runDatabase } from "./database.ts";
import { generateDefinitions } from "./definitions.ts";
import { deliver, interleave, expectedChange, type LogTraits } from "./log.ts";
import type { Tag, ScenarioTraits } from "./messages.ts";
import { generateRequests } from "./requests.ts";
import { createOracle, type Oracle, type OracleRequest } from "../oracle/oracle.ts";
import type { OracleFault } from "../oracle/planted-faults.ts";
import type { CompletedSnapshot } from "../oracle/rows.ts";
import { Random } from "./random.ts";

/** Definitions, a log with its truth, and requests. */
export interface Scenario {
  readonly seed: number;
  readonly traits: ScenarioTraits & LogTraits;
  readonly sources: readonly SourceSpec[];
  readonly entities: readonly EntitySpec[];
  readonly views: readonly ViewSpec[];
  readonly selected: readonly SelectedFeature[];
  /** Lines of a recorded topic in the order of delivery. Offsets rise within each partition. */
  readonly lines: readonly string[];
  /** The change that line `i` holds. */
  readonly truth: readonly Change[];
  /** The kinds of line `i`. */
  readonly tags: readonly (readonly Tag[])[];
  /** How the fields of line `i` are missing, by column; null if the line holds no row. */
  readonly missing: readonly (readonly (NullKind | null)[] | null)[];
  readonly requests: readonly OracleRequest[];
}

/** The traits that a caller may fix; the seed determines the rest. */
export interface ScenarioOptions {
  readonly traits?: Partial<ScenarioTraits & LogTraits> | undefined;
  readonly requests?: number | undefined;
}

/** Generates a scenario. Equal seeds and options give equal scenarios, byte for byte. */
export function generateScenario(seed: number, options: ScenarioOptions = {}): Scenario {
  const random = new Random(seed);
  const traits = traitsOf(random, options.traits ?? {});
  const base = random.pick([
    1_741_064_767_123_456, 1_741_064_767_123_456, 10_000_000, 10_000_000, 999_999_999_999_999,
    4_102_444_800_000_000,
  ]);
  const definitions = generateDefinitions(random.fork(), base);
  const databaseLog = runDatabase(random.fork(), definitions, traits, base);
  const deliveries = deliver(random.fork(), databaseLog.messages, traits, traits);
  const truth = deliveries.map((delivery) => expectedChange(delivery, traits));
  return {
    seed,
    traits,
    sources: definitions.tables.map((table) => table.source),
    entities: definitions.entities,
    views: definitions.views,
    selected: definitions.selected,
    lines: deliveries.map((delivery) => lineOf(delivery, traits, traits.prefix)),
    truth,
    tags: deliveries.map((delivery) => delivery.tags),
    missing: deliveries.map(({ message, tombstone }) =>
      tombstone || message.row === null ? null : message.row.map((cell) => cell.missing),
    ),
    requests: generateRequests(
      random.fork(),
      definitions,
      truth,
      databaseLog.commits,
      options.requests ?? 13,
    ),
  };
}

function traitsOf(
  random: Random,
  fixed: Partial<ScenarioTraits & LogTraits>,
): ScenarioTraits & LogTraits {
  const shape = fixed.shape ?? random.pick(["bare", "bare", "enveloped", "unwrapped"] as const);
  const unwrapped = shape === "unwrapped";
  const withoutLsn = fixed.withoutLsn ?? (shape === "bare" && random.chance(0.15));
  const clockGoesBack = fixed.clockGoesBack ?? random.chance(0.1);
  const rolled: ScenarioTraits & LogTraits = {
    shape,
    withoutLsn,
    clockGoesBack,
    prefix: shape === "bare" ? "multi" : shape,
    tombstones: !unwrapped && random.chance(0.5),
    millisecondsOnly: !unwrapped && random.chance(0.12),
    changes: random.between(40, 100),
    before: random.pick(["snapshot", "snapshot", "unknown rows", "nothing"]),
    truncates: !unwrapped && random.chance(0.35),
    incremental: !unwrapped && random.chance(0.4),
    gap: random.chance(0.25),
    unreadableMessages: !unwrapped && random.chance(0.3),
    toastMarkers: random.chance(0.7),
    partitions: random.between(1, 4),
    partitionAdded: random.chance(0.4),
    redelivered: random.chance(0.7),
    tailCut: random.chance(0.5),
    interleaved: random.chance(0.4),
    ...fixed,
  };
  // A table without LSNs has one partition (law 5). If commit times go back, an earlier change must
  // not arrive after a later one.
  if (withoutLsn) return { ...rolled, partitions: 1, partitionAdded: false };
  return clockGoesBack
    ? { ...rolled, partitions: 1, partitionAdded: false, redelivered: false }
    : rolled;
}

/** Makes the oracle of a scenario. */
export function oracleOf(
  scenario: Scenario,
  fault: OracleFault | null = null,
  completed: readonly CompletedSnapshot[] = [],
): Oracle {
  return createOracle({ sources: scenario.sources, changes: scenario.truth, fault, completed });
}

/**
 * Returns another delivery of the same log: batches of line numbers, with partitions interleaved at
 * random. The order within each partition stays (law 5: replay is free).
 */
export function otherDelivery(scenario: Scenario, random: Random): number[][] {
  const order = interleave(
    random,
    scenario.truth.map((_, i) => i),
    (i) => `${scenario.truth[i]!.topic}:${scenario.truth[i]!.partition}`,
  );
  const batches: number[][] = [];
  while (order.length > 0) batches.push(order.splice(0, random.between(1, 40)));
  return batches;
}
