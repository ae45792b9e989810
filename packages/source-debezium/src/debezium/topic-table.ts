/** Finds the declared table that a topic holds, by the topic's name. */
import type { RowDecoder } from "./row-decoder.ts";

/**
 * Says whether the topic's name is `prefix.schema.table`. Debezium writes `_` for a character that
 * a topic's name may not hold.
 */
export function holdsTable(topic: string, table: string): boolean {
  const name = table.replace(/[^A-Za-z0-9._-]/g, "_");
  return topic === name || topic.endsWith(`.${name}`);
}

/** Gives the decoder of the table that the topic holds, or null. */
export function decoderOfTopic(
  topic: string,
  decoders: ReadonlyMap<string, RowDecoder>,
): RowDecoder | null {
  for (const [table, decoder] of decoders) if (holdsTable(topic, table)) return decoder;
  return null;
}
