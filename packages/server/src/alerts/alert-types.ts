/** The alerts that a webhook gets, and when they fire. */
import type { TimeLimit } from "@tidemark/core";

/** What an alert is about. */
export type AlertName =
  | "drift"
  | "expectation"
  | "lag"
  | "needs-backfill"
  | "not-ready"
  | "quarantine"
  | "run-stopped"
  | "stalled"
  | "store-unavailable"
  | "undecodable";

/** An alert that fires or has ended. */
export interface Alert {
  /** The same for the firing and the end of an alert, such as `lag/payments`. */
  readonly id: string;
  readonly alert: AlertName;
  /** Name of the source; null: the stores as a whole. */
  readonly source: string | null;
  readonly status: "firing" | "resolved";
  readonly severity: "critical" | "warning";
  /** What happened, in one sentence. */
  readonly summary: string;
  /** The next step. */
  readonly nextStep: string;
  /** Messages, seconds or features, as the summary says; null: nothing is counted. */
  readonly value: number | null;
  /** ISO texts. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** The page with more. */
  readonly docs: string;
}

/** When alerts fire. */
export interface AlertThresholds {
  /** A source is this far behind its log. Default: "5m". */
  readonly lag?: TimeLimit | undefined;
  /** A feature is not answered for this long. Default: "15m". */
  readonly notReady?: TimeLimit | undefined;
  /** Messages wait, and none was taken for this long. Default: "10m". */
  readonly stalled?: TimeLimit | undefined;
  /** No run has measured the lag for this long. Default: "2m". */
  readonly runStopped?: TimeLimit | undefined;
  /** A store does not keep up, or cannot be read, for this long. Default: "2m". */
  readonly unavailable?: TimeLimit | undefined;
  /** `quarantine` and `undecodable` end this long after the last row. Default: "15m". */
  readonly growth?: TimeLimit | undefined;
}

/** The thresholds in milliseconds. */
export type ThresholdMillis = Readonly<Record<keyof AlertThresholds, number>>;
