/** The tables that a user declares for topics, by the topic's name or by a pattern. */
import { TidemarkError } from "@tidemark/core";

/** Gives the declared table of a topic; undefined if none is declared. */
export type TableOfTopic = (topic: string) => string | undefined;

/**
 * Reads the option `tables`. A name between slashes is a pattern, because the name of a topic has
 * none. A topic's own name comes before the patterns, and the first pattern wins.
 *
 * @throws OPTION_INVALID when a pattern cannot be read.
 */
export function tableMapping(tables: Readonly<Record<string, string>> = {}): TableOfTopic {
  const patterns = Object.keys(tables)
    .filter((name) => name.length > 2 && name.startsWith("/") && name.endsWith("/"))
    .map((name) => [patternOf(name), tables[name]!] as const);
  const found = new Map<string, string | undefined>();
  return (topic) => {
    if (!found.has(topic))
      found.set(
        topic,
        Object.hasOwn(tables, topic)
          ? tables[topic]
          : patterns.find(([pattern]) => pattern.test(topic))?.[1],
      );
    return found.get(topic);
  };
}

function patternOf(name: string): RegExp {
  try {
    return new RegExp(name.slice(1, -1));
  } catch (cause) {
    throw new TidemarkError(
      "OPTION_INVALID",
      `tables: ${name} is no pattern: ${(cause as Error).message}; write a topic's name, or a ` +
        "regular expression between slashes",
      { cause },
    );
  }
}
