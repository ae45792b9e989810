/** Reads the versions of a table, each row's newest ones: corrections take the place of others. */
import type { HistoryContext } from "./history-context.ts";
import { selectRows, valueAt, vectorOf, type Batch } from "../columns/batch.ts";
import type { Value } from "../specs.ts";
import type { KeyRanges, OfflineStore, TableState } from "../spi.ts";
import { VERSION_COLUMNS } from "./history-tables.ts";
import { keyFinder, keyNames, withoutKeys } from "./key-filter.ts";
import { bucketIndex, layoutOf, type VersionsLayout } from "./versions-layout.ts";

/** What is read of a versions table. */
export interface StoredScan {
  /** The names of the columns of the table. */
  readonly columns: readonly string[];
  /** The bucket by primary key, in a table of an older layout. */
  readonly olderBucket: number;
  /** Skips rows whose column is not in [min, max]; others may still come. */
  readonly range?: Parameters<OfflineStore["scan"]>[1]["range"];
  /** Whether the column of `range` is the event time. */
  readonly isTimeRange?: boolean | undefined;
  /** Skips rows of other keys; some may still come. */
  readonly keyRanges?: KeyRanges | undefined;
  /** The number of threads that may read ahead. */
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The start of `_quarantine` in corrections, so that a reader who leaves quarantined rows out sees
 * each row once: as it stood at the last merge.
 */
const NOT_MERGED = "NOT_MERGED";

/** The `_quarantine` of a correction, from that of the version. */
function markedReason(reason: Value): string {
  return reason === null ? NOT_MERGED : `${NOT_MERGED}\n${reason as string}`;
}

function unmarkedReason(reason: Value): Value {
  const text = reason as string | null;
  if (text === null || !text.startsWith(NOT_MERGED)) return text;
  return text.length === NOT_MERGED.length ? null : text.slice(NOT_MERGED.length + 1);
}

/** Yields the versions of every row. */
export async function* storedVersions(
  context: HistoryContext,
  versions: TableState,
  { columns, olderBucket, range, isTimeRange, keyRanges, workers, signal }: StoredScan,
): AsyncGenerator<Batch> {
  const { offline, tables } = context;
  const { version } = versions;
  const layout = layoutOf(versions);
  const scan = (names: readonly string[], buckets: readonly number[]): AsyncIterable<Batch> =>
    offline.scan(tables.versions.name, {
      columns: names,
      version,
      partitions: { _bucket: buckets },
      range,
      keyRanges,
      workers,
      signal,
    });
  if (layout === null) {
    yield* scan(columns, [olderBucket]);
    return;
  }
  const buckets = bucketsIn(layout, isTimeRange === true ? range : undefined);
  if (layout.corrections.length === 0) {
    yield* scan(columns, buckets);
    return;
  }
  const corrections = await readCorrections(context, versions, columns, signal);
  const names = [...new Set([...columns, ...keyNames(context)])];
  const find = keyFinder(context, corrections.keys, names);
  for await (const batch of scan(names, buckets))
    yield withoutKeys(firstColumns(batch, columns.length), [find(batch)]);
  yield* corrections.batches;
}

function firstColumns({ length, columns, vectors }: Batch, count: number): Batch {
  return { length, columns: columns.slice(0, count), vectors: vectors.slice(0, count) };
}

/** The ids of the time buckets that may hold event times in [min, max]. */
function bucketsIn(
  { buckets }: VersionsLayout,
  range: { readonly min: number; readonly max: number } | undefined,
): readonly number[] {
  const first = range === undefined ? 0 : bucketIndex(buckets, range.min);
  const last = range === undefined ? buckets.length - 1 : bucketIndex(buckets, range.max);
  return buckets.slice(first, last + 1).map(({ id }) => id);
}

/** The corrections of a table that are not superseded by newer ones. */
export interface Corrections {
  /** The rows that have corrections, by the text of their key. */
  readonly keys: ReadonlyMap<string, { readonly key: readonly Value[] }>;
  readonly batches: readonly Batch[];
}

/** Reads these columns of the corrections into memory. */
export async function readCorrections(
  context: HistoryContext,
  versions: TableState,
  columns: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Corrections> {
  const { offline, tables, rows } = context;
  const keys = new Map<string, { readonly key: readonly Value[] }>();
  const batches: Batch[] = [];
  const own = keyNames(context);
  const names = [...new Set([...columns, ...own])];
  const keyColumns = own.map((name) => names.indexOf(name));
  for (const { id } of layoutOf(versions)!.corrections.toReversed()) {
    const ofRun = new Map<string, { readonly key: readonly Value[] }>();
    for await (const batch of offline.scan(tables.versions.name, {
      columns: names,
      version: versions.version,
      partitions: { _bucket: [id] },
      signal,
    })) {
      const kept = new Uint8Array(batch.length);
      for (let i = 0; i < batch.length; i++) {
        const key = keyColumns.map((c) => valueAt(batch.vectors[c]!, i));
        const text = rows.textOf(key);
        if (keys.has(text)) continue;
        kept[i] = 1;
        ofRun.set(text, { key });
      }
      batches.push(unmarked(selectRows(firstColumns(batch, columns.length), kept), columns));
    }
    for (const [text, key] of ofRun) keys.set(text, key);
  }
  return { keys, batches };
}

const REASON = VERSION_COLUMNS.find(({ name }) => name === "_quarantine")!;

/** Corrections with the reasons of their versions. */
function unmarked(batch: Batch, names: readonly string[]): Batch {
  return withReasons(batch, names.indexOf(REASON.name), unmarkedReason);
}

/** Versions as corrections, with their marks. */
export function asCorrections(batch: Batch): Batch {
  const at = batch.columns.findIndex(({ name }) => name === REASON.name);
  return withReasons(batch, at, markedReason);
}

/** Rows with reasons that follow from theirs. */
function withReasons(
  { length, columns, vectors }: Batch,
  at: number,
  next: (reason: Value) => Value,
): Batch {
  if (at < 0) return { length, columns, vectors };
  const reasons = Array.from({ length }, (_, i) => next(valueAt(vectors[at]!, i)));
  return {
    length,
    columns,
    vectors: vectors.with(
      at,
      vectorOf(REASON, reasons, (one) => one),
    ),
  };
}
