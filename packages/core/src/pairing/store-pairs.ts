/** The pairs of an open store: which of its sources have stores that do not belong together. */
import { isTidemarkError } from "../errors.ts";
import { sourcesOf } from "../plan/columns-read.ts";
import type { SelectedFeature, SourceSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore } from "../spi.ts";
import { pairError, type PairProblem } from "./pair-problem.ts";
import { checkReachablePair } from "./store-pair.ts";

/** The pairs of an open store. */
export interface StorePairs {
  /** The problem of a source now; null: there is none, or a store does not answer. */
  problem(source: SourceSpec, signal?: AbortSignal): Promise<PairProblem | null>;
  /**
   * Compares the stores of every source. From then on a read of an older one is refused. A history
   * that cannot be read, such as one with a damaged log, is told too: the online store is served.
   */
  check(
    sources: readonly SourceSpec[],
  ): Promise<readonly { readonly code: string; readonly message: string }[]>;
  /**
   * Refuses to read a history that is gone, older or another's.
   *
   * @throws HISTORY_MISSING when a history is gone.
   * @throws HISTORY_OF_OTHER_STORE when a history belongs to another online store.
   * @throws HISTORY_OLDER when a history is an older copy.
   */
  refuseHistory(sources: readonly SourceSpec[], signal?: AbortSignal): Promise<void>;
  /**
   * Refuses to answer from an older copy of the online store, until it has what the history has.
   * undefined: the read need not wait.
   */
  beforeOnlineRead(selection: readonly SelectedFeature[]): Promise<void> | undefined;
}

/** Makes the pairs of an open store. */
export function storePairs({
  online,
  offline,
  tableOf,
}: {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  /** The name of the change log of a source. */
  readonly tableOf: (source: SourceSpec) => string;
}): StorePairs {
  const older = new Set<string>();

  const problem: StorePairs["problem"] = async (source, signal) =>
    online === undefined || offline === undefined
      ? null
      : checkReachablePair({ source, table: tableOf(source), online, offline, signal });

  async function refuseOlder(sources: readonly SourceSpec[]): Promise<void> {
    for (const source of sources) {
      const found = await problem(source);
      if (found?.code === "ONLINE_STORE_OLDER") throw pairError(found);
      older.delete(source.name);
    }
  }

  return {
    problem,
    async check(sources) {
      const found = await Promise.all(
        sources.map(async (source) => {
          try {
            const one = await problem(source);
            if (one?.code === "ONLINE_STORE_OLDER") older.add(source.name);
            return one;
          } catch (error) {
            if (!isTidemarkError(error)) throw error;
            return { code: error.code, message: error.message };
          }
        }),
      );
      return found.flatMap((one) => one ?? []);
    },
    async refuseHistory(sources, signal) {
      for (const source of sources) {
        const found = await problem(source, signal);
        if (found !== null && found.code !== "ONLINE_STORE_OLDER") throw pairError(found);
      }
    },
    beforeOnlineRead(selection) {
      if (older.size === 0) return undefined;
      const asked = sourcesOf(selection).filter(({ name }) => older.has(name));
      return asked.length === 0 ? undefined : refuseOlder(asked);
    },
  };
}
