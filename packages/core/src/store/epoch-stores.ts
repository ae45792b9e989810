/** The stores as a source's sinks see them in one epoch: positions under the names of the log, whatever epoch they are of. */
import { TidemarkError } from "../errors.ts";
import { historyTables } from "../history/history-tables.ts";
import type { SourceSpec } from "../model.ts";
import type { OfflineStore, OnlineStore, Position, PositionStep } from "../spi.ts";
import { beginning, epochStateOf, isUnfinished, LSN_LIMIT, MOST_EPOCHS, nameInEpoch, positionsIn, type EpochState } from "../stream/epochs.ts";
import { unmarked } from "../stream/snapshot-watch.ts";

export interface EpochStores {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What each store says of a source; null where there is no such store. */
export interface StoredEpochs {
  readonly online: EpochState | null;
  readonly offline: EpochState | null;
  /** The newest that was begun in any. */
  readonly epoch: number;
  /** The snapshot that begins it is not complete in every store. */
  readonly unfinished: boolean;
}

export async function storedEpochs(source: SourceSpec, { online, offline, signal }: EpochStores): Promise<StoredEpochs> {
  const state = online === undefined ? null : epochStateOf(await online.positions(source.name));
  const past = offline === undefined ? null : epochStateOf((await offline.state(historyTables(source).changes.name, { signal }))?.positions ?? []);
  const both = [state, past].flatMap((one) => (one === null ? [] : [one]));
  const epoch = Math.max(0, ...both.map((one) => one.epoch));
  return { online: state, offline: past, epoch, unfinished: both.some((one) => one.epoch < epoch || isUnfinished(one)) };
}

/** Begins an epoch in each store that has not; another process may do the same at the same time. */
export async function beginEpoch(source: SourceSpec, stores: EpochStores, epoch: number): Promise<void> {
  const { online, offline, signal } = stores;
  const at = await storedEpochs(source, stores);
  if (online !== undefined && at.online!.epoch < epoch) {
    refuseTooLarge(source, epoch, await online.positions(source.name));
    await online.write({ source: source.name, cells: [], positions: [beginning(epoch)] });
  }
  if (offline !== undefined && at.offline!.epoch < epoch) {
    const { changes } = historyTables(source);
    refuseTooLarge(source, epoch, (await offline.state(changes.name, { signal }))?.positions ?? []);
    await offline.append(changes, [], { positions: [beginning(epoch)], signal });
  }
}

function refuseTooLarge(source: SourceSpec, epoch: number, positions: readonly Position[]): void {
  if (epoch > MOST_EPOCHS) throw new TidemarkError("EPOCHS_EXHAUSTED", `source "${source.name}" was begun anew ${MOST_EPOCHS} times, and a store counts no further: begin with empty stores`);
  const highest = positions.map(({ mark }) => /^(\d+)(?: |$)/.exec(mark ?? "")?.[1]).find((lsn) => lsn !== undefined && BigInt(lsn) >= LSN_LIMIT);
  if (highest !== undefined) throw new TidemarkError("LSN_TOO_LARGE", `source "${source.name}" has LSNs up to ${highest}, and a rebootstrap needs them below ${LSN_LIMIT}: begin with empty stores`);
}

export function onlineInEpoch(store: OnlineStore, epoch: number): OnlineStore {
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

/** Only the steps of the change log are of an epoch; the versions table has positions of its own. */
export function offlineInEpoch(store: OfflineStore, changes: string, epoch: number): OfflineStore {
  return {
    name: store.name,
    state: (table, options) => store.state(table, options),
    append: (table, rows, options) => store.append(table, rows, table.name === changes ? { ...options, positions: namedIn(epoch, options.positions) } : options),
    rewrite: (table, rows, options) => store.rewrite(table, rows, options),
    scan: (table, options) => store.scan(table, options),
    close: () => store.close(),
  };
}

function namedIn(epoch: number, steps: readonly PositionStep[]): readonly PositionStep[] {
  return steps.map((step) => ({ ...step, partition: nameInEpoch(epoch, step.partition) }));
}

/** Positions as a user reads them. */
export function plainPositions(epoch: number, positions: readonly Position[]): readonly Position[] {
  return positionsIn(epoch, positions).map((position) => {
    const space = position.mark?.indexOf(" ") ?? -1;
    if (space < 0 || !position.mark!.slice(space + 1).startsWith("~")) return position;
    return { ...position, mark: `${position.mark!.slice(0, space)} ${unmarked(position.mark!.slice(space + 1)).mark ?? ""}` };
  });
}
