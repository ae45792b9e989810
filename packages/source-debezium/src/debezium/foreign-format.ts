/**
 * Recognizes messages that Debezium's decoder does not read: bytes of other converters and changes
 * of other products. Nothing here runs for a readable message.
 */
import { type JsonMembers, NUMBER, OBJECT } from "@tidemark/core/internal";
import type { KafkaMessage } from "../message/kafka-message.ts";
import type { SkippedMessage } from "../message/message-decoder.ts";
import { type ForeignFormat, JSON_CONVERTER, wireFormat } from "./wire-format.ts";

const OTHER_PRODUCT =
  "let Debezium write the topic, or give a decoder for these messages " +
  "(option decoder of kafkaChanges and recordedTopic; rowChange helps to write one)";

/** A format of JSON objects, by members that its messages have. */
interface JsonFormat extends ForeignFormat {
  /** Members that all messages of the format have. `a|b` is one of two. */
  readonly members: readonly string[];
}

// prettier-ignore
const JSON_FORMATS: readonly JsonFormat[] = [
  { reason: "FORMAT_CLOUDEVENTS", members: ["specversion", "type"],
    looksLike: "a CloudEvent whose data is not a change of Debezium in JSON",
    nextStep: "set value.converter.data.serializer.type=json and serializer.type=json of the " +
      "CloudEventsConverter, or set value.converter to org.apache.kafka.connect.json.JsonConverter" },
  { reason: "FORMAT_CANAL", members: ["data|old", "isDdl", "table", "type"],
    looksLike: "a change in Canal-JSON (Canal or TiCDC)", nextStep: OTHER_PRODUCT },
  { reason: "FORMAT_MAXWELL", members: ["database", "table", "type", "ts|data|sql|def"],
    looksLike: "a change of Maxwell", nextStep: OTHER_PRODUCT },
  { reason: "FORMAT_DMS", members: ["metadata", "data|control"],
    looksLike: "a change of AWS DMS", nextStep: OTHER_PRODUCT },
  { reason: "FORMAT_GOLDENGATE", members: ["op_type", "table", "current_ts|op_ts|pos"],
    looksLike: "a change of Oracle GoldenGate", nextStep: OTHER_PRODUCT },
  { reason: "FORMAT_WAL2JSON", members: ["change"],
    looksLike: "a transaction of wal2json (format 1)", nextStep: OTHER_PRODUCT },
  { reason: "FORMAT_WAL2JSON", members: ["action", "columns|identity|schema|table|xid|lsn|prefix"],
    looksLike: "a change of wal2json (format 2)", nextStep: OTHER_PRODUCT },
  { reason: "FORMAT_TICDC", members: ["u|d|p"],
    looksLike: "a change in TiCDC's open protocol", nextStep: OTHER_PRODUCT },
  { reason: "FORMAT_TICDC", members: ["commitTs", "database|schema", "table|tableID|type"],
    looksLike: "a change in TiCDC's simple protocol", nextStep: OTHER_PRODUCT },
  { reason: "FORMAT_COCKROACH", members: ["after", "updated|resolved"],
    looksLike: "a change feed of CockroachDB", nextStep: OTHER_PRODUCT },
  { reason: "FORMAT_COCKROACH", members: ["resolved"],
    looksLike: "a resolved timestamp of CockroachDB", nextStep: OTHER_PRODUCT },
  { reason: "FORMAT_STRIIM", members: ["metadata", "before|userdata"],
    looksLike: "a change of Striim", nextStep: OTHER_PRODUCT },
  { reason: "FORMAT_ESTUARY", members: ["_meta"],
    looksLike: "a document with _meta (Estuary Flow)", nextStep: OTHER_PRODUCT },
  { reason: "FORMAT_AIRBYTE", members: ["_airbyte_data|_airbyte_raw_id"],
    looksLike: "a record of Airbyte", nextStep: OTHER_PRODUCT },
  { reason: "FORMAT_FLINK", members: ["op", "before|after"],
    looksLike: "a change of debezium-json without its source block (Flink)",
    nextStep: "read the topic that Debezium itself writes: without source there is no table, no " +
      "commit time and no log order" },
];

const has = (members: JsonMembers, names: string): boolean =>
  names.split("|").some((name) => members.find(name) >= 0);

/** The members of a message that another product may have written, and its tests beyond members. */
function isReally({ reason, members: names }: JsonFormat, members: JsonMembers): boolean {
  switch (reason) {
    case "FORMAT_WAL2JSON":
      return names.length === 1
        ? members.raw(members.find("change")).startsWith("[")
        : /^"[IUDTMBC]"$/.test(members.raw(members.find("action")));
    case "FORMAT_TICDC":
      return names.length > 1 || (members.length <= 2 && oneObject(members, ["u", "d", "p"]));
    case "FORMAT_DMS":
      return members.kind(members.find("metadata")) === OBJECT && members.length <= 3;
    case "FORMAT_COCKROACH":
      return names.length > 1 || members.length === 1;
    case "FORMAT_ESTUARY":
      return members.kind(members.find("_meta")) === OBJECT;
    case "FORMAT_FLINK":
      return /^"[+-][IUDAB]{1,2}"$|^"[crud]"$/.test(members.raw(members.find("op")));
    default:
      return true;
  }
}

function oneObject(members: JsonMembers, names: readonly string[]): boolean {
  return names.some((name) => {
    const i = members.find(name);
    return i >= 0 && members.kind(i) === OBJECT;
  });
}

/** Names the product that wrote a JSON object. Gives null if no format is certain. */
export function jsonFormat(members: JsonMembers, message: KafkaMessage): ForeignFormat | null {
  const found = JSON_FORMATS.find(
    (format) => format.members.every((names) => has(members, names)) && isReally(format, members),
  );
  if (found !== undefined) return found;
  return headerFormat(message);
}

/** Names a format by the message's headers. */
function headerFormat({ headers }: KafkaMessage): ForeignFormat | null {
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  if (names.has("ce_specversion") || names.has("ce_type"))
    return {
      reason: "FORMAT_CLOUDEVENTS",
      looksLike: "a CloudEvent in binary mode (headers ce_…)",
      nextStep:
        "write structured CloudEvents whose data is Debezium's envelope, or set value.converter " +
        "to org.apache.kafka.connect.json.JsonConverter",
    };
  if (names.has("id") && (names.has("eventtype") || names.has("type") || names.size <= 2))
    return {
      reason: "FORMAT_OUTBOX",
      looksLike: "an event of the outbox pattern (header id)",
      nextStep:
        "read the table's own topic: the EventRouter transform sends events of the application, " +
        "and no rows",
    };
  return null;
}

/** Names the format of a value that is not JSON. */
export function textFormat(message: KafkaMessage): ForeignFormat {
  const bytes = message.value ?? new Uint8Array();
  if (bytes.length === 0)
    return {
      reason: "VALUE_EMPTY",
      looksLike: "a value of zero bytes, which is neither a change nor a tombstone (null)",
      nextStep: "let the producer send null for a tombstone",
    };
  const binary = wireFormat(bytes);
  if (binary !== null) return binary;
  const text = (message.valueText ?? "").trimStart();
  const headers = headerFormat(message);
  if (headers !== null) return headers;
  if (text.startsWith("<"))
    return { reason: "FORMAT_XML", looksLike: "XML", nextStep: OTHER_PRODUCT };
  if (text.startsWith("Struct{"))
    return {
      reason: "FORMAT_STRUCT_TEXT",
      looksLike: "the text of a Java object (Struct{…}), which the StringConverter writes",
      nextStep: JSON_CONVERTER,
    };
  if (text.startsWith("{") || text.startsWith("["))
    return {
      reason: "VALUE_NOT_JSON",
      looksLike:
        `text of ${bytes.length} bytes that begins as JSON and is none: it is cut off, ` +
        "holds more than one value, or breaks a rule of JSON",
      nextStep: "see which producer writes it, and whether max.message.bytes cut it off",
    };
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0008\u000e-\u001f\ufffd]/.test(text))
    return {
      reason: "FORMAT_BINARY",
      looksLike: `${bytes.length} bytes of an unknown binary format`,
      nextStep: JSON_CONVERTER,
    };
  if (/^[^\n{}[\]]*[,;\t|][^\n{}[\]]*(\n|$)/.test(text.slice(0, 10_000)))
    return { reason: "FORMAT_CSV", looksLike: "a line of CSV", nextStep: OTHER_PRODUCT };
  return { reason: "VALUE_NOT_JSON", looksLike: "text that is not JSON", nextStep: JSON_CONVERTER };
}

const JSON_ARRAY: ForeignFormat = {
  reason: "VALUE_NOT_AN_OBJECT",
  looksLike: "a JSON array",
  nextStep:
    "let the producer write each change as a message of its own: a message gives at most one",
};

/** Names a JSON value that is no object. */
export function scalarFormat(message: KafkaMessage): ForeignFormat {
  const array = (message.valueText ?? "").trimStart().startsWith("[");
  return (
    headerFormat(message) ??
    (array ? JSON_ARRAY : null) ?? {
      reason: "VALUE_NOT_AN_OBJECT",
      looksLike: "JSON, and the payload is not an object",
      nextStep:
        "read the topic that Debezium writes: a transform such as ExtractField leaves a single " +
        "value of the row",
    }
  );
}

/** Recognizes Debezium's messages that are no changes of rows. */
export function otherMessage(members: JsonMembers, topic: string): SkippedMessage | null {
  if (
    topic.startsWith("__debezium-heartbeat") ||
    (members.length === 1 && members.find("ts_ms") === 0 && members.kind(0) === NUMBER)
  )
    return { skipped: "HEARTBEAT", message: "a heartbeat of the connector; it holds no row" };
  if (
    members.find("status") >= 0 &&
    members.find("id") >= 0 &&
    (members.find("event_count") >= 0 || members.find("data_collections") >= 0)
  )
    return {
      skipped: "TRANSACTION_METADATA",
      message: "the beginning or the end of a transaction; it holds no row",
    };
  if (members.find("ddl") >= 0 || members.find("tableChanges") >= 0)
    return {
      skipped: "SCHEMA_CHANGE",
      message: "a change of the database's schema; it holds no row",
    };
  return null;
}
