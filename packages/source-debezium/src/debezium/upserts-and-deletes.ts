/** Makes the changes of rows: upserts and deletes. */
import type { JsonMembers, RowDecoder } from "@tidemark/core/internal";
import type { Change } from "@tidemark/core/spi";
import { isUtf8Value, type KafkaMessage } from "../message/kafka-message.ts";
import type { DecoderRun } from "./decoder-run.ts";
import { changeOf } from "./message-change.ts";
import { keyFormat } from "./message-key.ts";
import type { ChangeOrigin } from "./origin.ts";
import { undecodable } from "./undecodable-message.ts";

/** Says why the row of a delete cannot be found. */
function lostDelete(message: KafkaMessage): string {
  const format = keyFormat(message);
  return (
    "a delete whose row cannot be found, so the row stays: the key of the message " +
    (format === null ? "does not hold the primary key" : `looks like ${format.looksLike}`) +
    ", and the row before is not sent. " +
    (format === null
      ? "Let the key be that of Debezium (no ExtractField or message.key.columns of other " +
        "columns)"
      : "Set key.converter of the connector to org.apache.kafka.connect.json.JsonConverter") +
    ", or set REPLICA IDENTITY FULL"
  );
}

/** Makes the change of a row that `members` hold whole. */
export function upsert(
  run: DecoderRun,
  decoder: RowDecoder,
  op: string | null,
  origin: ChangeOrigin,
  members: JsonMembers,
  unwrapped: boolean,
): Change {
  const { current, keys } = run;
  const { message, payload } = current;
  if (!isUtf8Value(message))
    return undecodable(
      run,
      decoder,
      op,
      origin,
      "VALUE_NOT_UTF8",
      "the value holds bytes that are no UTF-8, so its texts are damaged; repair the " +
        "writer, or the character set of the database",
    );
  current.row = members;
  current.isUnwrapped = unwrapped;
  const from = { schema: payload.schema(), unwrapped, committed: origin.committed };
  const row = decoder.row(members, from, run.withoutScale);
  if (!decoder.hasKey(row.values))
    return undecodable(
      run,
      decoder,
      op,
      origin,
      "ROW_WITHOUT_KEY",
      "the row has no readable value of its primary key " +
        `(${decoder.source.primaryKey.join(", ")})${decoder.keyFault(row)}`,
    );
  keys.compare(decoder, message, decoder.keyOf(row.values));
  const oldKey = keys.oldOfMessage(decoder, message);
  if (row.unclearTime !== null) {
    const { reason, message: text } = row.unclearTime;
    const values = decoder.keyRow(decoder.keyOf(row.values));
    return changeOf(current, decoder, "upsert", op, origin, values, oldKey, null, {
      reason,
      message: `${current.where()}: ${text ?? "its event time cannot be read"}`,
    });
  }
  return changeOf(current, decoder, "upsert", op, origin, row.values, oldKey, row);
}

/**
 * Makes the change of a delete. Only the primary key of the row before is reliable. The other
 * columns are null or empty unless the table has REPLICA IDENTITY FULL.
 */
export function deletion(
  run: DecoderRun,
  decoder: RowDecoder,
  op: string | null,
  origin: ChangeOrigin,
  members: JsonMembers | null,
): Change {
  const { current, keys } = run;
  const { message, payload } = current;
  const row = members === null || !isUtf8Value(message) ? null : members;
  current.row = row;
  current.isUnwrapped = row !== null && row === payload.members;
  const key =
    (row === null ? null : decoder.key(row, payload.schema())) ?? keys.ofMessage(decoder, message);
  if (key === null)
    return undecodable(run, decoder, op, origin, "KEY_UNREADABLE", lostDelete(message));
  return changeOf(current, decoder, "delete", op, origin, decoder.keyRow(key));
}
