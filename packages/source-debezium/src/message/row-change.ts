/** Makes a change from a row of JavaScript values, for decoders of a user's own messages. */
import { jsonFormat, jsonRow, readValueRow } from "@tidemark/core/internal";
import type { Change, SourceSpec } from "@tidemark/core/spi";
import { type KafkaMessage, partitionName } from "./kafka-message.ts";

/** What a message says of one row. */
export interface RowChangeInput {
  /** Whether the message sets the row or deletes it; default `"upsert"`. */
  readonly kind?: "upsert" | "delete" | undefined;
  /**
   * The row: JSON values by the column's name in the definitions. An int64 or a decimal may be
   * text, so that no digit is lost. A timestamp is text or a `Date`, never a bare number. A delete
   * needs only the primary key.
   */
  readonly row: unknown;
  /**
   * The log order of the change, below 2⁵⁶. Without it, the offset orders the changes of a
   * partition, and the table must have one partition.
   */
  readonly order?: bigint | null | undefined;
  /** Commit time, µs. The default is the last microsecond of the message's timestamp. */
  readonly committed?: number | null | undefined;
}

const NONE: readonly never[] = [];

/**
 * Makes the change of one row of `source`. Topic, partition, offset and timestamp come from the
 * message. A value that is not of its column's type is missing, and the column is listed as
 * invalid. A row without a readable primary key is quarantined as `ROW_WITHOUT_KEY`.
 *
 * @example
 * rowChange(payments, message, { row: { id: "17", amount: "12.50", at: "2025-06-14T09:30:00Z" } });
 */
export function rowChange(
  source: SourceSpec,
  message: KafkaMessage,
  { kind = "upsert", row, order = null, committed }: RowChangeInput,
): Change {
  const { topic, partition, offset, timestamp } = message;
  const members = typeof row === "object" && row !== null ? new Map(Object.entries(row)) : null;
  const read = readValueRow(source, members, kind);
  const { values, invalidColumns, absentColumns, nonFinite, hasKey } = read;
  return {
    source: source.name,
    topic,
    partition,
    offset,
    kind: hasKey ? kind : "none",
    values: hasKey ? values : null,
    oldKey: null,
    unavailable: NONE,
    invalidColumns: hasKey ? invalidColumns : NONE,
    ...(hasKey && absentColumns.length > 0 ? { absentColumns } : {}),
    undecodable: hasKey
      ? null
      : {
          reason: members === null ? "KEY_UNREADABLE" : "ROW_WITHOUT_KEY",
          message:
            `${partitionName(message)}, offset ${offset}: no primary key ` +
            `(${source.primaryKey.join(", ")}) can be read`,
        },
    nonFinite: hasKey ? nonFinite : 0,
    order,
    committed: committed ?? (timestamp === null ? null : timestamp * 1000 + 999),
    snapshot: false,
    op: kind === "delete" ? "d" : "u",
    timestamp,
    transaction: null,
    ...(members === null
      ? {}
      : { logged: { row: jsonRow(members), key: null, oldKey: null, format: jsonFormat(source) } }),
  };
}
