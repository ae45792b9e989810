/**
 * Batches requests: small requests that arrive in one turn of the event loop share a read of the
 * store. Most of the cost of a read does not depend on the number of entities.
 */
import type { OnlineColumns, OnMissing, Selection, Store } from "@tidemark/core";

type FeatureSelection = Selection<
  Readonly<Record<string, unknown>>,
  Readonly<Record<string, unknown>>
>;

/** The result columns of a read, and the first row of the request's entities in these columns. */
export interface BatchedAnswer extends OnlineColumns {
  readonly first: number;
}

/** How a read goes: when it ends, how large its texts and bytes may be, and what is missing. */
export interface ReadBounds {
  /** Aborts when nobody waits for the answer any more. It is made on demand. */
  readonly ending: () => AbortSignal;
  readonly maxBytes: number;
  /** What features get that the store cannot answer. */
  readonly onMissing: OnMissing;
  /** The id of the request in the serving log. */
  readonly requestId: string;
}

/** Reads the features of entities as of now. */
export type OnlineReads = (
  features: FeatureSelection,
  entities: readonly unknown[],
  bounds: ReadBounds,
) => Promise<BatchedAnswer>;

/**
 * The greatest number of entities of a batched request. Batching saves a larger request nothing,
 * and a larger request would delay the others.
 */
const MAX_BATCHED_ENTITIES = 16;
/** The greatest number of entities of one read. */
const MAX_READ_ENTITIES = 256;
/** How long (ms) a shared read may take before it is asked whether somebody waits for it. */
const WATCHED_AFTER = 50;

/** A request that waits for its read. */
interface PendingRead {
  readonly entities: readonly unknown[];
  readonly bounds: ReadBounds;
  readonly resolve: (answered: BatchedAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Reads with request batching. Requests for the same features, with the same `onMissing`, share a
 * read. If the read fails, each
 * request is read alone, so that only the wrong request gets the error.
 */
export function batchedReads(store: Store): OnlineReads {
  /** The requests that wait, by their features; those with `onMissing: "null"` apart. */
  let waiting: Readonly<Record<OnMissing, Map<FeatureSelection, PendingRead[]>>> = noReads();

  const readAlone = async (
    features: FeatureSelection,
    entities: readonly unknown[],
    { ending, maxBytes, onMissing, requestId }: ReadBounds,
  ): Promise<BatchedAnswer> => ({
    ...(await store.getOnlineColumns({
      features,
      entities,
      onMissing,
      signal: ending(),
      maxBytes,
      requestId,
    })),
    first: 0,
  });

  function readWaiting(): void {
    const batches = waiting;
    waiting = noReads();
    for (const [features, reads] of [...batches.error, ...batches.null]) {
      for (let from = 0; from < reads.length;) {
        let [to, length] = [from, 0];
        while (
          to < reads.length &&
          (to === from || length + reads[to]!.entities.length <= MAX_READ_ENTITIES)
        )
          length += reads[to++]!.entities.length;
        void readTogether(features, reads.slice(from, to));
        from = to;
      }
    }
  }

  async function readTogether(
    features: FeatureSelection,
    reads: readonly PendingRead[],
  ): Promise<void> {
    const watch = watchedReads(reads);
    try {
      const answered = await store.getOnlineColumns({
        features,
        entities: reads.flatMap(({ entities }) => entities),
        signal: watch.signal,
        onMissing: reads[0]!.bounds.onMissing,
        maxBytes: reads[0]!.bounds.maxBytes,
        requestId: store.servingLog === null ? undefined : requestIdsOf(reads),
      });
      let first = 0;
      for (const { entities, resolve } of reads) {
        resolve({ ...answered, first });
        first += entities.length;
      }
    } catch (error) {
      if (reads.length === 1) reads[0]!.reject(error);
      else
        for (const { entities, bounds, resolve, reject } of reads)
          readAlone(features, entities, bounds).then(resolve, reject);
    } finally {
      watch.done();
    }
  }

  return (features, entities, bounds) => {
    if (entities.length > MAX_BATCHED_ENTITIES) return readAlone(features, entities, bounds);
    return new Promise((resolve, reject) => {
      // setImmediate runs after all sockets with data were read
      if (waiting.error.size === 0 && waiting.null.size === 0) setImmediate(readWaiting);
      const read = { entities, bounds, resolve, reject };
      const batches = waiting[bounds.onMissing];
      const others = batches.get(features);
      if (others === undefined) batches.set(features, [read]);
      else others.push(read);
    });
  };
}

/** The id of its request for each entity. */
function requestIdsOf(reads: readonly PendingRead[]): string | readonly string[] {
  if (reads.length === 1) return reads[0]!.bounds.requestId;
  return reads.flatMap(({ entities, bounds }) => entities.map(() => bounds.requestId));
}

function noReads(): Record<OnMissing, Map<FeatureSelection, PendingRead[]>> {
  return { error: new Map(), null: new Map() };
}

/**
 * Watches a shared read that takes long: its signal aborts when nobody waits for it any more. Most
 * reads end before they are watched, so that they need no signal of each request.
 */
function watchedReads(reads: readonly PendingRead[]): {
  readonly signal: AbortSignal;
  done(): void;
} {
  const ending = new AbortController();
  const timer = setTimeout(() => {
    const signals = reads.map(({ bounds }) => bounds.ending());
    const check = (): void => {
      if (signals.every(({ aborted }) => aborted)) ending.abort(signals[0]!.reason);
    };
    for (const signal of signals) signal.addEventListener("abort", check);
    check();
  }, WATCHED_AFTER);
  return {
    signal: ending.signal,
    done() {
      clearTimeout(timer);
    },
  };
}
