/** Reads what the stores hold of a source, and what went wrong in it. */
import { isRetryable } from "../errors.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore, Position } from "../spi.ts";
import type { StoreRole } from "../ingest/source-writer.ts";
import { countersKey, readCounters } from "../online/source-counters.ts";
import { layoutFor, readSourceState } from "../online/source-state.ts";
import { errorSummary, type StoreBackpressure } from "../ingest/backpressure.ts";
import { formatTime } from "../time/parse-time.ts";
import { reachableGenerations } from "../resnapshot/generation-stores.ts";
import { userPositions } from "../ingest/snapshot-watch.ts";
import { historyContext } from "../offline/offline-reader.ts";
import { quarantinedRows } from "./quarantined-rows.ts";

/** What the stores hold of a source, and what went wrong in it. */
export interface SourceStatus {
  readonly source: string;
  /** How often the source was begun anew from a snapshot (`resnapshot`). */
  readonly generation: number;
  /**
   * A resnapshot has begun, and its snapshot is not complete in every store. Each old row is served
   * until the snapshot brings it again.
   */
  readonly resnapshotting: boolean;
  readonly online: {
    readonly positions: readonly Position[];
    /** The earliest `asOf` that is answered. null: every `asOf` is answered. */
    readonly horizon: string | null;
    /**
     * The number of messages whose row was quarantined or whose key could not be read
     * (`quarantined_changes_total`).
     */
    readonly quarantinedChanges: number;
    /** The number of rows that are quarantined now (`quarantined_rows`). */
    readonly quarantinedRows: number;
    /** The number of NaN and ±Infinity, which are taken as missing. */
    readonly nonFiniteValues: number;
    /** The number of values that could not be read, which are taken as missing. */
    readonly invalidValues: number;
  } | null;
  readonly history: {
    readonly positions: readonly Position[];
    readonly changes: number;
    readonly versions: number;
  } | null;
  /**
   * The stores that do not keep up with a run of this process, and those that do not answer now.
   * The member of a store that does not answer is null, as that of a store that is not configured.
   */
  readonly backpressure: readonly StoreBackpressure[];
}

interface StatusOptions {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly namespace: string;
  readonly views: readonly ViewSpec[];
  readonly clock: () => number;
  readonly backpressure: readonly StoreBackpressure[];
}

export async function sourceStatus(
  source: SourceSpec,
  options: StatusOptions,
): Promise<SourceStatus> {
  const { online, offline } = options;
  const backpressure = [...options.backpressure];
  /** Reports an unavailable store, so that the status of the other store is still given. */
  const asked = async <T>(role: StoreRole, store: string, status: Promise<T>): Promise<T | null> =>
    status.catch((error: unknown) => {
      if (!isRetryable(error)) throw error;
      if (!backpressure.some((one) => one.store === store))
        backpressure.push({
          role,
          store,
          since: formatTime(options.clock()),
          attempts: 1,
          error: errorSummary(error),
          independent: false,
          caughtUp: false,
        });
      return null;
    });
  const { generation, unfinished } = await reachableGenerations(source, options);
  return {
    source: source.name,
    generation,
    resnapshotting: unfinished,
    online:
      online === undefined
        ? null
        : await asked(
            "online",
            online.name,
            onlineStatus(source, { ...options, online }, generation),
          ),
    history:
      offline === undefined
        ? null
        : await asked("history", offline.name, historyStatus(source, offline, generation)),
    backpressure,
  };
}

async function onlineStatus(
  source: SourceSpec,
  options: StatusOptions & { readonly online: OnlineStore },
  generation: number,
): Promise<SourceStatus["online"]> {
  const { online, namespace } = options;
  const positions = userPositions(generation, await online.positions(source.name));
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
    invalidValues: sum((one) => one.invalidValues),
  };
}

async function historyStatus(
  source: SourceSpec,
  offline: OfflineStore,
  generation: number,
): Promise<SourceStatus["history"]> {
  const { tables } = historyContext(offline, source);
  const log = await offline.state(tables.changes.name);
  const versions = await offline.state(tables.versions.name);
  return {
    positions: userPositions(generation, log?.positions ?? []),
    changes: log?.rows ?? 0,
    versions: versions?.rows ?? 0,
  };
}
