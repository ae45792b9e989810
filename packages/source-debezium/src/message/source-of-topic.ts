/** Says which source's rows a topic holds. */
import type { SourceSpec } from "@tidemark/core/spi";
import type { MessageDecoder } from "./message-decoder.ts";

/** The name of the source, by the topic's name. Null: only the messages say it. */
export function sourceOfTopic(
  decoder: MessageDecoder,
  topic: string,
  sources: readonly SourceSpec[],
): string | null {
  return sources.find((source) => decoder.holds?.(topic, [source]) === true)?.name ?? null;
}
