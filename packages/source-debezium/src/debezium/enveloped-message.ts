/** Decodes a message that holds Debezium's envelope: `before`, `after`, `source` and `op`. */
import { type JsonMembers, OBJECT, type RowDecoder } from "@tidemark/core/internal";
import type { Change } from "@tidemark/core/spi";
import type { SkippedMessage } from "../message/message-decoder.ts";
import { withCommitTime } from "./broker-commit-time.ts";
import type { DecoderRun } from "./decoder-run.ts";
import { otherMessage } from "./foreign-format.ts";
import { changeOf } from "./message-change.ts";
import { type ChangeOrigin, NO_ORIGIN, originOf } from "./origin.ts";
import { deletion, upsert } from "./upserts-and-deletes.ts";
import { foreign, undecodable } from "./undecodable-message.ts";
import type { ForeignFormat } from "./wire-format.ts";

const MONGODB: ForeignFormat = {
  reason: "FORMAT_MONGODB",
  looksLike: "a change of Debezium's connector for MongoDB, whose documents are text",
  nextStep: "give a decoder for these messages; rowChange helps to write one",
};
const LOGICAL_MESSAGE: SkippedMessage = {
  skipped: "LOGICAL_MESSAGE",
  message: "a logical decoding message (pg_logical_emit_message); it holds no row",
};

/** Decodes the current message. */
export function envelopedMessage(run: DecoderRun): Change | SkippedMessage {
  const { current, tables, origins } = run;
  const { block, message } = current;
  const { members } = current.payload;
  const { topic } = message;
  const s = members.find("source");
  const o = members.find("op");
  const op = o >= 0 && members.isString(o) ? members.string(o) : null;
  if (s < 0 || members.kind(s) !== OBJECT) {
    const decoder = tables.ofTopic(topic);
    return decoder === null
      ? tables.notDeclared(topic, null)
      : changeOfOp(run, decoder, op, NO_ORIGIN);
  }
  const table = tableOf(block);
  const decoder = tables.ofMessage(topic, table);
  if (op === null) {
    const other = otherMessage(members, topic);
    if (other !== null) return other;
  }
  if (table === null && block.find("collection") >= 0) return foreign(run, decoder, MONGODB);
  if (decoder === null) return op === "m" ? LOGICAL_MESSAGE : tables.notDeclared(topic, table);
  const find = (field: string): number => block.find(field);
  const origin = originOf(block, find, current.where, message.timestamp);
  current.sourceOrigin = origins.read(block, find, topic, decoder.source);
  return changeOfOp(run, decoder, op, origin);
}

/** Makes the change of a message of a declared table. */
function changeOfOp(
  run: DecoderRun,
  decoder: RowDecoder,
  op: string | null,
  from: ChangeOrigin,
): Change {
  const { current } = run;
  const { members } = current.payload;
  const origin = withCommitTime(run, decoder, from);
  const a = members.find(op === "d" ? "before" : "after");
  const there = a >= 0 && members.kind(a) === OBJECT;
  switch (op) {
    case "c":
    case "u":
    case "r":
      return there
        ? upsert(run, decoder, op, origin, current.after, false)
        : undecodable(
            run,
            decoder,
            op,
            origin,
            "ROW_MISSING",
            `op "${op}" without an "after" that is an object; remove the transform that takes ` +
              "the row away or serializes it",
          );
    case "d":
      return deletion(run, decoder, op, origin, there ? current.before : null);
    case "t":
      return changeOf(current, decoder, "truncate", op, origin);
    case "m":
      return changeOf(current, decoder, "none", op, origin);
    default:
      return undecodable(
        run,
        decoder,
        op,
        origin,
        "OP_UNKNOWN",
        op === null ? 'an envelope without "op"' : `an envelope with op ${JSON.stringify(op)}`,
      );
  }
}

/**
 * Gives `schema.table` of the source block, or `db.table` if the database has no schemas. Gives
 * null if the block names no table.
 */
function tableOf(block: JsonMembers): string | null {
  const schema = block.find("schema") >= 0 ? block.find("schema") : block.find("db");
  const table = block.find("table");
  if (schema < 0 || table < 0 || !block.isString(schema) || !block.isString(table)) return null;
  const name = block.string(table);
  return name === "" ? null : `${block.string(schema)}.${name}`;
}
