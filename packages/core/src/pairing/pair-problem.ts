/** Finds out whether an online store and a history belong together, and which of them is older. */
import { TidemarkError } from "../errors.ts";
import { generationStateOf, offsetsOf, partitionKey } from "../rows/snapshot-generations.ts";
import type { Metadata, Position, TableState } from "../spi.ts";
import { comparedCommits, historyIdOf, historyLinkOf, jointCommits } from "./history-link.ts";

/** Why the two stores of a source do not belong together now. */
export type PairProblemCode =
  | "HISTORY_MISSING"
  | "HISTORY_OF_OTHER_STORE"
  | "HISTORY_OLDER"
  | "ONLINE_STORE_OLDER";

/** Why the two stores of a source do not belong together now, and the next step. */
export interface PairProblem {
  readonly source: string;
  readonly code: PairProblemCode;
  readonly message: string;
}

/** What the stores hold of a source. */
export interface PairState {
  readonly source: string;
  /** Rows are pushed to the source. A push reaches the history before the online store. */
  readonly push: boolean;
  readonly online: {
    readonly name: string;
    readonly metadata: Metadata;
    readonly positions: readonly Position[];
  };
  readonly history: { readonly name: string; readonly state: TableState | null };
}

/**
 * Says why the stores of a source do not belong together; null: they do, or nothing is known. A
 * store that only lags behind its log is no problem: it never had what it lacks.
 */
export function pairProblem({ source, push, online, history }: PairState): PairProblem | null {
  const link = historyLinkOf(online.metadata);
  if (link === null) return null;
  const { state } = history;
  const problem = (code: PairProblemCode, message: string): PairProblem => ({
    source,
    code,
    message,
  });
  const pushed = online.positions.filter(
    ({ checkpoint }) => checkpoint?.push?.withoutHistory === false,
  );
  const seen = push && link.history !== null ? pushed : link.positions;
  const known = seen.map(({ partition, offset }) => `${partition} up to ${offset}`);
  const had = known.length === 0 ? "" : ` (it had ${known.join(", ")})`;
  if (link.history !== null && state === null)
    return problem(
      "HISTORY_MISSING",
      `${history.name}: has no history of source "${source}", and ${online.name} belongs to a ` +
        `history that has one${had}: mount its volume, or correct its path; or put a copy ` +
        `back. If it is gone for good, tidemark resnapshot ${source} begins a ` +
        "new history from a new snapshot; if the log still has everything, tidemark run " +
        "--new-history begins one from the log",
    );
  if (state === null) return null;
  const commits = [...comparedCommits(jointCommits(state.metadata, link.online), link.commits)];
  const wentApart = commits.some(
    ([last, known]) => last.number === known.number && last.token !== known.token,
  );
  if (link.history !== null && (link.history !== historyIdOf(state.metadata) || wentApart))
    return problem(
      "HISTORY_OF_OTHER_STORE",
      `${history.name}: its history of source "${source}" is not the one that ${online.name} ` +
        "belongs to: open the two stores that belong together; or give a new online store, and " +
        "fill it with tidemark backfill",
    );
  const missing = lacking(state.positions, generationStateOf(state.metadata).generation, seen);
  if (missing !== null)
    return problem(
      "HISTORY_OLDER",
      `${history.name}: its history of source "${source}" is older than ${online.name} has seen ` +
        `it: it ${missing}. tidemark run takes again what the log still has; otherwise put a ` +
        "newer copy of the history back, or take a new snapshot and run " +
        `tidemark resnapshot ${source}`,
    );
  if (commits.every(([last, known]) => last.number <= known.number)) return null;
  const behind = lacking(
    online.positions,
    generationStateOf(online.metadata).generation,
    state.positions,
  );
  if (behind === null) return null;
  return problem(
    "ONLINE_STORE_OLDER",
    `${online.name}: is an older copy than ${history.name} has seen it, and lacks rows of source ` +
      `"${source}": it ${behind}. tidemark backfill brings them from the history, or tidemark ` +
      "run from the log",
  );
}

/** Makes the error of a problem. */
export function pairError({ code, message }: PairProblem): TidemarkError {
  return new TidemarkError(code, message);
}

/**
 * Says what positions lack of those that were seen; null: nothing. Positions of generations before
 * the present one are closed: what they lack can come no more.
 */
function lacking(
  positions: readonly Position[],
  generation: number,
  seen: readonly Position[],
): string | null {
  const reached = offsetsOf(positions);
  for (const position of seen) {
    if ((position.generation ?? 0) < generation) continue;
    const at = reached.get(partitionKey(position));
    if (position.offset > (at ?? -1))
      return (
        `has ${at === undefined ? "nothing" : `offsets up to ${at}`} of ${position.partition} ` +
        `and had them up to ${position.offset}`
      );
  }
  return null;
}
