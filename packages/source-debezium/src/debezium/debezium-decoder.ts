/** Decodes Debezium's messages into changes of declared sources. */
import { TidemarkError } from "@tidemark/core";
import type { Change, SourceSpec, Value } from "@tidemark/core/spi";
import type { TimeUnit } from "./column-reader.ts";
import { findMeta } from "./unwrapped.ts";
import { JsonMembers, OBJECT, TRUE } from "./json-text.ts";
import type { KafkaMessage } from "../message/kafka-message.ts";
import type { MessageDecoder, OnWarning, RunningDecoder } from "../message/message-decoder.ts";
import { NO_ORIGIN, type ChangeOrigin, originOf } from "./origin.ts";
import { payloadReader } from "./payload.ts";
import { type DecodedRow, type RowDecoder, rowDecoder } from "./row-decoder.ts";
import { decoderOfTopic, holdsTable } from "./topic-table.ts";

/** The options of Debezium's decoder. */
export interface DebeziumOptions {
  /**
   * The table of a topic, as the source names it. Declare topics whose names do not end in
   * `.schema.table`, and topics that hold the partitions of a table.
   */
  readonly tables?: Readonly<Record<string, string>> | undefined;
  /**
   * The unit of a timestamp column by `"schema.table.column"`, for messages without a schema. The
   * default is µs. Debezium sends ms for TIMESTAMP(0) to TIMESTAMP(3). A number's size does not
   * show its unit.
   */
  readonly times?: Readonly<Record<string, TimeUnit>> | undefined;
  /** The connector's `unavailable.value.placeholder`. */
  readonly toastMarker?: string | undefined;
}

const NONE: readonly never[] = [];
const UNWRAP_TRANSFORM = "transforms.unwrap";

/**
 * Decodes Debezium's messages of PostgreSQL, MySQL and MariaDB: enveloped, bare or unwrapped. A
 * heartbeat or a row of another table is of no declared source.
 *
 * These errors end a run, because further values of the source could be wrong:
 *
 * @throws DECIMAL_WITHOUT_SCALE when nothing says the scale of a decimal in base64.
 * @throws DECIMAL_ENCODING_UNCLEAR when a decimal may be digits or base64.
 * @throws UNWRAPPED_WITHOUT_DELETED when unwrapped messages do not mark deletes.
 * @throws BINLOG_PLACE_UNKNOWN when a place in MySQL's log has no order.
 * @example
 * kafkaChanges({ brokers, topics, decoder: debeziumDecoder({ times: { "public.t.at": "ms" } }) });
 */
export function debeziumDecoder(options: DebeziumOptions = {}): MessageDecoder {
  const { tables = {} } = options;
  return {
    name: "Debezium",
    holds: (topic, sources) =>
      sources.some(({ table }) =>
        tables[topic] === undefined ? holdsTable(topic, table) : tables[topic] === table,
      ),
    start: ({ sources, onWarning }) => runningDecoder(sources, options, onWarning),
  };
}

function runningDecoder(
  sources: readonly SourceSpec[],
  options: DebeziumOptions,
  onWarning: OnWarning,
): RunningDecoder {
  const times = options.times ?? {};
  const toastMarker = options.toastMarker ?? "__debezium_unavailable_value";
  const decoders = new Map<string, RowDecoder>();
  for (const source of sources) {
    if (decoders.has(source.table)) {
      const other = decoders.get(source.table)!.source.name;
      throw new TidemarkError(
        "SOURCE_TABLE_TWICE",
        `sources "${other}" and "${source.name}" both read table ${source.table}; declare its ` +
          "columns in one source",
      );
    }
    decoders.set(source.table, rowDecoder(source, { times, toastMarker }));
  }
  const block = new JsonMembers();
  const before = new JsonMembers();
  const after = new JsonMembers();
  const payload = payloadReader(new JsonMembers({ source: block, before, after }));
  const kafkaKey = payloadReader();
  const ofTopics = new Map<string, RowDecoder | null>();
  const warned = new Set<string>();

  const warn = (code: string, source: SourceSpec, message: string): void => {
    if (warned.has(`${code} ${source.name}`)) return;
    warned.add(`${code} ${source.name}`);
    onWarning({ code, message: `source "${source.name}": ${message}` });
  };
  const ofTopic = (topic: string): RowDecoder | null => {
    let decoder = ofTopics.get(topic);
    if (decoder === undefined) {
      const table = options.tables?.[topic];
      decoder =
        table === undefined ? decoderOfTopic(topic, decoders) : (decoders.get(table) ?? null);
      ofTopics.set(topic, decoder);
    }
    return decoder;
  };

  const keyOf = (
    decoder: RowDecoder,
    text: string | null | undefined,
    topic: string,
  ): readonly Value[] | null =>
    typeof text === "string" && kafkaKey.read(text, topic) === "object"
      ? decoder.key(kafkaKey.members, kafkaKey.schema())
      : null;

  const change = (
    { source }: RowDecoder,
    message: KafkaMessage,
    kind: Change["kind"],
    op: string | null,
    origin: ChangeOrigin,
    values: readonly Value[] | null,
    oldKey: readonly Value[] | null,
    row: DecodedRow | null,
    undecodable: Change["undecodable"],
  ): Change => ({
    source: source.name,
    topic: message.topic,
    partition: message.partition,
    offset: message.offset,
    kind,
    values,
    oldKey,
    unavailable: row === null ? NONE : row.unavailable,
    invalidColumns: row === null ? NONE : row.invalidColumns,
    undecodable,
    nonFinite: row === null ? 0 : row.nonFinite,
    order: origin.order,
    committed: origin.committed,
    snapshot: origin.snapshot || op === "r",
    ...(origin.snapshotMarker === undefined ? {} : { snapshotMarker: origin.snapshotMarker }),
    op,
    timestamp: message.timestamp,
    transaction: origin.transaction,
    extra: row === null ? null : row.extra,
  });
  const tombstone = (decoder: RowDecoder | null, message: KafkaMessage): Change | null =>
    decoder === null
      ? null
      : change(decoder, message, "none", null, NO_ORIGIN, null, null, null, null);

  /**
   * Makes the change of an undecodable message. With a readable key the row leaves all windows (law
   * 9: a change whose key is readable takes its row out of all windows). Without one, the message
   * is only quarantined.
   */
  const undecodable = (
    decoder: RowDecoder | null,
    message: KafkaMessage,
    op: string | null,
    origin: ChangeOrigin,
    reason: string,
    what: string,
  ): Change | null => {
    if (decoder === null) return null;
    const where =
      `${message.topic}, partition ${message.partition}, offset ${message.offset}: ` + what;
    const key = keyOf(decoder, message.keyText, message.topic);
    const from = withCommit(decoder, message, origin, false);
    if (key === null)
      return change(decoder, message, "none", op, from, null, null, null, {
        reason: "KEY_UNREADABLE",
        message: `${where}, and no primary key can be read`,
      });
    return change(decoder, message, "upsert", op, from, decoder.keyRow(key), null, null, {
      reason,
      message: where,
    });
  };
  /**
   * Takes the broker's time for a missing commit time. The broker's time is never earlier (law 6: a
   * version is seen only after its commit).
   */
  const withCommit = (
    decoder: RowDecoder,
    { timestamp }: KafkaMessage,
    origin: ChangeOrigin,
    warns: boolean,
  ): ChangeOrigin => {
    if (origin.committed !== null || timestamp === null) return origin;
    if (warns) {
      warn(
        "COMMIT_TIME_FROM_BROKER",
        decoder.source,
        "messages carry no commit time, so the broker's time is used instead; add " +
          `source.ts_us to ${UNWRAP_TRANSFORM}.add.fields`,
      );
    }
    return { ...origin, committed: timestamp * 1000 + 999 };
  };

  let current: KafkaMessage;
  const where = (): string =>
    `${current.topic}, partition ${current.partition}, offset ${current.offset}`;
  const withoutScale = (decoder: RowDecoder, column: string): never => {
    const { topic, partition, offset } = current;
    throw new TidemarkError(
      "DECIMAL_WITHOUT_SCALE",
      `source "${decoder.source.name}": column "${column}" of ${topic} (partition ` +
        `${partition}, offset ${offset}) ` +
        "is a decimal as base64, and neither a schema nor the definition gives its scale; set " +
        "the connector's decimal.handling.mode=string, " +
        "send schemas (value.converter.schemas.enable=true), or declare the column as " +
        "decimal(p, s)",
    );
  };

  const upsert = (
    decoder: RowDecoder,
    message: KafkaMessage,
    op: string | null,
    origin: ChangeOrigin,
    members: JsonMembers,
    unwrapped: boolean,
  ): Change | null => {
    const row = decoder.row(members, payload.schema(), unwrapped, withoutScale);
    if (!decoder.hasKey(row.values))
      return undecodable(
        decoder,
        message,
        op,
        origin,
        "ROW_WITHOUT_KEY",
        "the row's primary key is missing or unreadable",
      );
    const oldKey = keyOf(decoder, message.headers["__debezium.oldkey"], `${message.topic} old key`);
    return change(decoder, message, "upsert", op, origin, row.values, oldKey, row, null);
  };
  /**
   * Makes the change of a delete. Only the primary key of the row before is reliable. The other
   * columns are null or empty unless the table has REPLICA IDENTITY FULL.
   */
  const deletion = (
    decoder: RowDecoder,
    message: KafkaMessage,
    op: string | null,
    origin: ChangeOrigin,
    members: JsonMembers | null,
  ): Change | null => {
    const key =
      (members === null ? null : decoder.key(members, payload.schema())) ??
      keyOf(decoder, message.keyText, message.topic);
    if (key === null)
      return undecodable(decoder, message, op, origin, "KEY_UNREADABLE", "a delete");
    return change(decoder, message, "delete", op, origin, decoder.keyRow(key), null, null, null);
  };

  const envelope = (message: KafkaMessage): Change | null => {
    const { members } = payload;
    const s = members.find("source");
    let decoder = ofTopic(message.topic);
    let origin = NO_ORIGIN;
    if (s >= 0 && members.kind(s) === OBJECT) {
      const table = tableOf(block);
      if (table !== null && options.tables?.[message.topic] === undefined)
        decoder = decoders.get(table) ?? null;
      if (decoder === null) return null;
      origin = originOf(block, (field) => block.find(field), where);
    }
    if (decoder === null) return null;
    origin = withCommit(decoder, message, origin, true);
    const o = members.find("op");
    const op = o >= 0 && members.isString(o) ? members.string(o) : null;
    const a = members.find(op === "d" ? "before" : "after");
    const there = a >= 0 && members.kind(a) === OBJECT;
    switch (op) {
      case "c":
      case "u":
      case "r":
        return there
          ? upsert(decoder, message, op, origin, after, false)
          : undecodable(
              decoder,
              message,
              op,
              origin,
              "ROW_MISSING",
              `op "${op}" without an "after"`,
            );
      case "d":
        return deletion(decoder, message, op, origin, there ? before : null);
      case "t":
        return change(decoder, message, "truncate", op, origin, null, null, null, null);
      case "m":
        return change(decoder, message, "none", op, origin, null, null, null, null);
      default:
        return undecodable(
          decoder,
          message,
          op,
          origin,
          "OP_UNKNOWN",
          op === null ? 'no "op"' : `op ${JSON.stringify(op)}`,
        );
    }
  };

  const unwrappedRow = (message: KafkaMessage): Change | null => {
    const { members } = payload;
    const find = (field: string): number => findMeta(members, field);
    const schema = find("schema") >= 0 ? find("schema") : find("db");
    const table = find("table");
    const named =
      schema >= 0 && table >= 0 && members.isString(schema) && members.isString(table)
        ? `${members.string(schema)}.${members.string(table)}`
        : null;
    const decoder =
      named !== null && options.tables?.[message.topic] === undefined
        ? (decoders.get(named) ?? null)
        : ofTopic(message.topic);
    if (decoder === null) return null;
    const d = members.find("__deleted");
    if (d < 0) {
      if (find("op") < 0 && decoder.key(members, payload.schema()) === null) {
        return undecodable(
          decoder,
          message,
          null,
          NO_ORIGIN,
          "NOT_A_CHANGE",
          "neither a Debezium envelope nor a row of the table",
        );
      }
      throw new TidemarkError(
        "UNWRAPPED_WITHOUT_DELETED",
        `source "${decoder.source.name}": ${message.topic} (partition ${message.partition}, ` +
          `offset ${message.offset}) ` +
          `holds unwrapped rows without "__deleted", so a delete cannot be recognized; set ` +
          `${UNWRAP_TRANSFORM}.delete.tombstone.handling.mode=rewrite and ` +
          `${UNWRAP_TRANSFORM}.add.fields=op,lsn,source.ts_us in the connector, ` +
          "or remove the transform",
      );
    }
    warn(
      "UNWRAPPED_LOSES_TRUNCATES",
      decoder.source,
      `${message.topic} holds unwrapped rows, and the unwrap transform drops truncates: ` +
        "after a TRUNCATE the rows stay. Remove the transform if the table is ever truncated",
    );
    const o = find("op");
    const op = o >= 0 && members.isString(o) ? members.string(o) : null;
    const origin = withCommit(decoder, message, originOf(members, find, where), true);
    const deleted = members.isString(d) ? members.string(d) === "true" : members.kind(d) === TRUE;
    return deleted
      ? deletion(decoder, message, op, origin, members)
      : upsert(decoder, message, op, origin, members, true);
  };

  return {
    decode(message) {
      current = message;
      const { topic } = message;
      const value = message.valueText;
      if (value === null) return tombstone(ofTopic(topic), message);
      switch (payload.read(value, topic)) {
        case "null":
          return tombstone(ofTopic(topic), message);
        case "not json":
          return undecodable(
            ofTopic(topic),
            message,
            null,
            NO_ORIGIN,
            "VALUE_NOT_JSON",
            "the value is not JSON",
          );
        case "other":
          return undecodable(
            ofTopic(topic),
            message,
            null,
            NO_ORIGIN,
            "VALUE_NOT_AN_OBJECT",
            "the payload is not an object",
          );
        case "object":
          return isEnvelope(payload.members) ? envelope(message) : unwrappedRow(message);
      }
    },
  };
}

function isEnvelope(members: JsonMembers): boolean {
  const source = members.find("source");
  if (source >= 0 && members.kind(source) === OBJECT) return true;
  return (
    members.find("__deleted") < 0 &&
    members.find("op") >= 0 &&
    (members.find("after") >= 0 || members.find("before") >= 0)
  );
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
