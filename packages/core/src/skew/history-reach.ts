/** Says up to which time the history of a source has every change that the online store served. */
import { historyTables } from "../offline/history-tables.ts";
import { ERASED, groupsIn } from "../rows/erased-entities.ts";
import { partitionKey } from "../rows/snapshot-generations.ts";
import type { SourceSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore, Position } from "../spi.ts";
import { takenOf } from "../status/status-mismatches.ts";

/** What the history of a source lacks. */
export interface HistoryReach {
  /** Answers after this time may have changes that the history lacks, µs. */
  readonly until: number;
  /** The time of the latest erasure of an entity, µs; −Infinity: there was none. */
  readonly erasedAt: number;
}

/** Compares the history of a source with what the online store has taken by now. */
export async function historyReach(
  source: SourceSpec,
  { offline, online }: { readonly offline: OfflineStore; readonly online: OnlineStore | undefined },
  signal: AbortSignal | undefined,
): Promise<HistoryReach> {
  // the online store is read first: the history is then at least as new
  const taken = (await online?.positions(source.name)) ?? null;
  const state = await offline.state(historyTables(source).changes.name, { signal });
  const positions = new Map((state?.positions ?? []).map((one) => [partitionKey(one), one]));
  const erasedAt = Math.max(
    -Infinity,
    ...groupsIn(state?.metadata, ERASED).flatMap(({ keys }) => Object.values(keys)),
  );
  const behind = (taken ?? []).filter(
    (one) => (positions.get(partitionKey(one))?.offset ?? -1) < one.offset,
  );
  // without an online store, the history has what its newest commit says
  const lacking = taken === null ? [...positions.values()] : behind;
  const until = lacking.map((one) => committedIn(positions.get(partitionKey(one))));
  return {
    until:
      taken === null
        ? Math.max(-Infinity, ...until)
        : until.reduce((a, b) => Math.min(a, b), Infinity),
    erasedAt,
  };
}

/** The newest commit time that the history has of a partition, µs. */
function committedIn(position: Position | undefined): number {
  return position === undefined ? -Infinity : (takenOf([position]).committed ?? -Infinity);
}
