/** Finds the places of row versions in the change log. */
import { readChangeLog, type ChangeLogReadOptions } from "../offline/change-log.ts";
import type { HistoryContext } from "../offline/history-context.ts";
import { rowChangesOf } from "../rows/row-change.ts";
import { truncateOf } from "../rows/row-versions.ts";
import type { Change, TableState } from "../spi.ts";
import type {
  AskedVersion,
  LoggedVersion,
  LogOrigin,
  LogPlaces,
  VersionEnd,
} from "./logged-rows.ts";

/** The most commit times that are looked up for versions that something else ended. */
const MOST_ENDS = 100;

/**
 * Reads the changes that made these versions, and those that ended the versions whose next one is
 * not known. Files and row groups without them are skipped.
 */
export async function findPlaces(
  context: HistoryContext,
  log: TableState,
  asked: readonly AskedVersion[],
  signal: AbortSignal | undefined,
): Promise<LogPlaces> {
  const { offline, source, tables, rows } = context;
  const origins = new Map<LoggedVersion, LogOrigin>();
  const ends = new Map<LoggedVersion, VersionEnd>();
  const rowChanges = rowChangesOf(source);
  const read = (more: Partial<ChangeLogReadOptions>): AsyncIterable<Change> =>
    readChangeLog(offline, tables, source, {
      version: log.version,
      transaction: true,
      signal,
      ...more,
    });
  const made = new Map<string, LoggedVersion>();
  const offsets = new Set<number>();
  for (const { row, version } of asked) {
    made.set(placeText(row.text, version), version);
    offsets.add(version.offset);
  }
  for await (const change of read({
    filter: offsetFilter(offsets),
    wanted: (_, offset) => offsets.has(offset),
  }))
    for (const { key, change: row } of rowChanges(change)) {
      const version = made.get(placeText(rows.textOf(key), row));
      if (version !== undefined) origins.set(version, originOf(change));
    }

  const open = new Map<number, AskedVersion[]>();
  for (const one of asked) {
    const { to } = one.version;
    if (to === Infinity || one.row.versions.some(({ from }) => from === to)) continue;
    open.set(to, [...(open.get(to) ?? []), one]);
  }
  for (const [at, versions] of [...open].slice(0, MOST_ENDS))
    for await (const change of read({
      filter: { range: { column: "_committed", min: at, max: at } },
    })) {
      if (change.committed !== at) continue;
      const truncate = truncateOf(change);
      const changed = new Map(rowChanges(change).map((one) => [rows.textOf(one.key), one.change]));
      for (const { row, version } of versions) {
        const own = changed.get(row.text);
        const place = truncate ?? own;
        if (place === undefined || place.order < version.order) continue;
        const known = ends.get(version);
        if (known !== undefined && known.order >= place.order) continue;
        ends.set(version, {
          ...originOf(change),
          kind: own === undefined ? "emptied" : own.values === null ? "deleted" : "changed",
          order: place.order,
          committed: at,
          values: own?.values ?? null,
        });
      }
    }
  return { origins, ends };
}

/** The most offsets that a scan looks for one by one. */
const MOST_RANGES = 1024;

function offsetFilter(offsets: ReadonlySet<number>): ChangeLogReadOptions["filter"] {
  const column = "_offset";
  const all = [...offsets].sort((a, b) => a - b);
  if (all.length > MOST_RANGES) return { range: { column, min: all[0]!, max: all.at(-1)! } };
  const ranges = all.map((offset) => ({ min: BigInt(offset), max: BigInt(offset) }));
  return { keyRanges: { column, ranges } };
}

function originOf({ topic, partition, offset, transaction }: Change): LogOrigin {
  return { topic, partition, offset, transaction };
}

function placeText(
  text: string,
  { order, offset }: { readonly order: bigint; readonly offset: number },
): string {
  return `${order}/${offset}/${text}`;
}
