/** Says which conditions of a store hold now. A condition that holds for a while is an alert. */
import type { CheckResults, SourceReadiness, SourceStatus } from "@tidemark/core";
import type { ThresholdMillis } from "./alert-types.ts";
import { checkConditions } from "./check-conditions.ts";
import { page, type Condition } from "./condition.ts";

/** The state of a store when it was read. null: its status could not be read. */
export interface WatchedState {
  readonly sources: readonly SourceStatus[];
  readonly readiness: readonly SourceReadiness[];
  readonly checks: CheckResults;
}

/** The process that watches: a server leaves the stream to a run that is alive. */
export type WatchingProcess = "run" | "serve";

/** A run whose last measure is older is not alive, ms. A run measures every ten seconds. */
const ALIVE_TIME = 60_000;

/** What is remembered of a source between two looks. */
interface Remembered {
  readonly positions: string;
  readonly movedAt: number;
  readonly counts: Readonly<Record<"quarantine" | "undecodable", number>>;
  readonly grewAt: Readonly<Record<"quarantine" | "undecodable", number>>;
}

/** Finds the conditions that hold, and remembers what it has seen. */
export class ConditionFinder {
  private readonly limits: ThresholdMillis;
  private readonly process: WatchingProcess;
  private readonly remembered = new Map<string, Remembered>();

  constructor(limits: ThresholdMillis, process: WatchingProcess) {
    this.limits = limits;
    this.process = process;
  }

  /** `now` is in milliseconds of Unix time. */
  find(state: WatchedState | null, now: number): readonly Condition[] {
    if (state === null)
      return [
        {
          ...page("store-unavailable", null, "critical", "operating#unavailable-store"),
          summary: "the status of the stores cannot be read",
          nextStep: "run tidemark status on the machine: it names the store and the reason",
          value: null,
          after: this.limits.unavailable,
        },
      ];
    const backfilled = new Set(
      state.sources.flatMap(({ source, online }) =>
        online?.backfill?.isWorking === true ? [source] : [],
      ),
    );
    return [
      ...state.readiness.flatMap((one) => this.readiness(one, backfilled)),
      ...this.unavailable(state),
      ...state.sources.flatMap((one) => this.stream(one, now)),
      ...this.checks(state, now),
    ];
  }

  /** The stores that do not keep up, each once. */
  private unavailable({ sources }: WatchedState): readonly Condition[] {
    const stores = new Map(
      sources.flatMap(({ backpressure }) => backpressure.map((one) => [one.role, one] as const)),
    );
    return [...stores.values()].map(({ role, store, error }) => ({
      ...page("store-unavailable", null, "warning", "operating#unavailable-store"),
      of: role,
      summary: `${store} does not keep up, or is unavailable (${error?.code ?? "it is slow"})`,
      nextStep: "bring the store back within the retention of the topic; the rest follows",
      value: null,
      after: this.limits.unavailable,
    }));
  }

  private readiness(
    { source, reason, message, needsBackfill }: SourceReadiness,
    backfilled: ReadonlySet<string>,
  ): readonly Condition[] {
    if (reason === null) return [];
    if (reason !== "NEEDS_BACKFILL")
      return [
        {
          ...page("not-ready", source, "critical", "serving#readiness"),
          summary: `features of ${source} are not answered (${reason})`,
          nextStep: message ?? "run tidemark status",
          value: null,
          after: this.limits.notReady,
        },
      ];
    if (backfilled.has(source)) return [];
    return [
      {
        ...page("needs-backfill", source, "critical", "operating#longer-window-or-new-column"),
        summary: `${needsBackfill.length} features of ${source} are refused until a backfill`,
        nextStep: "run tidemark backfill",
        value: needsBackfill.length,
        after: 0,
      },
    ];
  }

  private stream(status: SourceStatus, now: number): readonly Condition[] {
    const { source, lag } = status;
    const { movedAt, grewAt } = this.remember(status, now);
    const measured = lag === null ? null : Date.parse(lag.at);
    const isLeft = this.process === "serve" && measured !== null && now - measured < ALIVE_TIME;
    if (isLeft) return [];
    const found: Condition[] = [];
    if (measured !== null && now - measured > this.limits.runStopped)
      found.push({
        ...page("run-stopped", source, "critical", "operating#restart-of-a-runner"),
        summary: `no run has read ${source} for ${seconds(now - measured)} s`,
        nextStep: "start tidemark run again: the last line of its log has the code of the error",
        value: seconds(now - measured),
        after: 0,
      });
    if (lag?.seconds != null && lag.seconds * 1000 > this.limits.lag)
      found.push({
        ...page("lag", source, "warning", "kafka#offsets-and-lag"),
        summary: `${source} is ${lag.seconds} s behind its log (${lag.messages} messages)`,
        nextStep: "wait if the lag falls; if it grows, run more runners of the group",
        value: lag.seconds,
        after: 0,
      });
    if (lag !== null && lag.messages > 0 && now - movedAt > this.limits.stalled)
      found.push({
        ...page("stalled", source, "critical", "operating#unavailable-store"),
        summary: `${lag.messages} messages of ${source} wait, and none is taken`,
        nextStep: "run tidemark status: it names the store or the message at fault",
        value: lag.messages,
        after: 0,
      });
    if (now - grewAt.quarantine < this.limits.growth)
      found.push({
        ...page("quarantine", source, "warning", "operating#quarantined-rows"),
        summary: `rows of ${source} were quarantined: they are in no window`,
        nextStep: `run tidemark quarantine ${source}, and correct the rows in the database`,
        value: status.online?.quarantinedRows ?? null,
        after: 0,
      });
    if (now - grewAt.undecodable < this.limits.growth)
      found.push({
        ...page("undecodable", source, "critical", "operating#what-was-not-taken"),
        summary: `messages of ${source} cannot be read`,
        nextStep: "run tidemark status, correct the setting that it names, then run tidemark retry",
        value: status.online?.undecodable ?? null,
        after: 0,
      });
    return found;
  }

  /** What the last checks of data found. A server leaves it to a run that is alive. */
  private checks({ sources, checks }: WatchedState, now: number): readonly Condition[] {
    const isLeft = sources.some(({ lag }) => lag !== null && now - Date.parse(lag.at) < ALIVE_TIME);
    if (this.process === "serve" && isLeft) return [];
    return checkConditions(checks);
  }

  private remember({ source, online, history }: SourceStatus, now: number): Remembered {
    const before = this.remembered.get(source);
    const positions = JSON.stringify([online?.positions, history?.positions]);
    const counts = {
      quarantine: online?.quarantinedChanges ?? before?.counts.quarantine ?? 0,
      undecodable:
        online?.notTaken.reduce(
          (sum, { kind, count }) => sum + (kind === "undecodable" ? count : 0),
          0,
        ) ??
        before?.counts.undecodable ??
        0,
    };
    // what was there at the first look is no news
    const grewAt = (of: keyof typeof counts): number =>
      before !== undefined && counts[of] > before.counts[of]
        ? now
        : (before?.grewAt[of] ?? -Infinity);
    const seen = {
      positions,
      movedAt: before?.positions === positions ? before.movedAt : now,
      counts,
      grewAt: { quarantine: grewAt("quarantine"), undecodable: grewAt("undecodable") },
    };
    this.remembered.set(source, seen);
    return seen;
  }
}

const seconds = (ms: number): number => Math.round(ms / 1000);
