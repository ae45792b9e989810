/**
 * Finds which values in the keys of erased rows the rows of others have too. A definition whose
 * primary key is such a value needs the delete of the erased row.
 */
import type { ErasedRows } from "../row-formats/erased-row.ts";
import { primaryKeyColumns } from "../rows/row-change.ts";
import { partitionKeyOf } from "../rows/snapshot-generations.ts";
import type { SourceSpec } from "../specs.ts";
import type { Change } from "../spi.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";

/** Says whether a row of others has this value in the column. `text`: JSON. */
type IsShared = (column: string, text: string) => boolean;

/** Names the place of a change in its log. */
export const placeOf = (
  change: Pick<Change, "generation" | "topic" | "partition" | "offset">,
): string => `${partitionKeyOf(change)}@${change.offset}`;

/**
 * Reads the log only if a key of the erased messages could be shared. `erased`: by place, the
 * messages. `edits`: by place, what becomes of other messages.
 */
export async function sharedKeyTexts(
  source: SourceSpec,
  rows: ErasedRows,
  log: AsyncIterable<Change>,
  erased: ReadonlyMap<string, Change>,
  edits: ReadonlyMap<string, Change | null>,
): Promise<IsShared> {
  const isShared = new Map<string, Map<string, boolean>>();
  for (const message of erased.values()) {
    const texts = rows.keyTexts(message);
    // the value of a primary key of one column is that of one row
    if (message.kind !== "none" && isPrimaryKey(source, [...texts.keys()])) continue;
    for (const [column, text] of texts) {
      const known = isShared.get(column) ?? new Map<string, boolean>();
      isShared.set(column, known.set(plainText(text), false));
    }
  }
  if (isShared.size === 0) return () => false;
  const yieldToEventLoop = eventLoopYielder();
  let read = 0;
  for await (const message of log) {
    if (++read % 500 === 0) await yieldToEventLoop();
    const place = placeOf(message);
    if (message.op === "d" || erased.has(place) || edits.get(place)?.op === "d") continue;
    for (const [column, text] of rows.texts(message, isShared.keys())) {
      const known = isShared.get(column)!;
      if (known.has(plainText(text))) known.set(plainText(text), true);
    }
  }
  return (column, text) => isShared.get(column)?.get(plainText(text)) === true;
}

function isPrimaryKey(source: SourceSpec, names: readonly string[]): boolean {
  const [column, ...more] = primaryKeyColumns(source);
  const [name, ...others] = names;
  return (
    more.length === 0 &&
    others.length === 0 &&
    (name === undefined || name === column!.database || name === column!.name)
  );
}

/** A value has the same text in each message, but perhaps with or without quotes. */
const plainText = (text: string): string => text.replaceAll('"', "");
