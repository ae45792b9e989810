/** Encodes changes as rows of the change log, and decodes them. */
import { partitionKeyOf } from "../rows/snapshot-generations.ts";
import { primaryKeyColumns } from "../rows/row-change.ts";
import { batchOf, valueAt, type Batch } from "../columns/batch.ts";
import type { ColumnSpec, SourceSpec, Value } from "../specs.ts";
import type { Change, OfflineStore } from "../spi.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import type { HistoryTables } from "./history-tables.ts";
import { LOG_COLUMNS } from "./history-tables.ts";
import { valuesFromText, valuesToText } from "./value-text.ts";

/** Changes that are turned into columns at once. */
const ROWS_PER_BATCH = 4_000;

export function changesToBatch(tables: HistoryTables, changes: readonly Change[]): Batch {
  const declared = tables.declared.length;
  return batchOf(
    tables.changes.columns,
    changes.map((change): Value[] => [
      ...(change.values ?? new Array<Value>(declared).fill(null)),
      change.topic,
      change.partition,
      BigInt(change.offset),
      change.timestamp === null ? null : BigInt(change.timestamp),
      change.kind,
      change.op,
      change.order,
      change.inheritedOrder ?? null,
      change.committed,
      change.snapshot,
      change.transaction,
      change.oldKey === null ? null : valuesToText(change.oldKey),
      change.unavailable.length === 0 ? null : change.unavailable.join(),
      change.invalidColumns.length === 0 ? null : JSON.stringify(change.invalidColumns),
      change.undecodable === null ? null : JSON.stringify(change.undecodable),
      change.nonFinite,
      change.extra,
      change.generation ?? 0,
    ]),
  );
}

/** Turns changes into batches, and yields to the event loop between them. */
export async function changesToBatches(
  tables: HistoryTables,
  changes: readonly Change[],
): Promise<Batch[]> {
  const batches: Batch[] = [];
  const yieldToEventLoop = eventLoopYielder();
  for (let from = 0; from < changes.length; from += ROWS_PER_BATCH) {
    batches.push(changesToBatch(tables, changes.slice(from, from + ROWS_PER_BATCH)));
    await yieldToEventLoop();
  }
  return batches;
}

/**
 * The columns of the log from which row versions follow. Columns that only explain a change are not
 * read. A declared column that the table lacks is null.
 */
function columnsToRead(
  tables: HistoryTables,
  columns: readonly ColumnSpec[] | undefined,
  { extra = false, transaction = false }: Pick<ChangeLogReadOptions, "extra" | "transaction">,
): readonly string[] {
  const there = (name: string): boolean =>
    columns === undefined || columns.some((column) => column.name === name);
  return [...tables.declared, ...LOG_COLUMNS]
    .map((column) => column.name)
    .filter(
      (name) =>
        (name !== "_extra" || extra) && (name !== "_transaction" || transaction) && there(name),
    );
}

export interface ChangeLogReadOptions {
  readonly version: number;
  readonly fromOffset: number;
  readonly toOffset?: number | undefined;
  /** The table's columns, if they are known. */
  readonly columns?: readonly ColumnSpec[] | undefined;
  /** Reads `_extra` too. */
  readonly extra?: boolean | undefined;
  /** Reads `_transaction` too: the id of a push. */
  readonly transaction?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** By partition key and offset. */
  readonly wanted: (partition: string, offset: number) => boolean;
}

/** Reads every change that `wanted` accepts from one version of the log, in stored order. */
export async function* readChangeLog(
  offline: OfflineStore,
  tables: HistoryTables,
  source: SourceSpec,
  options: ChangeLogReadOptions,
): AsyncIterable<Change> {
  const { version, fromOffset, toOffset = Number.MAX_SAFE_INTEGER, signal, wanted } = options;
  // an old log has no column for the snapshot generation
  const columns =
    options.columns ?? (await offline.state(tables.changes.name, { version, signal }))?.columns;
  const names = columnsToRead(tables, columns, options);
  const at = (name: string): number => names.indexOf(name);
  const [topic, partition, offset, kind, lsn, order, committed] = [
    at("_topic"),
    at("_partition"),
    at("_offset"),
    at("_kind"),
    at("_order"),
    at("_inherited_order"),
    at("_committed"),
  ];
  const [snapshot, oldKey, unavailable, unreadable, broken, op] = [
    at("_snapshot"),
    at("_old_key"),
    at("_unavailable"),
    at("_invalid_columns"),
    at("_undecodable"),
    at("_op"),
  ];
  const [nonFinite, extra, generations, transaction] = [
    at("_non_finite"),
    at("_extra"),
    at("_generation"),
    at("_transaction"),
  ];
  const declared = tables.declared.map(({ name }) => at(name));
  const keyColumns = primaryKeyColumns(source);
  const range = { column: "_offset", min: fromOffset, max: toOffset };
  for await (const batch of offline.scan(tables.changes.name, {
    columns: names,
    version,
    range,
    signal,
  })) {
    const { vectors } = batch;
    const text = (c: number, i: number): string | null => valueAt(vectors[c]!, i) as string | null;
    for (let i = 0; i < batch.length; i++) {
      const generation =
        generations! < 0 ? 0 : ((valueAt(vectors[generations!]!, i) as number | null) ?? 0);
      const where = {
        topic: text(topic!, i)!,
        partition: valueAt(vectors[partition!]!, i) as number,
        offset: Number(valueAt(vectors[offset!]!, i)),
        generation,
      };
      if (!wanted(partitionKeyOf(where), where.offset)) continue;
      const is = text(kind!, i) as Change["kind"];
      const left = text(unavailable!, i);
      const unread = text(unreadable!, i);
      const why = text(broken!, i);
      const old = text(oldKey!, i);
      yield {
        source: source.name,
        ...where,
        kind: is,
        values:
          is === "upsert" || is === "delete"
            ? declared.map((c) => (c < 0 ? null : valueAt(vectors[c]!, i)))
            : null,
        oldKey: old === null ? null : valuesFromText(keyColumns, old),
        unavailable: left === null ? [] : left.split(",").map(Number),
        invalidColumns: unread === null ? [] : (JSON.parse(unread) as Change["invalidColumns"]),
        undecodable: why === null ? null : (JSON.parse(why) as Change["undecodable"]),
        nonFinite: valueAt(vectors[nonFinite!]!, i) as number,
        order: valueAt(vectors[lsn!]!, i) as bigint | null,
        inheritedOrder: (valueAt(vectors[order!]!, i) as bigint | null) ?? undefined,
        committed: valueAt(vectors[committed!]!, i) as number | null,
        snapshot: valueAt(vectors[snapshot!]!, i) as boolean,
        op: text(op!, i),
        timestamp: null,
        transaction: transaction! < 0 ? null : text(transaction!, i),
        extra: extra! < 0 ? null : text(extra!, i),
      };
    }
  }
}
