/** Decodes Debezium's messages into changes of declared sources. */
import { tablesOf } from "@tidemark/core/internal";
import { partitionName } from "../message/kafka-message.ts";
import type { MessageDecoder, RunningDecoder } from "../message/message-decoder.ts";
import type { DebeziumOptions } from "./debezium-options.ts";
import { type DecoderRun, decoderRun } from "./decoder-run.ts";
import { tableMapping } from "./table-mapping.ts";
import { tombstone } from "./tombstone.ts";
import { holdsTable } from "./topic-table.ts";
import { decodeText } from "./value-forms.ts";

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
  const tableOfTopic = tableMapping(options.tables);
  return {
    name: "Debezium",
    holds: (topic, sources) =>
      sources
        .flatMap(tablesOf)
        .some((table) =>
          tableOfTopic(topic) === undefined
            ? holdsTable(topic, table)
            : tableOfTopic(topic) === table,
        ),
    start: ({ sources, onWarning }) =>
      runningDecoder(decoderRun(sources, options, tableOfTopic, onWarning)),
  };
}

function runningDecoder(run: DecoderRun): RunningDecoder {
  const { current, skippedAt, tables, mixed, texts } = run;
  return {
    state: texts.stored,
    resume: (partition, state) => {
      texts.resume(partition, state as ReturnType<typeof texts.stored>);
    },
    decode(message) {
      current.begin(message);
      const value = message.valueText;
      const decoded = value === null ? tombstone(run) : decodeText(run, value, 0);
      if (decoded === null || "skipped" in decoded)
        skippedAt.set(partitionName(message), message.offset);
      if (tables.ofTopic(message.topic) === null) mixed.note(message, decoded);
      return decoded;
    },
  };
}
