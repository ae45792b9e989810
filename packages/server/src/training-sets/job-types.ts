/** What a training set of the server is asked, and what is known of it. Types only. */
import type { BeforeHistory, Knowledge, TimeUnit, TrainingSet } from "@tidemark/core";
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
