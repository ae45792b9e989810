/**
 * Reads where a row comes from: connector, server, database and schema. Messages of one topic
 * nearly always say the same, so that one object is made for all of them.
 */
import { copiedText, tablesOf, type JsonMembers } from "@tidemark/core/internal";
import type { SourceOrigin, SourceSpec } from "@tidemark/core/spi";
import type { TableOfTopic } from "./table-mapping.ts";
import { holdsTable } from "./topic-table.ts";

const FIELDS = ["connector", "name", "db", "schema"] as const;

export interface SourceOriginOptions {
  /** The name of a server by the name that it has in messages. */
  readonly servers: Readonly<Record<string, string>>;
  /** The table of a topic, where an option gives it. */
  readonly tableOfTopic: TableOfTopic;
}

/** Reads origins of one run. */
export interface SourceOriginReader {
  /** Reads the origin. `find` gives the index of a field of the source block, or −1. */
  read(
    members: JsonMembers,
    find: (field: string) => number,
    topic: string,
    source: SourceSpec,
  ): SourceOrigin;
  /** Gives the only origin that messages of the topic have named so far, or null. */
  ofTopic(topic: string, source: SourceSpec): SourceOrigin | null;
}

/** Makes the reader of origins. */
export function sourceOriginReader({
  servers,
  tableOfTopic,
}: SourceOriginOptions): SourceOriginReader {
  /** The last origin of each topic, with the text of its fields. Null: the topic has several. */
  const last = new Map<
    string,
    { readonly raw: readonly string[]; readonly origin: SourceOrigin }
  >();
  const shared = new Set<string>();
  const renamed = (server: string | null): string | null =>
    server === null ? null : (servers[server] ?? server);
  /** Debezium's topics are called `server.schema.table`. */
  const serverOfTopic = (topic: string, source: SourceSpec): string | null => {
    if (tableOfTopic(topic) !== undefined) return null;
    const table = tablesOf(source).find((one) => holdsTable(topic, one));
    return table === undefined || topic.length <= table.length + 1
      ? null
      : topic.slice(0, -table.length - 1);
  };

  return {
    read(members, find, topic, source) {
      const at = FIELDS.map(find);
      const known = last.get(topic);
      if (known !== undefined && at.every((i, f) => (i < 0 ? "" : members.raw(i)) === known.raw[f]))
        return known.origin;
      const [connector, name, database, schema] = at.map((i) =>
        i >= 0 && members.isString(i) ? copiedText(members.string(i)) : null,
      );
      const origin: SourceOrigin = {
        connector: connector!,
        server: renamed(name ?? serverOfTopic(topic, source)),
        database: database!,
        // An empty schema is that of a message about no table.
        schema: schema === "" ? null : schema!,
      };
      if (known !== undefined) shared.add(topic);
      last.set(topic, { raw: at.map((i) => (i < 0 ? "" : copiedText(members.raw(i)))), origin });
      return origin;
    },

    ofTopic(topic, source) {
      if (shared.has(topic)) return null;
      const known = last.get(topic)?.origin;
      if (known !== undefined) return known;
      const server = renamed(serverOfTopic(topic, source));
      if (server === null) return null;
      // In PostgreSQL the table is `schema.table`, and the topic does not name the database.
      return { connector: null, server, database: null, schema: null };
    },
  };
}
