/** What a source has taken, and what went wrong in it. */
import { primaryKeyColumns } from "../rows/row-change.ts";
import { valueAt } from "../columns/batch.ts";
import { toUser } from "../define/user-values.ts";
import { isRetryable } from "../errors.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore, Position } from "../spi.ts";
import { entityLogsOf } from "../online/entity-logs.ts";
import { readEntityLogs } from "../online/stored-rows.ts";
import type { StoreRole } from "../ingest/source-writer.ts";
import { countersKey, readCounters } from "../online/source-counters.ts";
import { layoutFor, readSourceState } from "../online/source-state.ts";
import { errorSummary, type StoreBackpressure } from "../ingest/backpressure.ts";
import { formatTime } from "../time/parse-time.ts";
import { reachableGenerations } from "../resnapshot/generation-stores.ts";
import { userPositions } from "../ingest/snapshot-watch.ts";
import { historyContext } from "../offline/offline-reader.ts";

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
    readonly invalidValues: number;
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
  readonly backpressure: readonly StoreBackpressure[];
}

/** A row that is in no window, because its key or event time cannot be read. */
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

/** The rows of a source that are in no window, oldest first. */
export async function quarantinedRows(
  source: SourceSpec,
  options: Pick<StatusOptions, "namespace" | "views"> & { readonly online: OnlineStore },
): Promise<readonly QuarantinedRow[]> {
  const { online, namespace } = options;
  const state = await readSourceState(online, namespace, layoutFor(source, options.views));
  const entityLogs = entityLogsOf(namespace, state.layout);
  const [cells] = await readEntityLogs(online, [
    {
      entityLogs,
      entityLog: entityLogs.quarantine,
      key: [],
      tailKey: entityLogs.quarantine.tail([]),
      known: null,
      notBefore: -Infinity,
    },
  ]);
  const keyColumns = primaryKeyColumns(source);
  return (cells == null || cells === "same" ? [] : [...cells.segments, cells.tail()])
    .flatMap(({ length, vectors }) =>
      Array.from({ length }, (_, i) => vectors.map((vector) => valueAt(vector, i))),
    )
    .filter(([, order]) => state.truncates.every((truncate) => truncate.order <= (order as bigint)))
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
