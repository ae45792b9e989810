/**
 * The stores as a source's sinks see them in one epoch: positions under the names of the log,
 * whatever epoch they are of.
 */
import { isRetryable, TidemarkError } from "../errors.ts";
import { historyTables } from "../offline/history-tables.ts";
import type { SourceSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore, Position, PositionStep } from "../spi.ts";
import {
  beginning,
  epochStateOf,
  isUnfinished,
  LSN_LIMIT,
  MOST_EPOCHS,
  nameInEpoch,
  positionsIn,
  type EpochState,
} from "../rows/snapshot-generations.ts";

export interface EpochStores {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What each store says of a source; null where there is no such store, or none that answers. */
export interface StoredEpochs {
  readonly online: EpochState | null;
  readonly offline: EpochState | null;
  /** The newest that was begun in any. */
  readonly epoch: number;
  /** The snapshot that begins it is not complete in every store. */
  readonly unfinished: boolean;
}

export async function storedEpochs(
  source: SourceSpec,
  { online, offline, signal }: EpochStores,
): Promise<StoredEpochs> {
  const state = online === undefined ? null : epochStateOf(await online.positions(source.name));
  const past =
    offline === undefined
      ? null
      : epochStateOf(
          (await offline.state(historyTables(source).changes.name, { signal }))?.positions ?? [],
        );
  return together(state, past);
}

/**
 * The same, of the stores that answer: a run waits for one that is away, and it is asked when it is
 * back.
 */
export async function reachableEpochs(
  source: SourceSpec,
  stores: EpochStores,
): Promise<StoredEpochs> {
  const each = [
    { ...stores, offline: undefined },
    { ...stores, online: undefined },
  ].map((one) =>
    storedEpochs(source, one).catch((error: unknown) => {
      if (!isRetryable(error)) throw error;
      return { online: null, offline: null, epoch: 0, unfinished: false };
    }),
  );
  const [{ online }, { offline }] = (await Promise.all(each)) as [StoredEpochs, StoredEpochs];
  return together(online, offline);
}

function together(online: EpochState | null, offline: EpochState | null): StoredEpochs {
  const both = [online, offline].flatMap((one) => (one === null ? [] : [one]));
  const epoch = Math.max(0, ...both.map((one) => one.epoch));
  return {
    online,
    offline,
    epoch,
    unfinished: both.some((one) => one.epoch < epoch || isUnfinished(one)),
  };
}

/**
 * The online store for the sinks of an epoch, which begins there where it has not; another process
 * may begin it at the same time.
 */
export async function onlineStanding(
  online: OnlineStore,
  source: SourceSpec,
  epoch: number,
): Promise<OnlineStore> {
  const positions = await online.positions(source.name);
  if (isToBegin(source, online.name, epoch, positions))
    await online.write({ source: source.name, cells: [], positions: [beginning(epoch)] });
  return onlineInEpoch(online, epoch);
}

/** The same for the history. */
export async function offlineStanding(
  offline: OfflineStore,
  source: SourceSpec,
  epoch: number,
  signal: AbortSignal | undefined,
): Promise<OfflineStore> {
  const { changes } = historyTables(source);
  const positions = (await offline.state(changes.name, { signal }))?.positions ?? [];
  if (isToBegin(source, offline.name, epoch, positions))
    await offline.append(changes, [], { positions: [beginning(epoch)], signal });
  return offlineInEpoch(offline, changes.name, epoch);
}

export async function beginEpoch(
  source: SourceSpec,
  { online, offline, signal }: EpochStores,
  epoch: number,
): Promise<void> {
  if (online !== undefined) await onlineStanding(online, source, epoch);
  if (offline !== undefined) await offlineStanding(offline, source, epoch, signal);
}

function isToBegin(
  source: SourceSpec,
  store: string,
  epoch: number,
  positions: readonly Position[],
): boolean {
  const at = epochStateOf(positions).epoch;
  if (at > epoch)
    throw new TidemarkError(
      "SOURCE_BEGUN_ANEW",
      `${store}: source "${source.name}" was begun anew (store.rebootstrap) since this run ` +
        "started, or while this store was away: start the run again",
    );
  if (at < epoch) refuseTooLarge(source, epoch, positions);
  return at < epoch;
}

function refuseTooLarge(source: SourceSpec, epoch: number, positions: readonly Position[]): void {
  if (epoch > MOST_EPOCHS)
    throw new TidemarkError(
      "EPOCHS_EXHAUSTED",
      `source "${source.name}" was begun anew ${MOST_EPOCHS} times, and a store counts no ` +
        "further: begin with empty stores",
    );
  const highest = positions
    .map(({ mark }) => /^(\d+)(?: |$)/.exec(mark ?? "")?.[1])
    .find((lsn) => lsn !== undefined && BigInt(lsn) >= LSN_LIMIT);
  if (highest !== undefined)
    throw new TidemarkError(
      "LSN_TOO_LARGE",
      `source "${source.name}" has LSNs up to ${highest}, and a rebootstrap needs them below ` +
        `${LSN_LIMIT}: begin with empty stores`,
    );
}

function onlineInEpoch(store: OnlineStore, epoch: number): OnlineStore {
  return {
    name: store.name,
    open: (options) => store.open(options),
    read: (keys) => store.read(keys),
    write: (step) => store.write({ ...step, positions: namedIn(epoch, step.positions) }),
    positions: async (source) => positionsIn(epoch, await store.positions(source)),
    sweep: (options) => store.sweep(options),
    close: () => store.close(),
  };
}

/**
 * Only the steps of the change log are of an epoch; the versions table has positions of its own.
 */
function offlineInEpoch(store: OfflineStore, changes: string, epoch: number): OfflineStore {
  return {
    name: store.name,
    state: (table, options) => store.state(table, options),
    append: (table, rows, options) =>
      store.append(
        table,
        rows,
        table.name === changes
          ? { ...options, positions: namedIn(epoch, options.positions) }
          : options,
      ),
    rewrite: (table, rows, options) => store.rewrite(table, rows, options),
    scan: (table, options) => store.scan(table, options),
    close: () => store.close(),
  };
}

function namedIn(epoch: number, steps: readonly PositionStep[]): readonly PositionStep[] {
  return steps.map((step) => ({ ...step, partition: nameInEpoch(epoch, step.partition) }));
}
