/**
 * Stages the changes of a log by bucket, when they do not fit in memory. So a rewrite of versions
 * reads the log once, and then one bucket at a time. The changes are decoded already.
 */
import { tableColumn } from "../columns/table-column.ts";
import type { HistoryContext } from "./history-context.ts";
import { valueAt, vectorOf, type Batch } from "../columns/batch.ts";
import { primaryKeyIndexes, type KeyedRowChange, type RowChange } from "../rows/row-change.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import type { OfflineStaging, StagedRows, TableSpec } from "../spi.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import { addChange, emptyBucket, takeRows, type BucketChanges } from "./bucket-changes.ts";

const ROWS_PER_BATCH = 4_000;

/** All changes of a log, staged by bucket. */
export interface StagedChanges {
  /** The name under which they are staged, as if for a rewrite of their own. */
  readonly rewrite: string;
  /** The names of their parts, in log order. */
  readonly names: readonly string[];
}

/** What few changes have, as JSON. An absent member has the value of most changes. */
interface SeldomMembers {
  readonly orderInherited?: true;
  readonly unavailable?: RowChange["unavailable"];
  readonly undeclared?: readonly string[];
  readonly undecodable?: string;
  readonly invalidColumns?: RowChange["invalidColumns"];
}

/** The columns of a staged change besides the declared ones, which are `c0`, `c1` and so on. */
const OWN_COLUMNS: readonly (readonly [ColumnSpec, (row: KeyedRowChange) => Value])[] = [
  [tableColumn("deleted", "boolean", false), ({ change }) => change.values === null],
  [tableColumn("order", "int64", false), ({ change }) => change.order],
  [tableColumn("offset", "int64", false), ({ change }) => BigInt(change.offset)],
  [tableColumn("committed", "timestamp", false), ({ change }) => change.committed],
  [tableColumn("logged_commit_time", "timestamp", false), ({ change }) => change.loggedCommitTime],
  [tableColumn("seldom", "string"), ({ change }) => seldomText(change)],
];

/** The column of the bucket, by which the files are parted. */
const BUCKET = tableColumn("bucket", "int32", false);

/** Encodes changes of rows as rows of a table, and decodes them. */
interface StagedChangeRows {
  readonly table: TableSpec;
  toBatch(changes: readonly KeyedRowChange[], bucket: number): Batch;
  changesIn(batch: Batch): Generator<KeyedRowChange>;
}

function stagedChangeRows({ source, tables }: HistoryContext): StagedChangeRows {
  const keys = primaryKeyIndexes(source);
  const declared = tables.declared.map((one, i) => ({ ...one, name: `c${i}` }));
  const columns = [...declared, ...OWN_COLUMNS.map(([own]) => own), BUCKET];
  const valueOf = (index: number): ((row: KeyedRowChange) => Value) => {
    const ofKey = keys.indexOf(index);
    // a deleted row has only its key
    return ({ key, change }) =>
      change.values === null ? (ofKey < 0 ? null : key[ofKey]!) : change.values[index]!;
  };
  const readers = [...declared.map((one, index) => [one, valueOf(index)] as const), ...OWN_COLUMNS];
  return {
    // the files lie below the table of the versions, where vacuum finds what a killed rewrite left
    table: { name: tables.versions.name, columns, partitionBy: [BUCKET.name] },
    toBatch: (changes, bucket) => ({
      length: changes.length,
      columns,
      vectors: [
        ...readers.map(([one, read]) => vectorOf(one, changes, read)),
        vectorOf(BUCKET, changes, () => bucket),
      ],
    }),
    *changesIn({ length, vectors }) {
      const own = vectors.slice(declared.length);
      for (let i = 0; i < length; i++) {
        const values = declared.map((_, c) => valueAt(vectors[c]!, i));
        const [deleted, order, offset, committed, loggedCommitTime, seldom] = own.map((vector) =>
          valueAt(vector, i),
        );
        const more = (seldom === null ? {} : JSON.parse(seldom as string)) as SeldomMembers;
        yield {
          key: keys.map((index) => values[index]!),
          change: {
            order: order as bigint,
            offset: Number(offset),
            orderInherited: more.orderInherited ?? false,
            committed: committed as number,
            loggedCommitTime: loggedCommitTime as number,
            values: deleted === true ? null : values,
            unavailable: more.unavailable ?? [],
            undeclaredUnavailable: (more.undeclared ?? []).map((name) => ({ name, image: null })),
            undecodable: more.undecodable ?? null,
            invalidColumns: more.invalidColumns ?? [],
          },
        };
      }
    },
  };
}

function seldomText(change: RowChange): string | null {
  const { orderInherited, unavailable, undeclaredUnavailable, undecodable } = change;
  const { invalidColumns } = change;
  const members: SeldomMembers = {
    ...(orderInherited ? { orderInherited } : {}),
    ...(unavailable.length === 0 ? {} : { unavailable }),
    ...(undeclaredUnavailable.length === 0
      ? {}
      : { undeclared: undeclaredUnavailable.map(({ name }) => name) }),
    ...(undecodable === null ? {} : { undecodable }),
    ...(invalidColumns.length === 0 ? {} : { invalidColumns }),
  };
  return Object.keys(members).length === 0 ? null : JSON.stringify(members);
}

/** Stages the changes in memory, bucket by bucket, and forgets them. */
export async function stageChanges(
  context: HistoryContext,
  staging: OfflineStaging,
  buckets: readonly BucketChanges[],
  { signal, ...as }: StagedRows & { readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { table, toBatch } = stagedChangeRows(context);
  const yieldToEventLoop = eventLoopYielder();
  async function* batches(): AsyncIterable<Batch> {
    for (const [bucket, changes] of buckets.entries()) {
      let own: KeyedRowChange[] = [];
      for (const { key, changes: ofRow } of takeRows(changes)) {
        for (const change of ofRow) own.push({ key, change });
        if (own.length < ROWS_PER_BATCH) continue;
        signal?.throwIfAborted();
        yield toBatch(own, bucket);
        own = [];
        await yieldToEventLoop();
      }
      if (own.length > 0) yield toBatch(own, bucket);
    }
  }
  await staging.write(table, batches(), { ...as, signal });
}

/** Reads the changes of one bucket. */
export async function readStagedChanges(
  context: HistoryContext,
  staging: OfflineStaging,
  { rewrite, names }: StagedChanges,
  bucket: number,
  signal: AbortSignal | undefined,
): Promise<BucketChanges> {
  const { table, changesIn } = stagedChangeRows(context);
  const yieldToEventLoop = eventLoopYielder();
  const changes = emptyBucket();
  const partitions = { [BUCKET.name]: [bucket] };
  for (const name of names)
    for await (const batch of staging.read(table, { rewrite, name, partitions, signal })) {
      for (const row of changesIn(batch)) addChange(changes, context.rows.textOf(row.key), row);
      await yieldToEventLoop();
    }
  return changes;
}
