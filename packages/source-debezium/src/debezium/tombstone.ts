/** Makes the change of a tombstone: a message with a key and no value. */
import type { Change, SourceSpec } from "@tidemark/core/spi";
import { type KafkaMessage, partitionName } from "../message/kafka-message.ts";
import type { SkippedMessage } from "../message/message-decoder.ts";
import type { DecoderRun } from "./decoder-run.ts";
import { changeOf } from "./message-change.ts";
import { keyFormat } from "./message-key.ts";
import { NO_ORIGIN } from "./origin.ts";

/** Makes the change. A topic whose name is that of no declared table gives none. */
export function tombstone({
  current,
  tables,
  keys,
  origins,
  skippedAt,
  mixed,
}: DecoderRun): Change | SkippedMessage | null {
  const { message } = current;
  const decoder = tables.ofTopic(message.topic);
  if (decoder === null) return mixed.tombstone(message);
  const { source } = decoder;
  if (source.keyFrom !== undefined) current.sourceOrigin = origins.ofTopic(message.topic, source);
  const key = keys.ofMessage(decoder, message);
  current.sourceOrigin = null;
  return {
    ...changeOf(current, decoder, "none", null, NO_ORIGIN),
    tombstone: {
      values: key === null ? null : decoder.keyRow(key),
      ...(key === null ? { keyFault: keyFault(source, message) } : {}),
      skippedAt: skippedAt.get(partitionName(message)) ?? null,
    },
  };
}

/** Says why the key of a tombstone cannot be read, and the next step. */
function keyFault({ keyFrom }: SourceSpec, message: KafkaMessage): string {
  const format = keyFormat(message);
  if (format !== null)
    return (
      `the key looks like ${format.looksLike}; set key.converter of the connector to ` +
      "org.apache.kafka.connect.json.JsonConverter"
    );
  return keyFrom === undefined
    ? "let the key be that of Debezium"
    : "the key lacks the parts that keyFrom names, which a tombstone does not say if its topic " +
        "holds several origins; let each origin have its own topic, or delete the row in the " +
        "database once more";
}
