/**
 * Writes commits as Debezium 3 does with a JSON converter without schemas: one Kafka message for
 * each changed row, and a tombstone after each delete.
 */
import type { Commit, RowChange } from "./bank.ts";

const SERVER = "bank";
export const TABLES = ["transaction_data", "customer_data"] as const;
export type Table = (typeof TABLES)[number];

export const topicOf = (table: Table): string => `${SERVER}.public.${table}`;

/** A message as a recorded topic holds it, one per line. */
export interface TopicLine {
  readonly table: Table;
  readonly line: string;
}

/**
 * Makes a connector. The connector numbers its messages, so one connector reads one bank from the
 * beginning.
 */
export function debeziumMessages(): (commit: Commit) => TopicLine[] {
  const offsets = new Map<Table, number>();
  let lsn = 26_655_416;
  let lastCommit: number | null = null;
  let transaction = 740;

  return ({ at, snapshot, changes }) => {
    const lines: TopicLine[] = [];
    transaction++;
    changes.forEach((change, i) => {
      // All rows of a snapshot have the LSN at which the snapshot was taken.
      if (!snapshot) lsn += 160;
      const row = (change.after ?? change.before)!;
      const key = JSON.stringify({ id: row.id });
      const position = {
        at,
        lsn,
        lastCommit,
        transaction,
        snapshot: snapshot ? (i === changes.length - 1 ? "last" : "true") : "false",
      };
      send(change.table, key, valueOf(change, position));
      if (change.after === null) send(change.table, key, null);
    });
    lastCommit = lsn;
    lsn += 48;
    return lines;

    function send(table: Table, key: string, value: string | null): void {
      const offset = offsets.get(table) ?? 0;
      offsets.set(table, offset + 1);
      lines.push({
        table,
        line: JSON.stringify({
          topic: topicOf(table),
          partition: 0,
          offset: String(offset),
          timestamp: String(at + 120),
          key,
          value,
          headers: {},
        }),
      });
    }
  };
}

interface LogPosition {
  readonly at: number;
  readonly lsn: number;
  readonly lastCommit: number | null;
  readonly transaction: number;
  readonly snapshot: string;
}

function valueOf(
  { table, before, after }: RowChange,
  { at, lsn, lastCommit, transaction, snapshot }: LogPosition,
): string {
  const sequence = JSON.stringify([lastCommit === null ? null : String(lastCommit), String(lsn)]);
  const op = snapshot !== "false" ? "r" : before === null ? "c" : after === null ? "d" : "u";
  return JSON.stringify({
    before: op === "d" ? keyOnly(before!) : null,
    after,
    source: {
      version: "3.6.1.Final",
      connector: "postgresql",
      name: SERVER,
      ts_ms: at,
      snapshot,
      db: "bank",
      sequence,
      ts_us: at * 1_000,
      ts_ns: at * 1_000_000,
      schema: "public",
      table,
      txId: transaction,
      lsn,
      xmin: null,
      origin: null,
      origin_lsn: null,
    },
    transaction: null,
    op,
    ts_ms: at + 80,
    ts_us: (at + 80) * 1_000,
    ts_ns: (at + 80) * 1_000_000,
  });
}

/** With PostgreSQL's default replica identity, a delete carries the primary key only. */
function keyOnly(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, name === "id" ? value : null]),
  );
}
