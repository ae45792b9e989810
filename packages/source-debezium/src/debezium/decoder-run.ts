/** What the decoder of one run keeps from message to message. */
import type { RowDecoder } from "@tidemark/core/internal";
import type { SourceSpec } from "@tidemark/core/spi";
import type { OnWarning } from "../message/message-decoder.ts";
import { CurrentMessage } from "./current-message.ts";
import type { DebeziumOptions } from "./debezium-options.ts";
import { type DeclaredTables, declaredTables } from "./declared-tables.ts";
import { loggedRows } from "./logged-row.ts";
import { type MessageKeys, messageKeys } from "./message-key.ts";
import { type MixedTopics, mixedTopics } from "./mixed-topics.ts";
import { missingScale } from "./missing-scale.ts";
import { type TextsOfPartitions, textsOfPartitions } from "./partition-texts.ts";
import { sourceDecoders } from "./source-decoders.ts";
import { type SourceOriginReader, sourceOriginReader } from "./source-origin.ts";
import { sourceWarnings, type WarnOfSource } from "./source-warnings.ts";
import type { TableOfTopic } from "./table-mapping.ts";

/** The state of one run. Each function that makes a change reads the current message from it. */
export interface DecoderRun {
  readonly current: CurrentMessage;
  readonly texts: TextsOfPartitions;
  readonly tables: DeclaredTables;
  readonly keys: MessageKeys;
  readonly origins: SourceOriginReader;
  readonly warn: WarnOfSource;
  /** Throws, because nothing says the scale of a decimal in the current message. */
  readonly withoutScale: (decoder: RowDecoder, column: string) => never;
  /** The offsets of the last messages that gave no change, by partition. */
  readonly skippedAt: Map<string, number>;
  readonly mixed: MixedTopics;
}

/**
 * Begins a run for these sources.
 *
 * @throws SOURCE_TABLE_TWICE when two sources read one table.
 */
export function decoderRun(
  sources: readonly SourceSpec[],
  options: DebeziumOptions,
  tableOfTopic: TableOfTopic,
  onWarning: OnWarning,
): DecoderRun {
  const current = new CurrentMessage();
  const warn = sourceWarnings(onWarning);
  const texts = textsOfPartitions(sources, current);
  const decoders = sourceDecoders(sources, options, current, texts, warn);
  const keys = messageKeys();
  current.logged = loggedRows(current, keys);
  return {
    current,
    texts,
    tables: declaredTables(decoders, tableOfTopic),
    keys,
    origins: sourceOriginReader({ servers: options.servers ?? {}, tableOfTopic }),
    warn,
    withoutScale: missingScale(current),
    skippedAt: new Map(),
    mixed: mixedTopics(),
  };
}
