/** Finds the declared table that a topic holds, and says so where no source declares it. */
import { editDistance, type RowDecoder } from "@tidemark/core/internal";
import type { SkippedMessage } from "../message/message-decoder.ts";

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

/**
 * Makes the skipped message of a table that no source declares. `table` is null if only the topic
 * says what the message is of.
 */
export function tableNotDeclared(
  topic: string,
  table: string | null,
  declared: readonly string[],
): SkippedMessage {
  const near = nearTable(table ?? topic, declared);
  const all = declared.join(", ");
  const map =
    `map the topic: tables: { "${topic}": "${near}" } ` +
    `(tidemark replay --table ${topic}=${near})`;
  let message: string;
  if (near === null)
    message =
      (table === null
        ? `topic ${topic} holds none of the declared tables (${all})`
        : `table ${table} is of no declared source (declared: ${all})`) +
      "; declare a source with this table, or leave the topic out of the topics that are read";
  else if (table === null)
    message =
      `topic ${topic} holds none of the declared tables (${all}); did you mean "${near}"? ` +
      `Then ${map}`;
  else {
    const renamed = `with renamedFrom: "${near}" if the table was renamed`;
    const declare = `declare table: "${table}", ${renamed}`;
    message =
      `a source declares table "${near}"; ` +
      (isPartitionName(table, near)
        ? `if "${table}" is a partition of it, ${map}, or let the connector give one topic ` +
          `(publish.via.partition.root=true); otherwise ${declare}`
        : `did you mean "${table}"? Then ${declare}`);
  }
  return { skipped: "TABLE_NOT_DECLARED", message, ...(near === null ? {} : { near }) };
}

/** Finds the declared table whose name is most like this one. Gives null if none is alike. */
function nearTable(name: string, declared: readonly string[]): string | null {
  const given = plainName(name);
  let best: string | null = null;
  let least = Infinity;
  for (const table of declared) {
    const known = plainName(table);
    const distance = given === known ? 0 : isPartOf(given, known) ? 1 : editDistance(given, known);
    if (distance < least && distance <= Math.max(1, Math.floor(known.length / 4))) {
      best = table;
      least = distance;
    }
  }
  return best;
}

/** The name of a table without its schema, in small letters and digits. */
function plainName(table: string): string {
  return table
    .slice(table.lastIndexOf(".") + 1)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");
}

/** Says whether a table has the name of another with a suffix, as in `payments_2024`. */
function isPartitionName(table: string, whole: string): boolean {
  const [name, start] = [plainName(table), plainName(whole)];
  return name.startsWith(start) && name.length >= start.length + 3;
}

/** Says whether one name is in the other, as in `payments` and `payments_2024`. */
function isPartOf(a: string, b: string): boolean {
  return Math.min(a.length, b.length) >= 3 && (a.includes(b) || b.includes(a));
}
