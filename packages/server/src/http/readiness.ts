/** Says whether a server may get requests: each source of its store must be ready. */
import type { SourceReadiness, Store } from "@tidemark/core";

/** The readiness of a server. */
export interface Readiness {
  readonly sources: readonly SourceReadiness[];
  /** True if every feature is answered. */
  readonly isReady: boolean;
  /**
   * True if every request with `onMissing: "null"` is answered: features may need a backfill, and
   * the sources are ready.
   */
  readonly isReadyForNulls: boolean;
}

/** How long (ms) a result is used again. */
const CACHE_TIME = 500;
/** How long (ms) a store may take before it counts as unavailable. */
const TIME_LIMIT = 2000;

const UNAVAILABLE: Readiness = { sources: [], isReady: false, isReadyForNulls: false };

/** Makes the readiness check. It reads the state of each source in the online store. */
export function readinessOf(store: Store): () => Promise<Readiness> {
  let last: { readonly at: number; readonly readiness: Promise<Readiness> } | null = null;
  return () => {
    const now = performance.now();
    if (last === null || now - last.at > CACHE_TIME)
      last = { at: now, readiness: withinTimeLimit(read(store)) };
    return last.readiness;
  };
}

async function read(store: Store): Promise<Readiness> {
  try {
    const sources = await store.readiness();
    return {
      sources,
      isReady: sources.every(({ reason }) => reason === null),
      isReadyForNulls: sources.every(
        ({ reason, isReady }) => reason === null || (reason === "NEEDS_BACKFILL" && isReady),
      ),
    };
  } catch {
    return UNAVAILABLE;
  }
}

async function withinTimeLimit(answer: Promise<Readiness>): Promise<Readiness> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Readiness>((resolve) => {
    timer = setTimeout(resolve, TIME_LIMIT, UNAVAILABLE);
  });
  return Promise.race([answer, late]).finally(() => {
    clearTimeout(timer);
  });
}
