/** Generates a scenario from one seed: definitions, a recorded log with its truth, and requests. */
import type {
  EntitySpec,
  SelectedBaseFeature,
  SelectedDerivedFeature,
  SourceSpec,
  ViewSpec,
} from "../../../packages/core/src/specs.ts";
import type { Change } from "../../../packages/core/src/spi.ts";
import { lineOf } from "./debezium-writer.ts";
import type { NullKind } from "./cells.ts";
import { runDatabase } from "./database.ts";
import { generateDefinitions, type WireFormat } from "./definitions.ts";
import { deliver, interleave, expectedChange, type LogTraits } from "./log.ts";
import type { Tag, ScenarioTraits } from "./messages.ts";
import { generateRequests } from "./requests.ts";
import { createOracle, type Oracle, type OracleRequest } from "../oracle/oracle.ts";
import type { OracleFault } from "../oracle/planted-faults.ts";
import type { CompletedSnapshot } from "../oracle/rows.ts";
import { derivedFeatures, givenValues } from "./derived-features.ts";
import { withEnrichedView } from "./enriched-view.ts";
import { withComputedFeatures, withRowConditions } from "./computed-features.ts";
import { Random } from "./random.ts";
import { withRowExpectations } from "./row-expectations.ts";
import { featuresInRole, withOtherKeys, type FeatureInRole } from "./roles.ts";

/** A row as its message writes it, field by field, with every digit. */
export interface WrittenRow {
  /** The JSON text of each column of the table. */
  readonly fields: readonly string[];
  /** The JSON text of the column that no definition names; null: the message has none. */
  readonly undeclared: string | null;
}

/** Definitions, a log with its truth, and requests. */
export interface Scenario {
  readonly seed: number;
  readonly traits: ScenarioTraits & LogTraits;
  readonly sources: readonly SourceSpec[];
  readonly entities: readonly EntitySpec[];
  readonly views: readonly ViewSpec[];
  readonly selected: readonly SelectedBaseFeature[];
  /** Features of a derived view over the others. Requests have their request data. */
  readonly derived: readonly SelectedDerivedFeature[];
  /** Some of the features, for another entity. Requests have its keys under other names. */
  readonly roles: readonly FeatureInRole[];
  /** Lines of a recorded topic in the order of delivery. Offsets rise within each partition. */
  readonly lines: readonly string[];
  /** The change that line `i` holds. */
  readonly truth: readonly Change[];
  /** The kinds of line `i`. */
  readonly tags: readonly (readonly Tag[])[];
  /** How the fields of line `i` are missing, by column; null if the line holds no row. */
  readonly missing: readonly (readonly (NullKind | null)[] | null)[];
  /** The row that line `i` writes; null if the line holds no row. */
  readonly written: readonly (WrittenRow | null)[];
  /** How messages write the columns of each source. */
  readonly wires: ReadonlyMap<string, readonly WireFormat[]>;
  readonly requests: readonly OracleRequest[];
}

/** The traits that a caller may fix; the seed determines the rest. */
export interface ScenarioOptions {
  readonly traits?: Partial<ScenarioTraits & LogTraits> | undefined;
  readonly requests?: number | undefined;
  /**
   * One more view has aggregations of the whole registry, and another one looks up columns of a
   * dimension. The log stays the same.
   */
  readonly everyAggregation?: boolean | undefined;
}

/** Generates a scenario. Equal seeds and options give equal scenarios, byte for byte. */
export function generateScenario(seed: number, options: ScenarioOptions = {}): Scenario {
  const random = new Random(seed);
  const traits = traitsOf(random, options.traits ?? {});
  const base = random.pick([
    1_741_064_767_123_456, 1_741_064_767_123_456, 10_000_000, 10_000_000, 999_999_999_999_999,
    4_102_444_800_000_000,
  ]);
  const plain = generateDefinitions(
    random.fork(),
    base,
    options.everyAggregation === true ? seed : null,
  );
  const computed = traits.computed ? withComputedFeatures(new Random(seed), plain) : plain;
  const derivedSources = traits.derived ? withRowConditions(new Random(seed), computed) : computed;
  const definitions = traits.expected
    ? withRowExpectations(new Random(seed), derivedSources)
    : derivedSources;
  const databaseLog = runDatabase(random.fork(), definitions, traits, base);
  const deliveries = deliver(random.fork(), databaseLog.messages, traits, traits);
  const truth = deliveries.map((delivery) => expectedChange(delivery, traits));
  const derived =
    options.everyAggregation === true ? derivedFeatures(new Random(seed), definitions.views) : [];
  const requests = withGiven(
    seed,
    options.everyAggregation === true,
    generateRequests(
      random.fork(),
      definitions,
      truth,
      databaseLog.commits,
      options.requests ?? 13,
    ),
  );
  const { views, selected } =
    options.everyAggregation === true
      ? withEnrichedView(new Random(seed), definitions, truth)
      : definitions;
  return {
    seed,
    traits,
    sources: definitions.tables.map((table) => table.source),
    entities: definitions.entities,
    views,
    selected,
    derived,
    roles:
      options.everyAggregation === true
        ? featuresInRole(
            new Random(seed),
            [...definitions.selected, ...derived],
            Object.keys(requests[0]?.keys ?? {}),
          )
        : [],
    lines: deliveries.map((delivery) => lineOf(delivery, traits, traits.prefix)),
    truth,
    tags: deliveries.map((delivery) => delivery.tags),
    missing: deliveries.map(({ message, tombstone }) =>
      tombstone || message.row === null ? null : message.row.map((cell) => cell.missing),
    ),
    written: deliveries.map(({ message, tombstone }) =>
      tombstone || message.row === null || message.broken
        ? null
        : { fields: message.row.map((cell) => cell.json), undeclared: message.extra },
    ),
    wires: new Map(definitions.tables.map((table) => [table.source.name, table.wires])),
    requests:
      options.everyAggregation === true ? withOtherKeys(new Random(seed), requests) : requests,
  };
}

/** Adds request data to the keys of each request, if a derived view may read them. */
function withGiven(
  seed: number,
  isRead: boolean,
  requests: readonly OracleRequest[],
): readonly OracleRequest[] {
  if (!isRead) return requests;
  const random = new Random(seed);
  return requests.map((one) => ({ ...one, keys: { ...one.keys, ...givenValues(random) } }));
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
    serial: false,
    changes: random.between(40, 100),
    before: random.pick(["snapshot", "snapshot", "unknown rows", "nothing"]),
    truncates: !unwrapped && random.chance(0.35),
    incremental: !unwrapped && random.chance(0.4),
    readsOpenRows: true,
    gap: random.chance(0.25),
    unreadableMessages: !unwrapped && random.chance(0.3),
    toastMarkers: random.chance(0.7),
    partitions: random.between(1, 4),
    partitionAdded: random.chance(0.4),
    redelivered: random.chance(0.7),
    tailCut: random.chance(0.5),
    interleaved: random.chance(0.4),
    computed: false,
    derived: false,
    expected: false,
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
