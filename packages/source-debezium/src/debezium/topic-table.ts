/** Which declared table a topic holds, by its name. */
import type { RowDecoder } from "./row-decoder.ts";

/** `prefix.schema.table`, where Debezium puts `_` for what a topic's name may not hold. */
export function holdsTable(topic: string, table: string): boolean {
  const name = table.replace(/[^A-Za-z0-9._-]/g, "_");
  return topic === name || topic.endsWith(`.${name}`);
}

export function decoderOfTopic(
  topic: string,
  decoders: ReadonlyMap<string, RowDecoder>,
): RowDecoder | null {
  for (const [table, decoder] of decoders) if (holdsTable(topic, table)) return decoder;
  return null;
}
