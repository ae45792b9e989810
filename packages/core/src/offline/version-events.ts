/** Turns row versions into events for the compute engine. */
import { TidemarkError } from "../errors.ts";
import { selectRows } from "../columns/batch.ts";
import { checkedChangeLog } from "./history-tables.ts";
import type { ColumnSpec } from "../specs.ts";
import type { Events, TableState } from "../spi.ts";
import type { Knowledge } from "../request/request-types.ts";
import { columnIndex } from "../rows/row-change.ts";
import { readableVersions } from "./versions-definition.ts";
import { bucketsOf, readUncompacted } from "./uncompacted-log.ts";
import { eventsBuilder } from "./events-builder.ts";
import { mergeBucket, type HistoryContext } from "./merge-versions.ts";

export interface EventsQuery {
  /** The plan's columns, by their names in the definitions. */
  readonly columns: readonly ColumnSpec[];
  readonly keyColumns: readonly string[];
  /** The number of an entity key; −1: the entity is not requested. */
  readonly entityOf: (text: string) => number;
  /** The knowledge of the query. A dimension is always read as known (law 2: "in every mode"). */
  readonly knowledge: Knowledge;
  /** Event times that can matter, µs, both ends included. */
  readonly times: { readonly min: number; readonly max: number };
  readonly signal?: AbortSignal | undefined;
}

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
  const buckets = bucketsOf(context, state.versions) ?? 1;
  const uncompacted = await readUncompacted(offline, source, tables, rows, {
    ...state,
    buckets,
    signal,
  });
  const toEvents = eventsBuilder(context, query);
  const allColumns = tables.versions.columns.map((column) => column.name);
  const neededColumns = namesNeeded(context, query);
  const timeColumn =
    source.eventTime.kind === "column"
      ? allColumns[columnIndex(source, source.eventTime.column)]!
      : null;

  for (let bucket = 0; bucket < buckets; bucket++) {
    const unchanged =
      uncompacted.rows[bucket]!.size === 0 && uncompacted.truncates[bucket]!.length === 0;
    const merge = mergeBucket(
      context,
      bucket,
      uncompacted.rows[bucket]!,
      uncompacted.truncates[bucket]!,
      { ...state, signal },
    );
    if (state.versions !== null) {
      const names = unchanged ? neededColumns : allColumns;
      // a row may change its event time, so files are skipped only in an unchanged bucket
      const range =
        unchanged && timeColumn !== null && Number.isFinite(query.times.min)
          ? { column: timeColumn, ...query.times }
          : undefined;
      for await (const batch of offline.scan(tables.versions.name, {
        columns: names,
        version: state.versions.version,
        partitions: { _bucket: [bucket] },
        range,
        signal,
      })) {
        yield toEvents(unchanged ? batch : selectRows(batch, merge.keep(batch)), names);
      }
    }
    if (!unchanged) yield toEvents(rows.toBatch(await merge.merged(), bucket), allColumns);
  }
}

function namesNeeded({ source, tables }: HistoryContext, query: EventsQuery): readonly string[] {
  const wanted = new Set([
    ...query.columns.map((column) => column.name),
    ...query.keyColumns,
    ...(source.eventTime.kind === "column" ? [source.eventTime.column] : []),
  ]);
  const declared = source.columns.flatMap((column, c) =>
    wanted.has(column.name) ? [tables.declared[c]!.name] : [],
  );
  return [...declared, "_known_from", "_known_to", "_deleted", "_quarantine", "_unresolved"];
}
