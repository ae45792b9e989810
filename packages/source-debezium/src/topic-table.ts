/** Which declared table a topic holds, by its name. */
import type { RowDecoder } from "./row-decoder.ts";

/** `prefix.schema.table`, where Debezium puts `_` for what a topic's name may not hold. */
export function decoderOfTopic(topic: string, decoders: ReadonlyMap<string, RowDecoder>): RowDecoder | null {
  for (const [table, decoder] of decoders) {
    const name = table.replace(/[^A-Za-z0-9._-]/g, "_");
    if (topic === name || topic.endsWith(`.${name}`)) return decoder;
  }
  return null;
}
