/** Lists the rows of a source that are in no window. */
import { primaryKeyColumns } from "../rows/row-change.ts";
import { valueAt } from "../columns/batch.ts";
import { toUser } from "../define/user-values.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type { OnlineStore } from "../spi.ts";
import { entityLogsOf } from "../online/entity-logs.ts";
import { readEntityLogs } from "../online/stored-rows.ts";
import { layoutFor, readSourceState } from "../online/source-state.ts";
import { formatTime } from "../time/parse-time.ts";

/** A row that is in no window, because its key or event time cannot be read. */
export interface QuarantinedRow {
  readonly source: string;
  /** The primary key, by column. */
  readonly key: Readonly<Record<string, unknown>>;
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: number;
  /** The column that could not be read. null: the whole content. */
  readonly column: string | null;
  readonly reason: string;
  readonly committed: string;
}

/** Reads the quarantined rows of a source, oldest first. */
export async function quarantinedRows(
  source: SourceSpec,
  options: {
    readonly online: OnlineStore;
    readonly namespace: string;
    readonly views: readonly ViewSpec[];
  },
): Promise<readonly QuarantinedRow[]> {
  const { online, namespace } = options;
  const state = await readSourceState(online, namespace, layoutFor(source, options.views));
  const entityLogs = entityLogsOf(namespace, state.layout);
  const [cells] = await readEntityLogs(online, [
    {
      entityLogs,
      entityLog: entityLogs.quarantine,
      key: [],
      tailKey: entityLogs.quarantine.tail([]),
      known: null,
      notBefore: -Infinity,
    },
  ]);
  const keyColumns = primaryKeyColumns(source);
  return (cells == null || cells === "same" ? [] : [...cells.segments, cells.tail()])
    .flatMap(({ length, vectors }) =>
      Array.from({ length }, (_, i) => vectors.map((vector) => valueAt(vector, i))),
    )
    .filter(([, order]) => state.truncates.every((truncate) => truncate.order <= (order as bigint)))
    .map(([committed, , topic, partition, offset, column, reason, ...rest]) => ({
      source: source.name,
      key: Object.fromEntries(keyColumns.map((one, k) => [one.name, toUser(rest[k] ?? null, one)])),
      topic: topic as string | null,
      partition: partition as number | null,
      offset: offset as number,
      column: column as string | null,
      reason: reason as string,
      committed: formatTime(committed as number),
    }));
}
