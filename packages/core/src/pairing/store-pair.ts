/** Keeps what the two stores of a source remember of each other, and compares it. */
import { withinTimeout } from "./within-timeout.ts";
import type { SourceSpec } from "../specs.ts";
import type {
  Metadata,
  MetadataStep,
  OfflineStore,
  OnlineStore,
  Position,
  TableState,
} from "../spi.ts";
import {
  commitStep,
  greatestPositions,
  historyIdOf,
  historyIdSteps,
  historyLinkOf,
  jointCommits,
  latestCommits,
  linkStep,
  newLink,
  noHistory,
  type HistoryLink,
} from "./history-link.ts";
import { pairError, pairProblem, type PairProblem } from "./pair-problem.ts";

/** The number of attempts to write the link while other processes write it. */
const ATTEMPTS = 20;

/** The stores of a source, and the name of its change log. */
export interface StorePair {
  readonly source: SourceSpec;
  readonly table: string;
  readonly online: OnlineStore;
  readonly offline: OfflineStore;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compares the stores of a source. The online store is read first: a run that goes on meanwhile
 * then takes the history only further than the online store has seen it.
 */
async function checkPair({
  source,
  table,
  online,
  offline,
  signal,
}: StorePair): Promise<PairProblem | null> {
  const read = async () => ({
    name: online.name,
    metadata: await online.metadata(source.name),
    positions: await online.positions(source.name),
  });
  const before = await read();
  if (historyLinkOf(before.metadata) === null) return null;
  const history = { name: offline.name, state: await offline.state(table, { signal }) };
  const pair = { source: source.name, push: source.push === true, history };
  const problem = pairProblem({ ...pair, online: before });
  // The online store may have gone on since it was read.
  return problem?.code === "ONLINE_STORE_OLDER"
    ? pairProblem({ ...pair, online: await read() })
    : problem;
}

/** As `checkPair`, but null if a store does not answer now. */
export function checkReachablePair(pair: StorePair): Promise<PairProblem | null> {
  return withinTimeout(checkPair(pair));
}

/**
 * Refuses to go on with a history that does not belong to the online store. A history that is only
 * older is brought up to date by a run. An online store that does not answer is not asked.
 *
 * @throws HISTORY_MISSING when the online store belongs to a history that is gone.
 * @throws HISTORY_OF_OTHER_STORE when the online store belongs to another history.
 */
export async function refuseOtherHistory(pair: StorePair): Promise<void> {
  const problem = await checkReachablePair(pair);
  if (problem?.code === "HISTORY_MISSING" || problem?.code === "HISTORY_OF_OTHER_STORE")
    throw pairError(problem);
}

/** Makes the online store forget the history of a source, so that a new one may begin. */
export async function forgetHistory(online: OnlineStore, source: string): Promise<void> {
  await updateLink(online, source, (link) =>
    link === null ? null : { ...link, ...noHistory, lost: link.positions },
  );
}

/** Remembers that the online store belongs to the history with this metadata. */
async function rememberHistory(
  online: OnlineStore,
  source: string,
  metadata: Metadata | undefined,
  positions: readonly Position[],
): Promise<void> {
  const history = historyIdOf(metadata);
  if (history === null) return;
  await updateLink(online, source, (stored) => {
    const link = stored ?? newLink();
    if (link.history !== null && link.history !== history) return null;
    return {
      ...link,
      history,
      commits: latestCommits(link.commits, jointCommits(metadata, link.online)),
      positions: greatestPositions(link.positions, positions),
    };
  });
}

/** As `rememberHistory`, but an online store that does not answer now is left as it is. */
export async function rememberReachableHistory(
  online: OnlineStore,
  source: string,
  { metadata, positions }: Pick<TableState, "metadata" | "positions">,
): Promise<void> {
  await withinTimeout(rememberHistory(online, source, metadata, positions)).catch(() => null);
}

async function updateLink(
  online: OnlineStore,
  source: string,
  next: (link: HistoryLink | null) => HistoryLink | null,
): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const metadata = await online.metadata(source);
    const updated = next(historyLinkOf(metadata));
    if (updated === null) return;
    const step = linkStep(metadata, updated);
    if (step.expected === step.next) return;
    if ((await online.write({ source, cells: [], positions: [], metadata: [step] })) === "done")
      return;
  }
}

/** The writer of a change log, as far as it belongs to an online store. */
export interface PairedLog {
  /** The steps of the metadata that a commit of these partitions to the change log makes. */
  steps(partitions: readonly string[]): Promise<readonly MetadataStep[]>;
  /** Called when a commit with these positions is durable. */
  committed(steps: readonly MetadataStep[], positions: readonly Position[]): void;
  /** Forgets the metadata of the change log, which another process has changed. */
  reload(): void;
  /** Resolves when the online store has what it remembers, or does not answer. */
  idle(): Promise<void>;
}

/**
 * Pairs the writer of a change log with the online store. The online store is told in the
 * background: a commit of the history waits for no other store.
 */
export function pairedLog({
  source: { name: source },
  table,
  online,
  offline,
  signal,
}: Omit<StorePair, "online"> & { readonly online: OnlineStore | undefined }): PairedLog {
  let metadata: Map<string, string> | null = null;
  let link: HistoryLink | null = null;
  let telling: Promise<void> = Promise.resolve();

  /** Reads the link, and makes it where it is missing. */
  const loadLink = async (store: OnlineStore): Promise<HistoryLink | null> => {
    await updateLink(store, source, (stored) => stored ?? newLink());
    return historyLinkOf(await store.metadata(source));
  };

  return {
    reload() {
      metadata = null;
    },
    async steps(partitions) {
      metadata ??= new Map((await offline.state(table, { signal }))?.metadata);
      if (online !== undefined) link ??= await withinTimeout(loadLink(online));
      const ids = historyIdSteps(metadata);
      const [first] = partitions.toSorted();
      return link === null || first === undefined
        ? ids
        : [...ids, commitStep(metadata, link, first)];
    },
    committed(steps, positions) {
      for (const { key, next } of steps) if (next !== null) metadata?.set(key, next);
      if (online === undefined) return;
      const now = new Map(metadata);
      const earlier = telling;
      telling = (async () => {
        await earlier;
        await withinTimeout(rememberHistory(online, source, now, positions));
      })();
      // `idle` reports the error.
      telling.catch(() => undefined);
    },
    idle: () => telling,
  };
}
