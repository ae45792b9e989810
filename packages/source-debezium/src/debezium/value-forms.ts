/**
 * Decodes the text of a value in each form that converters and tools write: JSON, a CloudEvent,
 * Avro's JSON encoding, JSON in a JSON string, or JSON after a prefix.
 */
import {
  isAvroJson,
  mayBeAvroJson,
  unclearColumn,
  withoutUnions,
  OBJECT,
  jsonInString,
} from "@tidemark/core/internal";
import type { Change } from "@tidemark/core/spi";
import { type KafkaMessage, kafkaMessage } from "../message/kafka-message.ts";
import type { SkippedMessage } from "../message/message-decoder.ts";
import { cloudEventEnvelope } from "./cloud-event.ts";
import type { DecoderRun } from "./decoder-run.ts";
import { isEnvelope } from "./envelope.ts";
import { envelopedMessage } from "./enveloped-message.ts";
import { scalarFormat, textFormat } from "./foreign-format.ts";
import { tombstone } from "./tombstone.ts";
import { foreign } from "./undecodable-message.ts";
import { unwrappedMessage } from "./unwrapped-message.ts";
import { withoutRegistryPrefix } from "./wire-format.ts";

/** How many serializations of one value are taken off. */
const MAX_FORMS = 3;

/** What a message gives; null: it is of no declared source. */
type Decoded = Change | SkippedMessage | null;

/**
 * Decodes the text of the current message's value. `depth` counts the forms that were taken off.
 */
export function decodeText(run: DecoderRun, text: string, depth: number): Decoded {
  const { current, tables } = run;
  const { message, payload } = current;
  const { topic } = message;
  switch (payload.read(text, topic)) {
    case "null":
      return tombstone(run);
    case "object":
      return decodeObject(run, text, depth);
    case "not json": {
      const inner = depth === 0 ? withoutPrefix(message, text) : null;
      if (inner === null) return foreign(run, tables.ofTopic(topic), textFormat(message));
      current.message = inner;
      return decodeText(run, inner.valueText!, 1);
    }
    case "other": {
      const inner = depth < MAX_FORMS ? jsonInString(payload.other().text) : null;
      return inner === null
        ? foreign(run, tables.ofTopic(topic), scalarFormat(message))
        : decodeText(run, inner, depth + 1);
    }
  }
}

function decodeObject(run: DecoderRun, text: string, depth: number): Decoded {
  const { current } = run;
  const { members } = current.payload;
  if (depth === 0 && mayBeAvroJson(members, current) && isAvroJson(members))
    return decodeAvroJson(run, text);
  if (isEnvelope(members, current.block)) return envelopedMessage(run);
  const inEvent = depth === 0 ? cloudEventEnvelope(members) : null;
  return inEvent === null ? unwrappedMessage(run) : decodeText(run, inEvent, 1);
}

/** Reads a record of kafka-avro-console-consumer as the JSON that Connect would have written. */
function decodeAvroJson(run: DecoderRun, text: string): Decoded {
  const { current, tables } = run;
  const { members } = current.payload;
  const table = tables.ofTopic(current.message.topic);
  const a = members.find("after");
  const row = a >= 0 ? (members.kind(a) === OBJECT ? current.after : null) : members;
  const unclear = table === null || row === null ? null : unclearColumn(row, table.source.columns);
  if (unclear === null) return decodeText(run, withoutUnions(text), 1);
  return foreign(run, table, {
    reason: "FORMAT_AVRO_JSON",
    looksLike:
      `Avro's JSON encoding, where column "${unclear}" may be bytes or text: only the schema ` +
      "would tell",
    nextStep: "record the topic with tidemark record, or with the JsonConverter",
  });
}

/** Takes off a byte order mark, or the prefix of a schema registry before JSON. */
function withoutPrefix(message: KafkaMessage, text: string): KafkaMessage | null {
  const value =
    text.charCodeAt(0) === 0xfeff
      ? text.slice(1)
      : withoutRegistryPrefix(text, () => message.value);
  if (value === null) return null;
  const { topic, partition, offset, timestamp, key, headers } = message;
  return kafkaMessage({ topic, partition, offset, timestamp, key, value, headers });
}
