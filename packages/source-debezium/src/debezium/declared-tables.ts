/** Finds the declared table that a message is of. */
import type { RowDecoder } from "@tidemark/core/internal";
import type { SkippedMessage } from "../message/message-decoder.ts";
import type { TableOfTopic } from "./table-mapping.ts";
import { decoderOfTopic, tableNotDeclared } from "./topic-table.ts";

const MAX_SKIPPED_TABLES = 1_000;

/** The tables that the sources of one run declare. */
export interface DeclaredTables {
  /** Gives the decoder of the table that the topic holds, or null. */
  ofTopic(topic: string): RowDecoder | null;
  /**
   * Gives the decoder of the table that the message names, or null. An option for the topic comes
   * before the name. If the message names no table, `named` is null and the topic decides.
   */
  ofMessage(topic: string, named: string | null): RowDecoder | null;
  /** Gives the skipped message of a table that no source declares. */
  notDeclared(topic: string, named: string | null): SkippedMessage;
}

/** Makes the lookup. `decoders` holds the decoder of each declared table. */
export function declaredTables(
  decoders: ReadonlyMap<string, RowDecoder>,
  tableOfTopic: TableOfTopic,
): DeclaredTables {
  const ofTopics = new Map<string, RowDecoder | null>();
  const skippedTables = new Map<string, SkippedMessage>();

  const tables: DeclaredTables = {
    ofTopic(topic) {
      let decoder = ofTopics.get(topic);
      if (decoder === undefined) {
        const table = tableOfTopic(topic);
        decoder =
          table === undefined ? decoderOfTopic(topic, decoders) : (decoders.get(table) ?? null);
        ofTopics.set(topic, decoder);
      }
      return decoder;
    },

    ofMessage: (topic, named) =>
      named !== null && tableOfTopic(topic) === undefined
        ? (decoders.get(named) ?? null)
        : tables.ofTopic(topic),

    notDeclared(topic, named) {
      const key = `${topic}\0${named ?? ""}`;
      let skipped = skippedTables.get(key);
      if (skipped === undefined) {
        if (skippedTables.size >= MAX_SKIPPED_TABLES) skippedTables.clear();
        skipped = tableNotDeclared(topic, named, [...decoders.keys()]);
        skippedTables.set(key, skipped);
      }
      return skipped;
    },
  };
  return tables;
}
