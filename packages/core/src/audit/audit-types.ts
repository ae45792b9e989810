/** The types of the audit table: who did what, when, and how it ended. */
import type { TimeInput } from "../define/time-input.ts";

/** The actions that the audit table has. */
export const AUDIT_ACTIONS = [
  "apply",
  "backfill",
  "erase",
  "materialize",
  "push",
  "resnapshot",
  "retry",
  "training-set",
] as const;

/** An action that the audit table has. */
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** How an action may end. */
export const AUDIT_OUTCOMES = ["done", "refused", "failed", "interrupted"] as const;

/**
 * How an action ended. `done`: it took effect. `refused`: it had no effect. `failed`: it ended with
 * an error, and a part of it may have taken effect. `interrupted`: its signal aborted.
 */
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

/** What is counted of an action. */
export const AUDIT_COUNTS = ["calls", "changes", "days", "deletes", "keys", "rows"] as const;

/**
 * Numbers of an action: calls (of pushes), changes (of definitions, or of rows), days, deletes,
 * keys (of erased entities) and rows.
 */
export type AuditCounts = Readonly<Partial<Record<(typeof AUDIT_COUNTS)[number], number>>>;

/** What an action did, and on what. It has no key and no value of a row. */
export interface AuditedAction {
  readonly action: AuditAction;
  readonly outcome: AuditOutcome;
  /** The code of the error. Default: there was none. */
  readonly code?: string | null | undefined;
  /** Who acted. Default: `by` of the store's option `audit`. */
  readonly by?: string | undefined;
  /** Where the action came from, such as a commit or an address. Default: `from` of the option. */
  readonly from?: string | undefined;
  /** Names of sources. */
  readonly sources?: readonly string[] | undefined;
  /** Names of views. */
  readonly views?: readonly string[] | undefined;
  /** The name of an entity of the definitions, such as user. */
  readonly entity?: string | undefined;
  readonly counts?: AuditCounts | undefined;
  /** The version of the registry after an apply. */
  readonly version?: number | undefined;
  /** The id of the receipt of an erasure. */
  readonly receipt?: string | undefined;
  /** When the action began, µs. Default: now. */
  readonly at?: number | undefined;
  /** How long the action took. Default: 0. */
  readonly seconds?: number | undefined;
}

/** One row of the audit table: an action, or the pushes of a minute. */
export interface AuditEntry {
  /** A number that is drawn for the row. Two rows with one id are one action. */
  readonly id: string;
  /** When the action began, as an ISO time in UTC. */
  readonly at: string;
  readonly action: AuditAction;
  readonly outcome: AuditOutcome;
  readonly code: string | null;
  /** Who acted: the name of a token at a server, or `user@machine`. */
  readonly by: string;
  /** Where the action came from: a commit, or an address. null: it is not known. */
  readonly from: string | null;
  readonly sources: readonly string[];
  readonly views: readonly string[];
  readonly entity: string | null;
  readonly counts: AuditCounts;
  readonly version: number | null;
  readonly receipt: string | null;
  /** How long the action took. Of pushes: the sum. */
  readonly seconds: number;
}

/** Who acts with a store, for the audit table. */
export interface AuditCaller {
  /** Who acts, such as the name of a token. Default: `user@machine`. */
  readonly by?: string | undefined;
  /** Where the actions come from, such as an address or the name of a job. Default: not known. */
  readonly from?: string | undefined;
}

/** Which rows `store.audits` reads. */
export interface AuditsOptions {
  /** The actions that began at this time or later. Default: all. */
  readonly from?: TimeInput | undefined;
  /** The actions that began before this time. Default: all. */
  readonly to?: TimeInput | undefined;
  /** Default: every action. */
  readonly action?: AuditAction | undefined;
  /** The most rows, 0 to 10,000. Default: 100. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What the audit of a process has written so far. */
export interface AuditStatus {
  readonly written: number;
  /** Rows that wait for a commit. */
  readonly waiting: number;
  /** Rows that were not written and never will be. */
  readonly lost: number;
  /** Why the last commit failed. null: it did not. */
  readonly lastError: string | null;
}

/** The audit of a store (`audit` of `openStore`). */
export interface StoreAudit {
  /**
   * Records an action that a program around the store did. The store records its own. Resolves when
   * the row is committed or its commit has failed. The status has the failure.
   *
   * @example
   * await store.audit?.record({
   *   action: "training-set",
   *   outcome: "done",
   *   views: ["weekly"],
   *   counts: { rows: 1000 },
   * });
   */
  record(action: AuditedAction): Promise<void>;
  /**
   * Commits the rows that wait. A failure is in the status, and the rows wait on.
   *
   * @example
   * await store.audit?.flush();
   */
  flush(): Promise<void>;
  /**
   * Says how many rows were written and lost in this process.
   *
   * @example
   * const { written, lost } = store.audit!.status();
   */
  status(): AuditStatus;
}
