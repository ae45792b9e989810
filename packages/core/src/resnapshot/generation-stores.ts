/**
 * The stores as the writers of a source see them in one snapshot generation. Positions have the
 * partition names of the log in every generation.
 */
import { isRetryable, TidemarkError } from "../errors.ts";
import { checkedChangeLog, historyTables } from "../offline/history-tables.ts";
import type { SourceSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore, Position, PositionStep } from "../spi.ts";
import {
  beginGenerationStep,
  generationStateOf,
  isUnfinished,
  ORDER_LIMIT,
  MAX_GENERATIONS,
  storedPartitionName,
  positionsOfGeneration,
  type GenerationState,
} from "../rows/snapshot-generations.ts";

export interface GenerationStores {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The generation state of a source in each store; null where the store is absent or unavailable.
 */
export interface StoredGenerations {
  readonly online: GenerationState | null;
  readonly offline: GenerationState | null;
  /** The newest generation that was begun in any store. */
  readonly generation: number;
  /** The snapshot that begins the generation is not complete in every store. */
  readonly unfinished: boolean;
}

export async function storedGenerations(
  source: SourceSpec,
  { online, offline, signal }: GenerationStores,
): Promise<StoredGenerations> {
  const state =
    online === undefined ? null : generationStateOf(await online.positions(source.name));
  const past =
    offline === undefined
      ? null
      : generationStateOf(
          (await offline.state(historyTables(source).changes.name, { signal }))?.positions ?? [],
        );
  return combinedState(state, past);
}

/**
 * Reads the generations of the stores that answer. A run waits for an unavailable store and reads
 * its generation when the store is back.
 */
export async function reachableGenerations(
  source: SourceSpec,
  stores: GenerationStores,
): Promise<StoredGenerations> {
  const each = [
    { ...stores, offline: undefined },
    { ...stores, online: undefined },
  ].map((one) =>
    storedGenerations(source, one).catch((error: unknown) => {
      if (!isRetryable(error)) throw error;
      return { online: null, offline: null, generation: 0, unfinished: false };
    }),
  );
  const [{ online }, { offline }] = (await Promise.all(each)) as [
    StoredGenerations,
    StoredGenerations,
  ];
  return combinedState(online, offline);
}

function combinedState(
  online: GenerationState | null,
  offline: GenerationState | null,
): StoredGenerations {
  const both = [online, offline].flatMap((one) => (one === null ? [] : [one]));
  const generation = Math.max(0, ...both.map((one) => one.generation));
  return {
    online,
    offline,
    generation,
    unfinished: both.some((one) => one.generation < generation || isUnfinished(one)),
  };
}

/**
 * Opens the online store for the writers of a generation, and begins the generation if needed.
 * Another process may begin the generation at the same time.
 */
export async function openOnlineGeneration(
  online: OnlineStore,
  source: SourceSpec,
  generation: number,
): Promise<OnlineStore> {
  const positions = await online.positions(source.name);
  if (needsToBegin(source, online.name, generation, positions))
    await online.write({
      source: source.name,
      cells: [],
      positions: [beginGenerationStep(generation)],
    });
  return onlineInGeneration(online, generation);
}

/** Opens the offline store for the writers of a generation, and begins the generation if needed. */
export async function openOfflineGeneration(
  offline: OfflineStore,
  source: SourceSpec,
  generation: number,
  signal: AbortSignal | undefined,
): Promise<OfflineStore> {
  const { changes } = historyTables(source);
  const state = await offline.state(changes.name, { signal });
  const positions = checkedChangeLog(offline.name, changes.name, state)?.positions ?? [];
  if (needsToBegin(source, offline.name, generation, positions))
    await offline.append(changes, [], { positions: [beginGenerationStep(generation)], signal });
  return offlineInGeneration(offline, changes.name, generation);
}

export async function beginGeneration(
  source: SourceSpec,
  { online, offline, signal }: GenerationStores,
  generation: number,
): Promise<void> {
  if (online !== undefined) await openOnlineGeneration(online, source, generation);
  if (offline !== undefined) await openOfflineGeneration(offline, source, generation, signal);
}

function needsToBegin(
  source: SourceSpec,
  store: string,
  generation: number,
  positions: readonly Position[],
): boolean {
  const at = generationStateOf(positions).generation;
  if (at > generation)
    throw new TidemarkError(
      "SOURCE_BEGUN_ANEW",
      `${store}: source "${source.name}" was begun anew (store.resnapshot) since this run ` +
        "started, or while this store was away: start the run again",
    );
  if (at < generation) refuseExhausted(source, generation, positions);
  return at < generation;
}

function refuseExhausted(
  source: SourceSpec,
  generation: number,
  positions: readonly Position[],
): void {
  if (generation > MAX_GENERATIONS)
    throw new TidemarkError(
      "GENERATIONS_EXHAUSTED",
      `source "${source.name}" was begun anew ${MAX_GENERATIONS} times, and a store counts no ` +
        "further: begin with empty stores",
    );
  const highest = positions
    .map(({ checkpoint }) => checkpoint?.completed?.start ?? checkpoint?.highestOrder)
    .find((order) => order !== undefined && BigInt(order) >= ORDER_LIMIT);
  if (highest !== undefined)
    throw new TidemarkError(
      "ORDER_TOO_LARGE",
      `source "${source.name}" has log orders up to ${highest}, and a resnapshot needs them ` +
        "below " +
        `${ORDER_LIMIT}: begin with empty stores`,
    );
}

function onlineInGeneration(store: OnlineStore, generation: number): OnlineStore {
  return {
    name: store.name,
    open: (options) => store.open(options),
    read: (keys) => store.read(keys),
    write: (step) =>
      store.write({ ...step, positions: stepsInGeneration(generation, step.positions) }),
    positions: async (source) => positionsOfGeneration(generation, await store.positions(source)),
    deleteExpired: (options) => store.deleteExpired(options),
    close: () => store.close(),
  };
}

/**
 * Only the positions of the change log belong to a generation. The versions table has its own
 * positions.
 */
function offlineInGeneration(
  store: OfflineStore,
  changes: string,
  generation: number,
): OfflineStore {
  return {
    name: store.name,
    state: (table, options) => store.state(table, options),
    append: (table, rows, options) =>
      store.append(
        table,
        rows,
        table.name === changes
          ? { ...options, positions: stepsInGeneration(generation, options.positions) }
          : options,
      ),
    rewrite: (table, rows, options) => store.rewrite(table, rows, options),
    scan: (table, options) => store.scan(table, options),
    close: () => store.close(),
  };
}

function stepsInGeneration(
  generation: number,
  steps: readonly PositionStep[],
): readonly PositionStep[] {
  return steps.map((step) => ({
    ...step,
    partition: storedPartitionName(generation, step.partition),
  }));
}
