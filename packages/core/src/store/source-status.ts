/** What a source has taken, and what went wrong in it. */
import { keyColumnsOf } from "../rows/row-change.ts";
import { valueAt } from "../columns/batch.ts";
import { toUser } from "../define/user-values.ts";
import { isRetryable } from "../errors.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore, Position } from "../spi.ts";
import { onlineLanes } from "../online/entity-logs.ts";
import { readLanes } from "../online/stored-rows.ts";
import type { StoreRole } from "../ingest/source-writer.ts";
import { countersKey, readCounters } from "../online/source-counters.ts";
import { layoutFor, readSourceState } from "../online/source-state.ts";
import { said, type SinkStall } from "../ingest/backpressure.ts";
import { formatTime } from "../time/parse-time.ts";
import { reachableEpochs } from "../resnapshot/generation-stores.ts";
import { plainPositions } from "../ingest/snapshot-watch.ts";
import { historyContext } from "../offline/offline-reader.ts";

export interface SourceStatus {
  readonly source: string;
  /** How often it was begun anew from a snapshot (`rebootstrap`). */
  readonly epoch: number;
  /**
   * A rebootstrap has begun, and its snapshot is not complete in every store: rows of before are
   * still served, each until it comes again.
   */
  readonly rebootstrapping: boolean;
  readonly online: {
    readonly positions: readonly Position[];
    /** From when on every `asOf` is answered; null: from ever. */
    readonly horizon: string | null;
    /**
     * Messages whose row was quarantined or whose key could not be read
     * (`quarantined_changes_total`).
     */
    readonly quarantinedChanges: number;
    /** Rows whose current image is quarantined (`quarantined_rows`). */
    readonly quarantinedRows: number;
    /** NaN and ±Infinity, taken as missing. */
    readonly nonFiniteValues: number;
    /** Values that could not be read, taken as missing. */
    readonly unreadableValues: number;
  } | null;
  readonly history: {
    readonly positions: readonly Position[];
    readonly changes: number;
    readonly versions: number;
  } | null;
  /**
   * The stores that do not keep up with a run of this process, and those that could not be asked
   * just now: their part above is null. Empty: all is well, and a part that is null is of a store
   * that there is not.
   */
  readonly stalls: readonly SinkStall[];
}

export interface QuarantinedRow {
  readonly source: string;
  /** The primary key, by column. */
  readonly key: Readonly<Record<string, unknown>>;
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: number;
  /** The column at fault; null: the whole content. */
  readonly column: string | null;
  readonly reason: string;
  readonly committed: string;
}

interface StatusOptions {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly namespace: string;
  readonly views: readonly ViewSpec[];
  readonly clock: () => number;
  readonly stalls: readonly SinkStall[];
}

export async function sourceStatus(
  source: SourceSpec,
  options: StatusOptions,
): Promise<SourceStatus> {
  const { online, offline } = options;
  const stalls = [...options.stalls];
  /** A store that is away is told of, and does not keep the other from being told of. */
  const asked = async <T>(sink: StoreRole, store: string, status: Promise<T>): Promise<T | null> =>
    status.catch((error: unknown) => {
      if (!isRetryable(error)) throw error;
      if (!stalls.some((one) => one.store === store))
        stalls.push({
          sink,
          store,
          since: formatTime(options.clock()),
          attempts: 1,
          error: said(error),
          detached: false,
          over: false,
        });
      return null;
    });
  const { epoch, unfinished } = await reachableEpochs(source, options);
  return {
    source: source.name,
    epoch,
    rebootstrapping: unfinished,
    online:
      online === undefined
        ? null
        : await asked("online", online.name, onlineStatus(source, { ...options, online }, epoch)),
    history:
      offline === undefined
        ? null
        : await asked("history", offline.name, historyStatus(source, offline, epoch)),
    stalls,
  };
}

async function onlineStatus(
  source: SourceSpec,
  options: StatusOptions & { readonly online: OnlineStore },
  epoch: number,
): Promise<SourceStatus["online"]> {
  const { online, namespace } = options;
  const positions = plainPositions(epoch, await online.positions(source.name));
  const { horizon } = await readSourceState(online, namespace, layoutFor(source, options.views));
  const counters = (
    await online.read(
      positions.map(({ partition }) => countersKey(namespace, source.name, partition)),
    )
  ).map(readCounters);
  const sum = (of: (one: (typeof counters)[number]) => number): number =>
    counters.reduce((total, one) => total + of(one), 0);
  return {
    positions,
    horizon: Number.isFinite(horizon) ? formatTime(horizon) : null,
    quarantinedChanges: sum((one) => one.quarantinedChanges),
    quarantinedRows: (await quarantinedRows(source, options)).length,
    nonFiniteValues: sum((one) => one.nonFinite),
    unreadableValues: sum((one) => one.unreadable),
  };
}

async function historyStatus(
  source: SourceSpec,
  offline: OfflineStore,
  epoch: number,
): Promise<SourceStatus["history"]> {
  const { tables } = historyContext(offline, source);
  const log = await offline.state(tables.changes.name);
  const versions = await offline.state(tables.versions.name);
  return {
    positions: plainPositions(epoch, log?.positions ?? []),
    changes: log?.rows ?? 0,
    versions: versions?.rows ?? 0,
  };
}

/** The rows of a source that are in no window, oldest first. */
export async function quarantinedRows(
  source: SourceSpec,
  options: Pick<StatusOptions, "namespace" | "views"> & { readonly online: OnlineStore },
): Promise<readonly QuarantinedRow[]> {
  const { online, namespace } = options;
  const state = await readSourceState(online, namespace, layoutFor(source, options.views));
  const lanes = onlineLanes(namespace, state.layout);
  const [cells] = await readLanes(online, [
    {
      lanes,
      lane: lanes.quarantine,
      key: [],
      headKey: lanes.quarantine.head([]),
      known: null,
      notBefore: -Infinity,
    },
  ]);
  const keyColumns = keyColumnsOf(source);
  return (cells == null || cells === "same" ? [] : [...cells.chunks, cells.head()])
    .flatMap(({ length, vectors }) =>
      Array.from({ length }, (_, i) => vectors.map((vector) => valueAt(vector, i))),
    )
    .filter(([, place]) => state.truncates.every((truncate) => truncate.place <= (place as bigint)))
    .map(([committed, , topic, partition, offset, column, reason, ...rest]) => ({
      source: source.name,
      key: Object.fromEntries(keyColumns.map((one, k) => [one.name, toUser(rest[k] ?? null, one)])),
      topic: topic as string | null,
      partition: partition as number | null,
      offset: offset as number,
      column: column as string | null,
      reason: reason as string,
      committed: formatTime(committed as number),
    }));
}
