/** Waits until commits in PostgreSQL are in Kafka. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";

export interface ReplicationWaitOptions {
  /**
   * The time limit in ms. Default: three minutes. By default Kafka Connect commits its offsets once
   * a minute only.
   */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits until Debezium's connector has brought every commit up to now into Kafka, according to its
 * replication slot. Without a slot the call returns at once: the coming snapshot will hold the
 * commits. A reader that then reads the topics to their end has every commit.
 *
 * @example
 * await writeDay(pool, bank, "2025-06-14");
 * await waitForReplication(pool, "bank");
 */
export async function waitForReplication(
  database: Pool,
  connector: string,
  { timeout = 180_000, signal }: ReplicationWaitOptions = {},
): Promise<void> {
  const {
    rows: [now],
  } = await database.query<{ place: string }>("SELECT pg_current_wal_insert_lsn()::text AS place");
  const deadline = performance.now() + timeout;
  for (;;) {
    // a slot moves with the messages to its connector: a quiet database would send nothing after
    // our commit
    await database.query("SELECT pg_logical_emit_message(false, 'bank', '')");
    const {
      rows: [slot],
    } = await database.query<{ there: boolean; active: boolean }>(
      "SELECT confirmed_flush_lsn >= $2::pg_lsn AS there, " +
        "active FROM pg_replication_slots WHERE slot_name = $1 AND database = current_database()",
      [`tidemark_${connector}`, now!.place],
    );
    if (slot === undefined || slot.there) return;
    if (performance.now() > deadline) {
      const why = slot.active ? "it is too slow" : "nobody reads its replication slot";
      throw new Error(
        `bank: the rows are written, but after ${Math.round(timeout / 1000)} s the connector ` +
          `${connector} has not sent them on: ${why}; ` +
          `see how it is with \`tidemark connector status\`, then run this again`,
      );
    }
    await sleep(250, undefined, { signal });
  }
}
