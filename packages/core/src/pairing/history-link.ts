/**
 * What an online store and a history remember of each other, for each source. The history has a
 * random id. The online store remembers the id, and how far the history was. The history counts
 * the commits that it made together with each online store. A commit counts for one of the
 * partitions that it moves, so runs of other partitions count apart.
 */
import { nodeCrypto } from "../node-modules.ts";
import { partitionKey, withoutCheckpoints } from "../rows/snapshot-generations.ts";
import type { Metadata, MetadataStep, Position } from "../spi.ts";

/** What an online store remembers of the history of a source. */
export interface HistoryLink {
  /** The id of the history; null: the online store belongs to none yet. */
  readonly history: string | null;
  /** The random id of the source in this online store. */
  readonly online: string;
  /** The last commits of the history that this online store knows, by partition. */
  readonly commits: JointCommits;
  /** The positions that the history was seen to have. */
  readonly positions: readonly Position[];
  /** The positions of a history that was lost. A new history must begin before them. */
  readonly lost?: readonly Position[] | undefined;
}

/** A commit that a history made together with an online store. */
export interface JointCommit {
  /** 0: there was none. */
  readonly number: number;
  /** Random. Copies of the stores that went on apart have other tokens. */
  readonly token: string;
}

/** The last commits that a history made together with an online store, by partition. */
export type JointCommits = Readonly<Record<string, JointCommit>>;

/** The key of the link in the metadata of the online store. */
const LINK_KEY = "history.link";
/** The key of the id in the metadata of the history. */
const ID_KEY = "history";
/** The start of the keys in the metadata of the history that name commits. */
const COMMIT_KEY = "commit.";
const NO_COMMIT: JointCommit = { number: 0, token: "" };

/** Reads the link from the metadata of an online store. null: there is none yet. */
export function historyLinkOf(metadata: Metadata): HistoryLink | null {
  const text = metadata.get(LINK_KEY);
  return text === undefined ? null : (JSON.parse(text) as HistoryLink);
}

/** The positions of a history that was lost. */
export function lostPositions(metadata: Metadata): readonly Position[] {
  return historyLinkOf(metadata)?.lost ?? [];
}

/** The step of the metadata of an online store that replaces its link. */
export function linkStep(metadata: Metadata, next: HistoryLink): MetadataStep {
  return { key: LINK_KEY, expected: metadata.get(LINK_KEY) ?? null, next: JSON.stringify(next) };
}

/** What an online store remembers of no history. */
export const noHistory: Omit<HistoryLink, "online"> = { history: null, commits: {}, positions: [] };

/** A link to no history. */
export function newLink(): HistoryLink {
  return { ...noHistory, online: randomId() };
}

/** Reads the id of a history from the metadata of its change log. null: it has none yet. */
export function historyIdOf(metadata: Metadata | undefined): string | null {
  const text = metadata?.get(ID_KEY);
  return text === undefined ? null : (JSON.parse(text) as string);
}

/** The step of the metadata of a change log that gives the history an id, unless it has one. */
export function historyIdSteps(metadata: Metadata | undefined): readonly MetadataStep[] {
  return historyIdOf(metadata) === null
    ? [{ key: ID_KEY, expected: null, next: JSON.stringify(randomId()) }]
    : [];
}

/** The last commits that a history made together with an online store, by partition. */
export function jointCommits(metadata: Metadata | undefined, online: string): JointCommits {
  const start = `${COMMIT_KEY}${online}.`;
  const commits: Record<string, JointCommit> = {};
  for (const [key, text] of metadata ?? []) {
    if (!key.startsWith(start)) continue;
    const [number, token] = JSON.parse(text) as [number, string];
    commits[key.slice(start.length)] = { number, token };
  }
  return commits;
}

/** Where two lists of commits differ, by partition. */
export function* comparedCommits(
  a: JointCommits,
  b: JointCommits,
): Iterable<readonly [JointCommit, JointCommit]> {
  for (const partition of new Set([...Object.keys(a), ...Object.keys(b)]))
    yield [a[partition] ?? NO_COMMIT, b[partition] ?? NO_COMMIT];
}

/** The later commit of each partition of both lists. */
export function latestCommits(a: JointCommits, b: JointCommits): JointCommits {
  const latest: Record<string, JointCommit> = { ...a };
  for (const [partition, commit] of Object.entries(b))
    if (commit.number > (a[partition] ?? NO_COMMIT).number) latest[partition] = commit;
  return latest;
}

/** The step of the metadata of a change log that names a commit after the last one. */
export function commitStep(
  metadata: Metadata | undefined,
  link: HistoryLink,
  partition: string,
): MetadataStep {
  const last = jointCommits(metadata, link.online)[partition] ?? NO_COMMIT;
  const known = link.commits[partition] ?? NO_COMMIT;
  const key = `${COMMIT_KEY}${link.online}.${partition}`;
  const next = [Math.max(last.number, known.number) + 1, randomId().slice(0, 8)];
  return { key, expected: metadata?.get(key) ?? null, next: JSON.stringify(next) };
}

/** The greater offset of each partition of both lists. */
export function greatestPositions(
  a: readonly Position[],
  b: readonly Position[],
): readonly Position[] {
  const greatest = new Map<string, Position>();
  for (const position of [...a, ...b]) {
    const key = partitionKey(position);
    if (position.offset > (greatest.get(key)?.offset ?? -1)) greatest.set(key, position);
  }
  return withoutCheckpoints([...greatest.values()]);
}

function randomId(): string {
  return nodeCrypto().randomBytes(8).toString("hex");
}
