/**
 * Tombstones: messages with a key and no value. Debezium writes one right after each delete, so
 * that Kafka may compact the topic. Compaction may remove the delete and leave the tombstone.
 */
import type { Value } from "../specs.ts";
import type { Change } from "../spi.ts";

/** The last change of a partition. */
export interface LastChange {
  readonly offset: number;
  /** The key that it deletes, as text; null: it deletes none. */
  readonly deleted: string | null;
  /** Whether an earlier run read it, perhaps under a definition with other columns or keys. */
  readonly isStored?: boolean | undefined;
}

/** Stands for a key while a partition has brought tombstones alone: there is no row to delete. */
const NO_ROW_YET = "";
/** Stands for the key of a change whose key cannot be read. */
const ANY_KEY = "*";
/** The longest key that a checkpoint keeps. */
const MAX_KEY_LENGTH = 1_024;

/**
 * Makes the change of a tombstone. `last` is the last change of the partition.
 *
 * - Right after the delete of its row, the tombstone changes nothing.
 * - After a gap of offsets, the delete was compacted away: the tombstone deletes the row.
 * - Otherwise the log still holds the message before it, and that is no delete of the row. Then the
 *   tombstone may repeat an older delete, so the row stays, and the tombstone is told.
 */
export function changeOfTombstone(change: Change, last: LastChange | undefined): Change {
  const { values, skippedAt, keyFault } = change.tombstone!;
  if (last === undefined || last.deleted === NO_ROW_YET) return change;
  const key = values === null ? ANY_KEY : textOf(values);
  if (last.deleted !== null && (last.deleted === key || [last.deleted, key].includes(ANY_KEY)))
    return change;
  const place = `${change.topic}, partition ${change.partition}, offset ${change.offset}`;
  if (values === null)
    return undecodable(
      change,
      "KEY_UNREADABLE",
      `${place}: a tombstone whose primary key cannot be read, so its row stays; ` +
        (keyFault ?? "let the key be that of Debezium"),
    );
  if (change.offset === Math.max(last.offset, skippedAt ?? -1) + 1) {
    // The texts of a key under two definitions cannot be compared.
    if (last.isStored === true && last.deleted !== null) return change;
    return undecodable(
      change,
      "TOMBSTONE_WITHOUT_DELETE",
      `${place}: a tombstone, and the message before it is not the delete of its row, so the row ` +
        "stays; delete the row in the database if it should go",
    );
  }
  return {
    ...change,
    kind: "delete",
    values,
    // The delete was committed no later than the broker took its tombstone.
    committed: change.timestamp === null ? null : change.timestamp * 1000 + 999,
  };
}

function undecodable(change: Change, reason: string, message: string): Change {
  return { ...change, undecodable: { reason, message } };
}

/**
 * The key that a change deletes, as text; null: it deletes none. `before` is the change before it
 * in the partition.
 */
export function deletedKey(
  { kind, values, tombstone, undecodable: unread }: Change,
  before: LastChange | undefined,
): string | null {
  if (tombstone !== undefined) {
    if (before === undefined || before.deleted === NO_ROW_YET) return NO_ROW_YET;
    return tombstone.values === null ? null : textOf(tombstone.values);
  }
  if (kind === "delete" || (unread !== null && kind === "upsert")) return textOf(values!);
  return unread === null ? null : ANY_KEY;
}

function textOf(values: readonly Value[]): string {
  const text = JSON.stringify(values, (_, value: unknown) =>
    typeof value === "bigint"
      ? `${value}n`
      : value instanceof Uint8Array
        ? Array.from(value).join()
        : value,
  );
  return text.length > MAX_KEY_LENGTH ? ANY_KEY : text;
}
