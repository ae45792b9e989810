/** Makes the changes of messages that cannot be read, and names formats of other writers. */
import type { RowDecoder } from "@tidemark/core/internal";
import type { Change } from "@tidemark/core/spi";
import type { SkippedMessage } from "../message/message-decoder.ts";
import { withBrokerTime } from "./broker-commit-time.ts";
import type { DecoderRun } from "./decoder-run.ts";
import { changeOf } from "./message-change.ts";
import { type ChangeOrigin, NO_ORIGIN } from "./origin.ts";
import type { ForeignFormat } from "./wire-format.ts";

/** The reasons that are told although the key cannot be read either. */
const SAID_ANYWAY = /^(?:FORMAT_|ROW_WITHOUT_KEY$)/;

/**
 * Makes the change of an undecodable message. With a readable key the row leaves all windows (law
 * 9: a change whose key is readable takes its row out of all windows). Without one, the message is
 * only quarantined.
 */
export function undecodable(
  run: DecoderRun,
  decoder: RowDecoder,
  op: string | null,
  origin: ChangeOrigin,
  reason: string,
  what: string,
): Change {
  const { current, keys, origins } = run;
  const { message } = current;
  const { source } = decoder;
  const place = `${current.where()}: ${what}`;
  if (source.keyFrom !== undefined) current.sourceOrigin ??= origins.ofTopic(message.topic, source);
  const key = keys.ofMessage(decoder, message);
  const from = withBrokerTime(run, origin);
  if (key === null)
    return changeOf(current, decoder, "none", op, from, null, null, null, {
      reason: SAID_ANYWAY.test(reason) ? reason : "KEY_UNREADABLE",
      message: `${place}. No primary key can be read either, so no row changes`,
    });
  return changeOf(current, decoder, "upsert", op, from, decoder.keyRow(key), null, null, {
    reason,
    message: place,
  });
}

/**
 * Tells a message in a format that this decoder does not read. Without a decoder the message is of
 * no declared table, and is skipped.
 */
export function foreign(
  run: DecoderRun,
  decoder: RowDecoder | null,
  { reason, looksLike, nextStep }: ForeignFormat,
): Change | SkippedMessage {
  const what = `it looks like ${looksLike}; ${nextStep}`;
  return decoder === null
    ? { skipped: reason, message: what }
    : undecodable(run, decoder, null, NO_ORIGIN, reason, what);
}
