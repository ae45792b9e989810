/** What a training set of the server is asked, and what is known of it. Types only. */
import type { IncomingMessage } from "node:http";
import type { BeforeHistory, Knowledge, ProfiledRows, TimeUnit, TrainingSet } from "@tidemark/core";
import type { SelectedFeature } from "@tidemark/core/spi";
import type { PublicError } from "../http/http-errors.ts";

/** What a request asks. */
export interface TrainingSetRequest {
  readonly features: readonly SelectedFeature[];
  readonly knowledge: Knowledge;
  readonly beforeHistory: BeforeHistory;
  readonly zone: string | null;
  readonly timeUnit: TimeUnit | null;
}

/** A training set as its caller sees it. Times are ISO texts. */
export interface TrainingSetJob {
  readonly id: string;
  readonly state: "running" | "done" | "failed";
  /** The number of entity rows. null: it is not known yet. */
  readonly rows: number | null;
  /** The number of rows that are computed. */
  readonly done: number;
  readonly features: readonly string[];
  readonly knowledge: Knowledge;
  readonly created: string;
  /** When it was done or failed. null: it is running. */
  readonly ended: string | null;
  /** When it is removed. null: it is running. */
  readonly expires: string | null;
  /** What was left out of the entity rows, and why. */
  readonly warnings: readonly string[];
  /** By source, the time from which its history is complete. null: it is not done. */
  readonly coverage: TrainingSet<unknown>["coverage"] | null;
  /** Why it failed. */
  readonly error: PublicError | null;
}

/** A training set as its file holds it. */
export interface StoredJob extends TrainingSetJob {
  /** The name of the caller's token, who alone sees it. null: the server has no tokens. */
  readonly caller: string | null;
  /** The process that computes it. */
  readonly owner: string;
  /** The status of `error`. */
  readonly status: number | null;
}

/** The training sets of a server. */
export interface TrainingSets {
  /**
   * Receives the entity rows and begins the computation.
   *
   * @throws TRAINING_SETS_BUSY when as many are running as `limits.trainingSets` allows.
   * @throws STORE_MISSING when the store has no history.
   * @throws MEDIA_TYPE_UNKNOWN when the body is neither Parquet nor JSON lines.
   * @throws BODY_TOO_LARGE when the body is larger than `limits.trainingSetBytes`.
   * @throws ENTITIES_INVALID when the body cannot be read.
   * @throws KEY_INVALID when a key is missing.
   * @throws TIME_INVALID when `event_timestamp` is missing.
   * @throws TOO_MANY_ROWS when there are more rows than `limits.trainingSetRows` allows.
   */
  start(request: TrainingSetRequest, origin: RequestOrigin): Promise<StartedJob>;
  /**
   * Returns a training set of the caller.
   *
   * @throws TRAINING_SET_UNKNOWN when the caller has none of that id, or it is no longer kept.
   */
  find(id: string, caller: string | null): Promise<StoredJob>;
  /** Returns the training sets of the caller that are kept, newest first. */
  list(caller: string | null): Promise<readonly StoredJob[]>;
  /** The path of the result of a training set that is done. */
  resultFile(id: string): Promise<string>;
  /**
   * Opens the result of a training set of the caller.
   *
   * @throws TRAINING_SET_UNKNOWN when the caller has none of that id, or it is no longer kept.
   * @throws TRAINING_SET_RUNNING when it is not done.
   * @throws the error by which it failed.
   */
  rows(asked: {
    readonly id: string;
    readonly caller: string | null;
    readonly signal: AbortSignal;
  }): Promise<ProfiledRows>;
  /** Aborts a training set, or removes its result. */
  remove(job: StoredJob): Promise<void>;
  /** The numbers for the metrics. */
  readonly counts: TrainingSetCounts;
  /** Aborts what is running, and removes all files of this process. */
  close(): Promise<void>;
}

/** Where a request comes from. */
export interface RequestOrigin {
  readonly body: IncomingMessage;
  readonly caller: string | null;
  /** The id of the request in the log. */
  readonly request: string;
  /** Aborts when the caller disconnects before its answer. */
  readonly ending: AbortSignal;
}

/** A training set that this process computes. */
export interface StartedJob {
  /** How the training set stands now. */
  state(): StoredJob;
  /**
   * Resolves when it is done.
   *
   * @throws TRAINING_SET_ABORTED when it was aborted.
   * @throws the error by which it failed.
   */
  readonly done: Promise<StoredJob>;
}

/** The numbers of this process since its start. */
export interface TrainingSetCounts {
  running: number;
  readonly ended: { done: number; failed: number; aborted: number };
  /** The rows of all training sets that are done. */
  rows: number;
}
