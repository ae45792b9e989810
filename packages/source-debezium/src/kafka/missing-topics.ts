/** Finds the topics that a pattern will match once their tables have a row. */
import type { LogEnd, SourceSpec } from "@tidemark/core/spi";
import { topicOfPartition } from "../message/kafka-message.ts";

/**
 * Gives an empty log to each source without a topic, if a pattern matches the name that its topic
 * will have. A connector creates a topic with the first row of its table. The prefix of the name is
 * taken from the topics that exist.
 */
export function endsOfNoTopic(
  requested: readonly (string | RegExp)[],
  ends: readonly LogEnd[],
  sources: readonly SourceSpec[],
): readonly LogEnd[] {
  const patterns = requested.filter((one) => typeof one !== "string");
  const prefixes = new Set(
    ends.flatMap(({ partition, source }) => {
      const topic = topicOfPartition(partition);
      const table = sources.find(({ name }) => name === source);
      return table !== undefined && topic.endsWith(topicName(table))
        ? [topic.slice(0, -topicName(table).length)]
        : [];
    }),
  );
  return sources.flatMap((source): readonly LogEnd[] => {
    if (ends.some((end) => end.source === source.name)) return [];
    const topic = [...prefixes]
      .map((prefix) => prefix + topicName(source))
      .find((name) =>
        patterns.some(({ source: text, flags }) =>
          new RegExp(text, flags.replace(/[gy]/g, "")).test(name),
        ),
      );
    return topic === undefined ? [] : [{ partition: `${topic}:0`, end: 0, source: source.name }];
  });
}

/** The end of a topic's name, as Debezium writes the name of a table. */
function topicName({ table }: SourceSpec): string {
  return table.replace(/[^A-Za-z0-9._-]/g, "_");
}
