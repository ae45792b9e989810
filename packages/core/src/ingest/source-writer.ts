/** Where changes go: one sink for each source in each store. */
import type { Change, Position } from "../spi.ts";

export interface SourceWriter {
  /** By partition: what the sink has. */
  readonly positions: Map<string, Position>;
  /**
   * Takes what comes after its positions, and moves them; true where all that was taken so far is
   * durable. When it fails with an error that is retryable, the same may be given again after
   * `reload`.
   */
  write(changes: readonly Change[], positions: readonly Position[]): Promise<boolean>;
  /**
   * ms until what was taken is to be made durable though no more comes; Infinity where nothing
   * waits.
   */
  commitDueIn(): number;
  /** Makes durable what is due; true where all that was taken is durable. */
  commitWhenDue(): Promise<boolean>;
  /** Makes durable what was taken. */
  flush(): Promise<void>;
  /**
   * Looks up where the store stands: another run may have moved it, or a write of ours that broke
   * off.
   */
  reload(): Promise<void>;
  /** The source has ended. */
  finish(): Promise<void>;
}

export type StoreRole = "online" | "history";

/**
 * All that goes into one store. A store's sinks live together: what keeps one of them waiting keeps
 * all.
 */
export interface StoreWriters {
  readonly role: StoreRole;
  readonly name: string;
  /**
   * The sink of each source, by its name. It asks the store where they stand, so it may fail as a
   * store does.
   */
  open(signal: AbortSignal): Promise<ReadonlyMap<string, SourceWriter>>;
  /** Work of the store itself, a bounded step between batches. */
  readonly maintenance?: { step(): Promise<void>; finish(): Promise<void> } | undefined;
}
