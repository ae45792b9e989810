/** Reads what the stores hold of a source, and what went wrong in it. */
import { historyContext } from "../offline/history-context.ts";
import { isRetryable } from "../errors.ts";
import type { RowExpectationSpec, SourceSpec, ViewSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore, Position } from "../spi.ts";
import type { StoreRole } from "../ingest/source-writer.ts";
import { countersKey, readCounters } from "../online/source-counters.ts";
import { layoutFor, readSourceState } from "../online/source-state.ts";
import { errorSummary, type StoreBackpressure } from "../ingest/backpressure.ts";
import { positionsOfGeneration } from "../rows/snapshot-generations.ts";
import { NotTakenCounts, type NotTaken } from "../ingest/not-taken.ts";
import { formatTime } from "../time/parse-time.ts";
import { reachableGenerations } from "../resnapshot/generation-stores.ts";
import type { PairProblem, PairProblemCode } from "../pairing/pair-problem.ts";
import { userPositions } from "../ingest/snapshot-watch.ts";
import { backfillStatus, featuresToBackfill, type BackfillStatus } from "./backfill-status.ts";
import { lagOf, unknownLag, type LogEnds, type SourceLag } from "./log-lag.ts";
import { countQuarantinedRows } from "./quarantined-rows.ts";
import { toldMismatches } from "../online/told-mismatches.ts";
import type { SourceMismatch } from "../ingest/source-fit.ts";
import { statusMismatches, takenOf, type StatusMismatch } from "./status-mismatches.ts";

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
  /**
   * Why the online store and the history do not belong together now, and the next step. null: they
   * do, or a store did not answer.
   */
  readonly problem: { readonly code: PairProblemCode; readonly message: string } | null;
  /** The newest event time that was taken. null: none is known. */
  readonly lastEvent: string | null;
  /** The newest commit time that was taken. null: none is known. */
  readonly lastCommit: string | null;
  /**
   * The number of rows that were taken; updates of a row count, and so do deletes that were pushed.
   * null: not known.
   */
  readonly rowsTaken: number | null;
  /** How far the slower store is behind the log. null: it is not known. */
  readonly lag: SourceLag | null;
  /** Why the lag is not known, or may be older than now. */
  readonly lagUnknown: string | null;
  /** What most rows of the source lack: the definition likely has a wrong name or type. */
  readonly mismatches: readonly StatusMismatch[];
  readonly online: {
    /** Whether the source was level once with its log or its history. Else it answers nothing. */
    readonly isReady: boolean;
    /** The features that need a backfill, as `view.feature`. They are refused until then. */
    readonly needsBackfill: readonly string[];
    /** The backfill in progress. null: there is none. */
    readonly backfill: BackfillStatus | null;
    readonly positions: readonly Position[];
    /** The earliest `asOf` that is answered. null: every `asOf` is answered. */
    readonly horizon: string | null;
    /**
     * The number of messages whose row was quarantined or whose key could not be read
     * (`tidemark_quarantined_changes_total`).
     */
    readonly quarantinedChanges: number;
    /** The number of rows that are quarantined now (`tidemark_quarantined_rows`). */
    readonly quarantinedRows: number;
    /** The number of NaN and ±Infinity, which are taken as missing. */
    readonly nonFiniteValues: number;
    /** The number of values that could not be read, which are taken as missing. */
    readonly invalidValues: number;
    /** What was not taken so far, by reason, with the first example of each. */
    readonly notTaken: readonly NotTaken[];
    /** The number of undecodable messages that `retry` took. They stay counted in `notTaken`. */
    readonly takenLater: number;
    /** The number of undecodable messages that no retry took. */
    readonly undecodable: number;
    /** How many messages violated each expectation that the source declares. */
    readonly violations: readonly ExpectationViolations[];
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

/** How many messages violated an expectation of their source. */
export interface ExpectationViolations {
  readonly expectation: string;
  readonly onViolation: RowExpectationSpec["onViolation"];
  readonly messages: number;
}

interface StatusOptions {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly namespace: string;
  readonly views: readonly ViewSpec[];
  readonly clock: () => number;
  readonly backpressure: readonly StoreBackpressure[];
  readonly problem: (source: SourceSpec) => Promise<PairProblem | null>;
  readonly ends: LogEnds;
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
  const problem = await options.problem(source);
  const onlineAnswer =
    online === undefined
      ? null
      : await asked(
          "online",
          online.name,
          onlineStatus(source, { ...options, online }, generation),
        );
  const historyAnswer =
    offline === undefined
      ? null
      : await asked("history", offline.name, historyStatus(source, offline, generation));
  const stored = onlineAnswer?.stored ?? historyAnswer?.stored ?? [];
  const taken = takenOf(stored);
  const positions = [onlineAnswer, historyAnswer].flatMap((one) =>
    one === null ? [] : [one.status.positions],
  );
  const lag = lagOf(
    source,
    options.ends,
    { positions, committed: taken.committed, committedOf: committedTimes(stored) },
    options.clock(),
  );
  return {
    source: source.name,
    generation,
    resnapshotting: unfinished,
    problem: problem === null ? null : { code: problem.code, message: problem.message },
    lastEvent: taken.event === null ? null : formatTime(taken.event),
    lastCommit: taken.committed === null ? null : formatTime(taken.committed),
    rowsTaken: stored.length === 0 ? null : source.push === true ? pushed(stored) : taken.rows,
    lag,
    lagUnknown:
      positions.length === 0 ? options.ends.unknown : unknownLag(source, options.ends, lag),
    mismatches: statusMismatches(
      taken,
      onlineAnswer?.status.notTaken ?? [],
      onlineAnswer?.told ?? [],
    ),
    online: onlineAnswer?.status ?? null,
    history: historyAnswer?.status ?? null,
    backpressure,
  };
}

/** The number of changes that were pushed: each has an offset of its own. */
function pushed(positions: readonly Position[]): number {
  return positions.reduce((sum, { offset }) => sum + offset + 1, 0);
}

/** The newest commit time that was taken of each partition, µs. */
function committedTimes(positions: readonly Position[]): ReadonlyMap<string, number> {
  return new Map(
    positions.flatMap(({ partition, checkpoint }) => {
      const committed = checkpoint?.taken?.committed ?? null;
      return committed === null ? [] : [[partition, committed] as const];
    }),
  );
}

/** The status of one store, and the positions as they are stored. */
interface StoreAnswer<Status> {
  readonly status: Status;
  readonly stored: readonly Position[];
}

async function onlineStatus(
  source: SourceSpec,
  options: StatusOptions & { readonly online: OnlineStore },
  generation: number,
): Promise<
  StoreAnswer<NonNullable<SourceStatus["online"]>> & { readonly told: readonly SourceMismatch[] }
> {
  const { online, namespace } = options;
  const stored = await online.positions(source.name);
  const positions = userPositions(generation, stored);
  const { views } = options;
  const state = await readSourceState(online, namespace, layoutFor(source, views));
  const { horizon, isReady } = state;
  const counters = (
    await online.read(
      positionsOfGeneration(generation, stored).map(({ partition }) =>
        countersKey(namespace, source.name, partition),
      ),
    )
  ).map(readCounters);
  const notTaken = new NotTakenCounts(counters.flatMap((one) => one.notTaken)).list();
  const sum = (of: (one: (typeof counters)[number]) => number): number =>
    counters.reduce((total, one) => total + of(one), 0);
  const takenLater = sum((one) => one.takenLater);
  const undecodable = notTaken
    .filter(({ kind }) => kind === "undecodable")
    .reduce((total, { count }) => total + count, 0);
  const status = {
    isReady,
    needsBackfill: featuresToBackfill(state, source, views),
    backfill: await backfillStatus(source, state, options),
    positions,
    horizon: Number.isFinite(horizon) ? formatTime(horizon) : null,
    quarantinedChanges: sum((one) => one.quarantinedChanges),
    quarantinedRows: await countQuarantinedRows(source, options),
    nonFiniteValues: sum((one) => one.nonFinite),
    invalidValues: sum((one) => one.invalidValues),
    notTaken,
    takenLater,
    undecodable: Math.max(0, undecodable - takenLater),
    violations: (source.expectations ?? []).map(({ name, onViolation }) => ({
      expectation: name,
      onViolation,
      messages: sum(({ violations }) => violations[name] ?? 0),
    })),
  };
  const told = await toldMismatches(online, namespace, source);
  return { status, stored: positionsOfGeneration(generation, stored), told };
}

async function historyStatus(
  source: SourceSpec,
  offline: OfflineStore,
  generation: number,
): Promise<StoreAnswer<NonNullable<SourceStatus["history"]>>> {
  const { tables } = historyContext(offline, source);
  const log = await offline.state(tables.changes.name);
  const versions = await offline.state(tables.versions.name);
  const stored = log?.positions ?? [];
  const status = {
    positions: userPositions(generation, stored),
    changes: log?.rows ?? 0,
    versions: versions?.rows ?? 0,
  };
  return { status, stored: positionsOfGeneration(generation, stored) };
}
