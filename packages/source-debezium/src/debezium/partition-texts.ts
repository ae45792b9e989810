/**
 * Keeps what the messages of each partition taught of decimals as text. The state of a partition
 * goes into the checkpoint of its position, so that a run that begins there knows what a run from
 * the start would know.
 */
import { LearnedTexts, type StoredTexts, tablesOf } from "@tidemark/core/internal";
import type { SourceSpec } from "@tidemark/core/spi";
import { partitionName } from "../message/kafka-message.ts";
import type { CurrentMessage } from "./current-message.ts";

/** The state of a partition, by the tables of its rows. */
type StoredTables = Readonly<Record<string, StoredTexts>>;

/** The texts of a partition, by the names of sources. */
type PartitionTexts = Map<string, LearnedTexts>;

/** What the partitions taught. */
export interface TextsOfPartitions {
  /** Makes the function that gives what the current message's partition taught of a source. */
  ofSource(source: SourceSpec): () => LearnedTexts;
  /** Gives the state of a partition; undefined: it taught nothing. */
  stored(partition: string): StoredTables | undefined;
  /** Goes on with the state of a partition; undefined: nothing is known of it. */
  resume(partition: string, stored: StoredTables | undefined): void;
}

/** Makes what the partitions of one run taught, of which nothing is known yet. */
export function textsOfPartitions(
  sources: readonly SourceSpec[],
  current: CurrentMessage,
): TextsOfPartitions {
  const partitions = new Map<string, PartitionTexts>();
  /** Counts the resumed partitions: what was found before may be of no use. */
  let resumed = 0;
  const textsOf = (partition: string, source: string): LearnedTexts => {
    let bySource = partitions.get(partition);
    if (bySource === undefined) partitions.set(partition, (bySource = new Map()));
    let texts = bySource.get(source);
    if (texts === undefined) bySource.set(source, (texts = new LearnedTexts()));
    return texts;
  };
  return {
    ofSource({ name }) {
      // messages of a partition follow one another
      const last = { topic: "", partition: -1, resumed: -1, texts: new LearnedTexts() };
      let message: CurrentMessage["message"] | null = null;
      return () => {
        if (current.message === message && last.resumed === resumed) return last.texts;
        message = current.message;
        const { topic, partition } = message;
        if (last.partition !== partition || last.topic !== topic || last.resumed !== resumed) {
          const texts = textsOf(partitionName(message), name);
          Object.assign(last, { topic, partition, resumed, texts });
        }
        return last.texts;
      };
    },

    stored(partition) {
      const tables = sources.flatMap(({ name, table }) => {
        const stored = partitions.get(partition)?.get(name)?.stored();
        return stored === undefined ? [] : [[table, stored] as const];
      });
      return tables.length === 0 ? undefined : Object.fromEntries(tables);
    },

    resume(partition, stored = {}) {
      const bySource: PartitionTexts = new Map();
      for (const source of sources) {
        const table = tablesOf(source).find((name) => Object.hasOwn(stored, name));
        if (table !== undefined) bySource.set(source.name, new LearnedTexts(stored[table]));
      }
      partitions.set(partition, bySource);
      resumed++;
    },
  };
}
