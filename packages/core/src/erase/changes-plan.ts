/** Plans what becomes of the changes of a log when entities are erased. */
import type { HistoryContext } from "../offline/history-context.ts";
import { readChangeLog } from "../offline/change-log.ts";
import { withoutOldKey } from "../rows/erased-entities.ts";
import { erasedRows } from "../row-formats/erased-row.ts";
import { rowWithEarlierValues } from "../row-formats/earlier-values.ts";
import { rowChangesOf, type RowChange } from "../rows/row-change.ts";
import { snapshotEnds, truncateOf } from "../rows/row-versions.ts";
import { generationStateOf, partitionKeyOf } from "../rows/snapshot-generations.ts";
import type { Change, LoggedRow } from "../spi.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import type { EraseHistoryOptions } from "./edit-rows.ts";
import type { Belonging } from "./entity-columns.ts";
import { placeOf, sharedKeyTexts } from "./shared-key-texts.ts";
import { survivingChanges, type Survival } from "./surviving-changes.ts";

/** The default of `mostChanges`. */
const MOST_CHANGES = 200_000;

/** What becomes of the changes of a log. */
export interface ChangesPlan {
  /** By the place of the change: the change in its place; null: it goes. */
  readonly edits: ReadonlyMap<string, Change | null>;
  /** The keys of the rows of which nothing stays. */
  readonly whollyErased: ReadonlySet<string>;
  /** The keys of the rows of this plan. */
  readonly keys: ReadonlySet<string>;
  /** The keys of the rows that wait for another plan. */
  readonly left: ReadonlySet<string>;
}

/**
 * Plans for the rows of these keys. Rows that find no room in memory are `left` for the next plan.
 */
export async function planChanges(
  { offline, source, tables, rows }: HistoryContext,
  belonging: Belonging,
  wanted: ReadonlySet<string>,
  { mostChanges = MOST_CHANGES, signal }: EraseHistoryOptions,
): Promise<ChangesPlan> {
  const rowChanges = rowChangesOf(source);
  const yieldToEventLoop = eventLoopYielder();
  /** The changes of each row, with the messages that hold them. */
  const found = new Map<string, { readonly change: RowChange; readonly message: Change }[]>();
  const log = (await offline.state(tables.changes.name, { signal }))!;
  const truncates = snapshotEnds(generationStateOf(log.metadata));
  const left = new Set<string>();
  const edits = new Map<string, Change | null>();
  /** Changes whose message holds an image of an erased entity beside the change. */
  const inMessage = new Set<RowChange>();
  const deletes = erasedRows(source, belonging.keys);
  /** Makes the deletes of rows whose primary key is not that of an erased entity. */
  const deletesOfOthers = erasedRows(
    source,
    belonging.keys.filter((names) => !names.every((name) => source.primaryKey.includes(name))),
  );
  /** The messages of which only what other rows say too may stay. */
  const gone = new Map<string, Change>();
  /** By partition: its first offset, from which a new online store reads the log. */
  const first = new Map<string, number>();
  let [read, taken] = [0, 0];
  for await (const message of readChangeLog(offline, tables, source, {
    version: log.version,
    signal,
  })) {
    if (++read % 500 === 0) await yieldToEventLoop();
    const partition = partitionKeyOf(message);
    first.set(partition, Math.min(message.offset, first.get(partition) ?? message.offset));
    const truncate = truncateOf(message);
    if (truncate !== null) truncates.push(truncate);
    const isInMessage = belonging.isInMessage(message);
    if (isInMessage && message.kind === "none") gone.set(placeOf(message), message);
    for (const { key, change } of rowChanges(message)) {
      const text = rows.textOf(key);
      if (!wanted.has(text)) continue;
      const list = found.get(text);
      if (list === undefined && taken >= mostChanges) {
        left.add(text);
        continue;
      }
      taken++;
      if (isInMessage) inMessage.add(change);
      if (list === undefined) found.set(text, [{ change, message }]);
      else list.push({ change, message });
    }
  }
  const keys = new Set([...wanted].filter((text) => !left.has(text)));
  const whollyErased = new Set(keys);
  const survivals = new Map<RowChange, Survival>();
  /** The rows of messages that go on from an erased image, with what that supplied. */
  const patched = new Map<RowChange, LoggedRow>();
  for (const [text, list] of found) {
    const changes = list.map(({ change }) => change);
    const one = survivingChanges(changes, truncates, belonging.belongs, (change) =>
      inMessage.has(change),
    );
    if (!one.isWhollyErased) whollyErased.delete(text);
    changes.forEach((change, i) => survivals.set(change, one.survivals[i]!));
    const logged = list.map(({ message }) => message.logged);
    one.followsErased.forEach((follows, i) => {
      const row = follows ? rowWithEarlierValues(logged, one.before, i) : null;
      if (row !== null) patched.set(changes[i]!, row);
    });
  }

  for (const [text, list] of found) {
    for (const { change, message } of list) {
      const place = placeOf(message);
      if (edits.has(place) || gone.has(place)) continue;
      // a message that changes a primary key holds a change of either row
      const parts = rowChanges(message);
      const own = parts.at(-1)!;
      const old = parts.length > 1 ? rows.textOf(parts[0]!.key) : null;
      const cleaned = belonging.withoutErasedOldKey(message);
      const next = old !== null && whollyErased.has(old) ? withoutOldKey(cleaned) : cleaned;
      const isOwn = rows.textOf(own.key) === text;
      if (!isOwn && !keys.has(rows.textOf(own.key))) {
        if (next !== message) edits.set(place, next);
        continue;
      }
      if (!isOwn) continue;
      if (whollyErased.has(text)) {
        gone.set(place, next);
        continue;
      }
      const survival = survivals.get(change)!;
      const row = patched.get(change);
      if (survival.kind === "delete" || survival.kind === "reduced")
        edits.set(
          place,
          (belonging.isOwnKey(own.key, own.change.loggedCommitTime)
            ? deletes
            : deletesOfOthers
          ).deleteOf(next, own.key),
        );
      else if (row !== undefined)
        edits.set(place, { ...next, logged: { ...row, oldKey: next.logged!.oldKey } });
      else if (survival.kind === "filled")
        edits.set(place, {
          ...next,
          logged: undefined,
          values: survival.values,
          unavailable: message.unavailable.filter((index) => !survival.filled.includes(index)),
        });
      else if (next !== message) edits.set(place, next);
    }
  }
  const again = readChangeLog(offline, tables, source, { version: log.version, signal });
  const isShared = await sharedKeyTexts(source, deletes, again, gone, edits);
  for (const [place, message] of gone) {
    const shared = deletes.deleteOf(message, null, isShared);
    const isFirst = first.get(partitionKeyOf(message)) === message.offset;
    if (shared !== null) edits.set(place, { ...shared, kind: "delete" });
    else edits.set(place, isFirst ? deletes.placeOf(message) : null);
  }
  return { edits, whollyErased, keys, left };
}
