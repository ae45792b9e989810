/** What the metrics of a store are filled from. */
import type { CheckResults, NotTaken, SourceReadiness, SourceStatus } from "@tidemark/core";

/** The state of a store at one time. */
export interface StoreState {
  readonly sources: readonly SourceStatus[];
  /** Empty without an online store. */
  readonly readiness: readonly SourceReadiness[];
  /** The messages of no source. */
  readonly skipped: readonly NotTaken[];
  readonly checks: CheckResults;
}
