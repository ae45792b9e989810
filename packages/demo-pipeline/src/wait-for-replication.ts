/** Until what was committed in PostgreSQL is in Kafka. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";

export interface ReplicationWaitOptions {
  /**
   * ms, then it is an error; three minutes without it. Kafka Connect says only once a minute how
   * far it is, if nobody told it otherwise.
   */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits until Debezium's connector has brought everything that is committed by now into Kafka: its
 * replication slot says so. Without a slot nobody waits, as nobody listens yet, and the snapshot of
 * the connector to come will hold it. Whoever reads the topics to their end after this has it all.
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
    // a slot moves with what the connector is sent: in a quiet database nothing would come after
    // our commit
    await database.query("SELECT pg_logical_emit_message(false, 'bank', '')");
    const {
      rows: [slot],
    } = await database.query<{ there: boolean; active: boolean }>(
      "SELECT confirmed_flush_lsn >= $2::pg_lsn AS there, active FROM pg_replication_slots " +
        "WHERE slot_name = $1 AND database = current_database()",
      [`tidemark_${connector}`, now!.place],
    );
    if (slot === undefined || slot.there) return;
    if (performance.now() > deadline) {
      const why = slot.active ? "it is too slow" : "nobody reads its replication slot";
      throw new Error(
        `bank: the rows are written, but after ${Math.round(timeout / 1000)} s the connector ` +
          `${connector} has not sent them on: ${why}; see how it is with \`tidemark connector ` +
          `status\`, then run this again`,
      );
    }
    await sleep(250, undefined, { signal });
  }
}
