/** Reads the rows of the serving log, in groups of the same features. */
import { valueAt, type Batch } from "../columns/batch.ts";
import { TidemarkError } from "../errors.ts";
import { daysBetween, LOG_TABLE } from "../serving-log/log-table.ts";
import type { TakenChanges } from "../serving-log/taken-changes.ts";
import type { OfflineStore } from "../spi.ts";

/** A row of the serving log. */
export interface LoggedRow {
  readonly answeredAt: number;
  readonly asOf: number;
  readonly service: string | null;
  readonly requestId: string | null;
  readonly entity: string;
  readonly requestData: string | null;
  readonly values: string;
  readonly statuses: string;
  readonly taken: TakenChanges | null;
}

/** Rows whose features and definitions are the same. */
export interface LoggedGroup {
  readonly features: string;
  readonly fingerprints: string;
  readonly rows: readonly LoggedRow[];
}

const COLUMNS = [
  "answered_at",
  "as_of",
  "service",
  "request_id",
  "entity",
  "request_data",
  "values",
  "statuses",
  "taken",
  "features",
  "fingerprints",
] as const;

/** Rows of a group that are computed again at once. */
const GROUP_ROWS = 20_000;
/** Rows of all groups that wait. Beyond it the largest group goes first. */
const WAITING_ROWS = 100_000;

/**
 * Reads the rows that were answered from `from` on and before `to`, µs.
 *
 * @throws SERVING_LOG_MISSING when there is no serving log.
 */
export async function* readServingLog(
  offline: OfflineStore,
  {
    from,
    to,
    services,
    signal,
  }: {
    readonly from: number;
    readonly to: number;
    readonly services: ReadonlySet<string> | null;
    readonly signal: AbortSignal | undefined;
  },
): AsyncIterable<LoggedGroup> {
  const { name } = LOG_TABLE;
  if ((await offline.state(name, { signal })) === null)
    throw new TidemarkError(
      "SERVING_LOG_MISSING",
      `${offline.name}: there is no table ${name}, so nothing was logged yet; give openStore ` +
        "(or the configuration) servingLog: {}, and serve requests",
    );
  const groups = new Map<string, LoggedRow[]>();
  let waiting = 0;
  const take = (key: string): LoggedGroup => {
    const rows = groups.get(key)!;
    groups.delete(key);
    waiting -= rows.length;
    const [features, fingerprints] = JSON.parse(key) as [string, string];
    return { features, fingerprints, rows };
  };
  const parseTaken = lastParsed();
  const scan = { columns: COLUMNS, partitions: { date: daysBetween(from, to - 1) }, signal };
  for await (const batch of offline.scan(name, scan)) {
    const read = rowReader(batch, parseTaken);
    for (let i = 0; i < batch.length; i++) {
      const { row, features, fingerprints } = read(i);
      if (row.answeredAt < from || row.answeredAt >= to) continue;
      if (services !== null && (row.service === null || !services.has(row.service))) continue;
      const key = JSON.stringify([features, fingerprints]);
      const rows = groups.get(key);
      if (rows === undefined) groups.set(key, [row]);
      else rows.push(row);
      waiting++;
      if ((rows?.length ?? 0) >= GROUP_ROWS) yield take(key);
      else if (waiting >= WAITING_ROWS)
        yield take([...groups].sort((a, b) => b[1].length - a[1].length)[0]![0]);
    }
  }
  // what is taken leaves the map
  for (const key of Array.from(groups.keys())) yield take(key);
}

function rowReader(batch: Batch, parseTaken: (text: string | null) => TakenChanges | null) {
  const [answeredAt, asOf, ...texts] = batch.vectors;
  const text = (column: number, i: number): string | null =>
    valueAt(texts[column]!, i) as string | null;
  return (i: number) => ({
    row: {
      answeredAt: Number(valueAt(answeredAt!, i)),
      asOf: Number(valueAt(asOf!, i)),
      service: text(0, i),
      requestId: text(1, i),
      entity: text(2, i)!,
      requestData: text(3, i),
      values: text(4, i)!,
      statuses: text(5, i)!,
      taken: parseTaken(text(6, i)),
    },
    features: text(7, i)!,
    fingerprints: text(8, i)!,
  });
}

/** Rows that follow each other often have the same sample. */
function lastParsed(): (text: string | null) => TakenChanges | null {
  let last: { readonly text: string; readonly taken: TakenChanges } | null = null;
  return (text) => {
    if (text === null) return null;
    if (last?.text !== text) last = { text, taken: JSON.parse(text) as TakenChanges };
    return last.taken;
  };
}
