/** Decodes a message of the `unwrap` transform, which holds the row itself. */
import { TRUE, type RowDecoder, findMeta, UNWRAP_TRANSFORM } from "@tidemark/core/internal";
import { TidemarkError } from "@tidemark/core";
import type { Change } from "@tidemark/core/spi";
import type { SkippedMessage } from "../message/message-decoder.ts";
import { withCommitTime } from "./broker-commit-time.ts";
import type { DecoderRun } from "./decoder-run.ts";
import { jsonFormat, otherMessage } from "./foreign-format.ts";
import { NO_ORIGIN, originOf } from "./origin.ts";
import { deletion, upsert } from "./upserts-and-deletes.ts";
import { foreign, undecodable } from "./undecodable-message.ts";

/**
 * Decodes the current message. Each object that is no envelope comes here, so the function
 * recognizes messages of other writers too.
 *
 * @throws UNWRAPPED_WITHOUT_DELETED when the row does not say whether it was deleted.
 */
export function unwrappedMessage(run: DecoderRun): Change | SkippedMessage {
  const { current, tables, origins, warn } = run;
  const { message } = current;
  const { members } = current.payload;
  const { topic } = message;
  const find = (field: string): number => findMeta(members, field);
  const schema = find("schema") >= 0 ? find("schema") : find("db");
  const table = find("table");
  const named =
    schema >= 0 && table >= 0 && members.isString(schema) && members.isString(table)
      ? `${members.string(schema)}.${members.string(table)}`
      : null;
  const decoder = tables.ofMessage(topic, named);
  const d = members.find("__deleted");
  if (d < 0) {
    const other = otherMessage(members, topic);
    if (other !== null) return other;
    const format = jsonFormat(members, message);
    if (format !== null) return foreign(run, decoder, format);
  }
  if (decoder === null) return tables.notDeclared(topic, named);
  if (d < 0) return withoutDeleted(run, decoder);
  warn(
    "UNWRAPPED_LOSES_TRUNCATES",
    decoder.source,
    `${topic} holds unwrapped rows, and the unwrap transform drops truncates: ` +
      "after a TRUNCATE the rows stay. Remove the transform if the table is ever truncated",
  );
  const o = find("op");
  const op = o >= 0 && members.isString(o) ? members.string(o) : null;
  const origin = withCommitTime(
    run,
    decoder,
    originOf(members, find, current.where, message.timestamp),
  );
  current.sourceOrigin = origins.read(members, find, topic, decoder.source);
  const deleted = members.isString(d) ? members.string(d) === "true" : members.kind(d) === TRUE;
  return deleted
    ? deletion(run, decoder, op, origin, members)
    : upsert(run, decoder, op, origin, members, true);
}

/** Makes the change of an object without `__deleted`, unless the object is a row of the table. */
function withoutDeleted(run: DecoderRun, decoder: RowDecoder): Change {
  const { message, payload } = run.current;
  const { members } = payload;
  if (findMeta(members, "op") < 0 && decoder.key(members, payload.schema()) === null)
    return undecodable(
      run,
      decoder,
      null,
      NO_ORIGIN,
      "NOT_A_CHANGE",
      "neither a Debezium envelope nor a row of the table; read the topic that Debezium " +
        "writes, or give a decoder for these messages",
    );
  throw new TidemarkError(
    "UNWRAPPED_WITHOUT_DELETED",
    `source "${decoder.source.name}": ${message.topic} (partition ${message.partition}, ` +
      `offset ${message.offset}) ` +
      `holds unwrapped rows without "__deleted", so a delete cannot be recognized; set ` +
      `${UNWRAP_TRANSFORM}.delete.tombstone.handling.mode=rewrite and ` +
      `${UNWRAP_TRANSFORM}.add.fields=op,lsn,source.ts_us in the connector, ` +
      "or remove the transform. If another connector writes these rows (JDBC sends no " +
      "deletes), give a decoder for them",
  );
}
