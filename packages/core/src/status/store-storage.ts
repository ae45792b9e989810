/** Measures what the stores hold: the tables of the history, and the entity logs online. */
import { personalKeys, nothingMasked, MASKED, type Masking } from "../explain/masking.ts";
import { valueAt } from "../columns/batch.ts";
import { toUser } from "../define/user-values.ts";
import { decodeTail, openTail, rowsOfLog } from "../online/entity-log-cells.ts";
import { entityLogsOf, type EntityLog } from "../online/entity-logs.ts";
import { layoutFor, readSourceState } from "../online/source-state.ts";
import { sourcesOfView } from "../plan/columns-read.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import { storageAdvice } from "./storage-advice.ts";
import type {
  EntityLogStorage,
  HistoryStorage,
  LargeEntity,
  StoreStorage,
  TableStorage,
} from "./storage-types.ts";
import type { StoreTable } from "./store-tables.ts";

/** The most entities of an entity log that are looked at. */
const MOST_ENTITIES = 20_000;
/** The entities with the most rows that are listed of an entity log. */
const LISTED_ENTITIES = 5;
/** The cells that are read at once. */
const CELLS = 1000;

/** What the measurement reads. */
export interface StorageContext {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly namespace: string;
  readonly sources: readonly SourceSpec[];
  readonly views: readonly ViewSpec[];
}

/** Measures both stores. */
export async function storeStorage(
  { online, offline, ...context }: StorageContext,
  {
    tables,
    masking,
    signal,
  }: {
    readonly tables: readonly StoreTable[];
    readonly masking: Masking;
    readonly signal: AbortSignal | undefined;
  },
): Promise<StoreStorage> {
  const history = offline === undefined ? null : await historyStorage(offline, tables, signal);
  const size = (await online?.size?.()) ?? null;
  const entityLogs: EntityLogStorage[] = [];
  if (online !== undefined)
    for (const source of context.sources)
      entityLogs.push(...(await sourceLogs(online, source, { ...context, masking, signal })));
  const measured = {
    history,
    online:
      online === undefined
        ? null
        : {
            store: online.name,
            cells: size?.cells ?? null,
            bytes: size?.bytes ?? null,
            entityLogs,
          },
  };
  return { ...measured, advice: storageAdvice(measured) };
}

async function historyStorage(
  offline: OfflineStore,
  tables: readonly StoreTable[],
  signal: AbortSignal | undefined,
): Promise<HistoryStorage> {
  if (offline.describe === undefined) return { store: offline.name, tables: null };
  const found: TableStorage[] = [];
  for (const { name, holds, of, timeColumn } of tables) {
    const described = await offline.describe(name, { timeColumn, signal });
    if (described === null) continue;
    const { version, rows, files, bytes, positions, committedAt, oldest, newest } = described;
    found.push({
      table: name,
      holds,
      of,
      version,
      rows,
      files,
      bytes,
      changed: timeText(committedAt),
      oldest: timeText(oldest),
      newest: timeText(newest),
      positions,
    });
  }
  return { store: offline.name, tables: found };
}

function timeText(micros: number | null): string | null {
  return micros === null ? null : formatTime(micros);
}

type LogContext = Pick<StorageContext, "namespace" | "views"> & {
  readonly masking: Masking;
  readonly signal: AbortSignal | undefined;
};

async function sourceLogs(
  online: OnlineStore,
  source: SourceSpec,
  { namespace, views, masking, signal }: LogContext,
): Promise<readonly EntityLogStorage[]> {
  const state = await readSourceState(online, namespace, layoutFor(source, views));
  const isMasked =
    masking !== nothingMasked &&
    views.some(
      (view) =>
        sourcesOfView(view).some(({ name }) => name === source.name) &&
        personalKeys(view.entity, [view]).size > 0,
    );
  const found: EntityLogStorage[] = [];
  for (const log of entityLogsOf(namespace, state).logs)
    found.push({
      source: source.name,
      keys: log.layout.keyColumns.map(({ name }) => name),
      ...(await logStorage(online, log, { isMasked, signal })),
    });
  return found;
}

async function logStorage(
  online: OnlineStore,
  log: EntityLog,
  { isMasked, signal }: { readonly isMasked: boolean; readonly signal: AbortSignal | undefined },
): Promise<Omit<EntityLogStorage, "source" | "keys">> {
  const keys = log.layout.keyColumns.map((column) => ({
    column,
    index: log.format.columns.findIndex(({ name }) => name === column.name),
  }));
  const wanted = keys.map(({ index }) => index);
  const giveWay = eventLoopYielder();
  let [entities, rows, segments] = [0, 0, 0];
  let largest: LargeEntity[] = [];
  let cursor: Uint8Array | null = null;
  do {
    const read = await online.scan({ prefix: log.prefixes.tails, limit: CELLS, cursor });
    for (const { value } of read.cells) {
      const tail = decodeTail(log.format, value, wanted);
      const count = rowsOfLog(openTail(value));
      const segmentCount = tail.root?.segments ?? tail.segments.length;
      entities++;
      rows += count;
      segments += segmentCount;
      const least = largest.length < LISTED_ENTITIES ? 0 : largest.at(-1)!.rows;
      if (count > least) {
        const key = keys.map(({ column }, c): readonly [string, unknown] => [
          column.name,
          // all rows of the entity may be in segments
          tail.rows.length === 0 ? null : isMasked ? MASKED : keyOf(tail.rows.vectors[c]!, column),
        ]);
        const entity = { key: Object.fromEntries(key), rows: count, segments: segmentCount };
        largest = [...largest, entity].sort((a, b) => b.rows - a.rows).slice(0, LISTED_ENTITIES);
      }
      await giveWay();
    }
    ({ cursor } = read);
    signal?.throwIfAborted();
  } while (cursor !== null && entities < MOST_ENTITIES);
  return { entities, rows, segments, isWhole: cursor === null, largest };

  function keyOf(
    vector: Parameters<typeof valueAt>[0],
    column: Parameters<typeof toUser>[1],
  ): unknown {
    return toUser(valueAt(vector, 0), column);
  }
}
