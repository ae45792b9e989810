/**
 * Reads small requests of one turn of the event loop from the store together. Most of the cost of a
 * read is then paid once.
 */
import type { OnlineColumns, Selection, Store } from "@tidemark/core";

type Features = Selection<Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>>;

/** Answers in rows [first, first + number of entities) of the result columns. */
export interface Answered extends OnlineColumns {
  readonly first: number;
}

/** Reads the features of entities, now. */
export type OnlineReads = (features: Features, entities: readonly unknown[]) => Promise<Answered>;

/**
 * The greatest number of entities of a request that is batched. A larger request gains nothing and
 * would delay the others.
 */
const SMALL = 16;
/** The greatest number of entities of one read. */
const MOST = 256;

interface Question {
  readonly entities: readonly unknown[];
  readonly resolve: (answered: Answered) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes reads with request batching. Requests for the same features share a snapshot and a moment.
 * A wrong request alone gets its error.
 */
export function mergedReads(store: Store): OnlineReads {
  let waiting = new Map<Features, Question[]>();

  const alone = async (features: Features, entities: readonly unknown[]): Promise<Answered> => ({
    ...(await store.getOnlineColumns({ features, entities })),
    first: 0,
  });

  function askAll(): void {
    const asked = waiting;
    waiting = new Map();
    for (const [features, questions] of asked) {
      for (let from = 0; from < questions.length;) {
        let [to, length] = [from, 0];
        while (
          to < questions.length &&
          (to === from || length + questions[to]!.entities.length <= MOST)
        )
          length += questions[to++]!.entities.length;
        void ask(features, questions.slice(from, to));
        from = to;
      }
    }
  }

  async function ask(features: Features, questions: readonly Question[]): Promise<void> {
    try {
      const answered = await store.getOnlineColumns({
        features,
        entities: questions.flatMap(({ entities }) => entities),
      });
      let first = 0;
      for (const { entities, resolve } of questions) {
        resolve({ ...answered, first });
        first += entities.length;
      }
    } catch (error) {
      if (questions.length === 1) questions[0]!.reject(error);
      else
        for (const { entities, resolve, reject } of questions)
          alone(features, entities).then(resolve, reject);
    }
  }

  return (features, entities) => {
    if (entities.length > SMALL) return alone(features, entities);
    return new Promise((resolve, reject) => {
      // runs after the sockets that are ready now were read
      if (waiting.size === 0) setImmediate(askAll);
      const question = { entities, resolve, reject };
      const others = waiting.get(features);
      if (others === undefined) waiting.set(features, [question]);
      else others.push(question);
    });
  };
}
