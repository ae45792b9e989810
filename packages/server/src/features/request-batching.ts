/**
 * Batches requests: small requests that arrive in one turn of the event loop share a read of the
 * store. Most of the cost of a read does not depend on the number of entities.
 */
import type { OnlineColumns, Selection, Store } from "@tidemark/core";

type FeatureSelection = Selection<
  Readonly<Record<string, unknown>>,
  Readonly<Record<string, unknown>>
>;

/** The result columns of a read, and the first row of the request's entities in these columns. */
export interface BatchedAnswer extends OnlineColumns {
  readonly first: number;
}

/** Reads the features of entities as of now. */
export type OnlineReads = (
  features: FeatureSelection,
  entities: readonly unknown[],
) => Promise<BatchedAnswer>;

/**
 * The greatest number of entities of a batched request. Batching saves a larger request nothing,
 * and a larger request would delay the others.
 */
const MAX_BATCHED_ENTITIES = 16;
/** The greatest number of entities of one read. */
const MAX_READ_ENTITIES = 256;

/** A request that waits for its read. */
interface PendingRead {
  readonly entities: readonly unknown[];
  readonly resolve: (answered: BatchedAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Reads with request batching. Requests for the same features share a read. If the read fails, each
 * request is read alone, so that only the wrong request gets the error.
 */
export function batchedReads(store: Store): OnlineReads {
  let waiting = new Map<FeatureSelection, PendingRead[]>();

  const readAlone = async (
    features: FeatureSelection,
    entities: readonly unknown[],
  ): Promise<BatchedAnswer> => ({
    ...(await store.getOnlineColumns({ features, entities })),
    first: 0,
  });

  function readWaiting(): void {
    const batches = waiting;
    waiting = new Map();
    for (const [features, reads] of batches) {
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
    try {
      const answered = await store.getOnlineColumns({
        features,
        entities: reads.flatMap(({ entities }) => entities),
      });
      let first = 0;
      for (const { entities, resolve } of reads) {
        resolve({ ...answered, first });
        first += entities.length;
      }
    } catch (error) {
      if (reads.length === 1) reads[0]!.reject(error);
      else
        for (const { entities, resolve, reject } of reads)
          readAlone(features, entities).then(resolve, reject);
    }
  }

  return (features, entities) => {
    if (entities.length > MAX_BATCHED_ENTITIES) return readAlone(features, entities);
    return new Promise((resolve, reject) => {
      // setImmediate runs after all sockets with data were read
      if (waiting.size === 0) setImmediate(readWaiting);
      const read = { entities, resolve, reject };
      const others = waiting.get(features);
      if (others === undefined) waiting.set(features, [read]);
      else others.push(read);
    });
  };
}
