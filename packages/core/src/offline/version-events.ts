/** Turns row versions into events for the compute engine. */
import type { HistoryContext } from "./history-context.ts";
import { TidemarkError } from "../errors.ts";
import type { Batch } from "../columns/batch.ts";
import { checkedChangeLog } from "./history-tables.ts";
import type { Events, TableState } from "../spi.ts";
import { readableVersions } from "./versions-definition.ts";
import { bucketsOf, readUncompacted } from "./uncompacted-log.ts";
import { keyRangesIn } from "./key-range.ts";
import type { EventsQuery } from "./events-query.ts";
import { countsKnownFrom, eventsBuilder } from "./events-builder.ts";
import { keyFinder, keyNames, withoutKeys } from "./key-filter.ts";
import { mergedVersions } from "./merge-versions.ts";
import { timeColumn } from "./sorted-versions.ts";
import { storedVersions } from "./stored-versions.ts";

/** The stored rows that are merged with a truncate at once. */
const PART_ROWS = 200_000;

export interface HistoryState {
  readonly log: TableState;
  readonly versions: TableState | null;
}

/** Reads one version of both tables, for reads that must agree with each other. */
export async function historyState(
  context: HistoryContext,
  signal?: AbortSignal,
): Promise<HistoryState | null> {
  const versions = await context.offline.state(context.tables.versions.name, { signal });
  // the log is read second, so it is never behind the versions
  const { name } = context.tables.changes;
  const state = await context.offline.state(name, { signal });
  const log = checkedChangeLog(context.offline.name, name, state);
  if (log !== null)
    return { log, versions: await readableVersions(context, versions, log, signal) };
  if (versions === null || versions.rows === 0) return null;
  throw new TidemarkError(
    "HISTORY_LOG_MISSING",
    `${context.offline.name}: table ${context.tables.versions.name} has ${versions.rows} rows, ` +
      `and its change log ${name} is gone: put ${name} back from a copy, or run the log from its ` +
      "beginning with tidemark run (store.run), which writes both anew",
  );
}

/** Yields all versions that can matter for the query, as of the state. */
export async function* versionEvents(
  context: HistoryContext,
  state: HistoryState,
  query: EventsQuery,
): AsyncIterable<Events> {
  const { offline, source, tables, rows } = context;
  const { signal } = query;
  const buckets = bucketsOf(context, state.versions);
  const uncompacted = await readUncompacted(offline, source, tables, rows, {
    ...state,
    buckets,
    signal,
  });
  const toEvents = eventsBuilder(context, query);
  const allColumns = tables.versions.columns.map((column) => column.name);
  const neededColumns = namesNeeded(context, query);
  const range =
    source.eventTime.kind === "column" && Number.isFinite(query.times.min)
      ? { column: timeColumn(context), ...query.times }
      : undefined;

  for (let bucket = 0; bucket < buckets; bucket++) {
    const tail = uncompacted.rows[bucket]!;
    const truncates = uncompacted.truncates[bucket]!;
    const stored = (columns: readonly string[]): AsyncIterable<Batch> =>
      state.versions === null
        ? noBatches()
        : storedVersions(context, state.versions, {
            columns,
            olderBucket: bucket,
            range,
            isTimeRange: true,
            keyRanges: keyRangesIn(context, query.keyColumns, query.keys),
            workers: query.workers,
            signal,
          });
    if (tail.size === 0 && truncates.length === 0) {
      for await (const batch of stored(neededColumns)) yield toEvents(batch, neededColumns);
      continue;
    }
    if (truncates.length === 0) {
      const names = [...new Set([...neededColumns, ...keyNames(context)])];
      const find = keyFinder(context, tail, names);
      for await (const batch of stored(names))
        yield toEvents(withoutKeys(batch, [find(batch)]), names);
    }
    // a truncate changes every row, so rows are merged in parts
    const count =
      truncates.length === 0 ? 1 : Math.ceil(((state.versions?.rows ?? 0) + 1) / PART_ROWS);
    for (let index = 0; index < count; index++) {
      const { changed, added } = await mergedVersions(context, bucket, tail, truncates, {
        ...state,
        part: { index, count },
        signal,
      });
      yield toEvents(rows.toBatch([...changed, ...added], bucket), allColumns);
    }
  }
}

async function* noBatches(): AsyncGenerator<Batch> {}

function namesNeeded({ source, tables }: HistoryContext, query: EventsQuery): readonly string[] {
  const wanted = new Set([
    ...query.columns.map((column) => column.name),
    ...query.keyColumns,
    ...(source.eventTime.kind === "column" ? [source.eventTime.column] : []),
  ]);
  const declared = source.columns.flatMap((column, c) =>
    wanted.has(column.name) ? [tables.declared[c]!.name] : [],
  );
  const knownFrom = countsKnownFrom(source, query) ? ["_known_from"] : [];
  return [...declared, ...knownFrom, "_known_to", "_deleted", "_quarantine", "_unresolved"];
}
