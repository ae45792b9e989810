/** From a log to the versions of its rows (laws 4, 5, 6): per primary key, sort by place, then fold. */
import type { SourceSpec, Value } from "../model.ts";
import type { Change } from "../spi.ts";
import type { FaultName } from "./oracle-faults.ts";
import { textOfAll } from "./oracle-values.ts";

/** One image of one row, and when it was the known one: known from < t ≤ known to. */
export interface RowVersion {
  readonly key: readonly Value[];
  readonly values: readonly Value[];
  readonly from: number;
  to: number;
  /** Indexes of columns whose value no message has told (an unresolved placeholder, an unreadable message): with any, the row is in no window. */
  readonly unknown: readonly number[];
  /** Where its change stands in the order of delivery; only a planted fault looks at it. */
  readonly arrival: number;
}

interface Entry {
  readonly does: "upsert" | "remove" | "empty";
  readonly change: Change;
  readonly place: bigint;
  readonly arrival: number;
}

/** Every version of every row of one source. The changes come in the order of delivery, which decides nothing. */
export function rowVersions(source: SourceSpec, changes: readonly Change[], fault: FaultName | null = null): RowVersion[] {
  const mine = changes.map((change, arrival) => ({ change, arrival })).filter(({ change }) => change.source === source.name);
  const keyIndexes = source.primaryKey.map((name) => source.columns.findIndex((column) => column.name === name));
  const keyOf = (change: Change): string => textOfAll(keyIndexes.map((i) => change.values![i] ?? null));
  const byKey = new Map<string, Entry[]>();
  const empties: Entry[] = [];
  const add = (key: string, entry: Entry): void => { byKey.set(key, [...(byKey.get(key) ?? []), entry]); };
  for (const { change, arrival } of mine) {
    const place = placeOf(change, mine);
    if (change.kind === "upsert") {
      const key = keyOf(change);
      add(key, { does: "upsert", change, place, arrival });
      const old = change.oldKey === null ? key : textOfAll(change.oldKey);
      if (old !== key && fault !== "old key ignored") add(old, { does: "remove", change, place, arrival });
    }
    if (change.kind === "delete" && fault !== "delete ignored") add(keyOf(change), { does: "remove", change, place, arrival });
    if (change.kind === "truncate" && fault !== "truncate ignored") empties.push({ does: "empty", change, place, arrival });
  }
  return [...byKey.values()].flatMap((entries) => fold(source, keyIndexes, inOrder([...entries, ...empties], fault), fault));
}

/** The LSN; without one, that of what its partition held before, so that the offset orders. */
function placeOf(change: Change, all: readonly { readonly change: Change }[]): bigint {
  if (change.lsn !== null) return change.lsn;
  let place = -1n;
  for (const { change: other } of all) {
    if (other.lsn !== null && other.topic === change.topic && other.partition === change.partition && other.offset < change.offset && other.lsn > place) place = other.lsn;
  }
  return place;
}

/** Law 5: by (LSN, offset). Two changes of one row with one LSN are one change delivered twice, unless one partition holds both. */
function inOrder(entries: readonly Entry[], fault: FaultName | null): Entry[] {
  const byArrival = entries.toSorted((a, b) => a.arrival - b.arrival);
  if (fault === "lower LSN applied") return byArrival;
  if (fault === "no tombstone") {
    let stored: bigint | null = null;
    return byArrival.filter((entry) => {
      if (stored !== null && entry.place < stored) return false;
      stored = entry.does === "upsert" ? entry.place : null;
      return true;
    });
  }
  const sorted = entries.toSorted((a, b) => (a.place < b.place ? -1 : a.place > b.place ? 1 : a.change.offset - b.change.offset || a.change.partition - b.change.partition));
  if (fault !== "truncate forgets") return sorted;
  return sorted.flatMap((entry) => {
    if (entry.does === "empty") return [entry, ...sorted.filter((late) => late.place < entry.place && late.arrival > entry.arrival && late.does !== "empty")];
    return sorted.some((empty) => empty.does === "empty" && entry.place < empty.place && entry.arrival > empty.arrival) ? [] : [entry];
  });
}

function fold(source: SourceSpec, keyIndexes: readonly number[], entries: readonly Entry[], fault: FaultName | null): RowVersion[] {
  const versions: RowVersion[] = [];
  let open: RowVersion | null = null;
  /** When the last version of this row began or ended: the next begins no sooner (law 6). */
  let last = -Infinity;
  for (const { does, change, arrival } of entries) {
    const committed = change.committed ?? -Infinity;
    if (does !== "upsert") {
      if (open !== null) {
        last = fault === "known from not raised" ? committed : Math.max(committed, last);
        open.to = last;
        open = null;
      }
      continue;
    }
    if (fault === "broken row stays" && change.broken !== null) continue;
    const values = change.values!.map((value, i) => (change.unavailable.includes(i) ? (open?.values[i] ?? null) : value));
    if (fault === "placeholder is null") for (const i of change.unavailable) values[i] = null;
    const unknown = unknownColumns(change, open, keyIndexes, fault);
    if (fault === "null time dropped" && open !== null && eventTimeIn(source, values) === null) continue;
    if (open !== null && sameImage(open, values, unknown) && fault !== "equal upsert makes a version") continue;
    const begins = Math.min(committed, fault === "since ignored" ? Infinity : heldSince(source, change, values));
    const from: number = fault === "known from not raised" ? begins : Math.max(begins, last);
    if (open !== null && fault !== "replace ignored") open.to = from;
    open = { key: keyIndexes.map((i) => values[i] ?? null), values, from, to: Infinity, unknown, arrival };
    last = from;
    versions.push(open);
  }
  return versions;
}

/** Law 9: a placeholder without a stored value, and every column of a change whose content is unreadable, is not known. */
function unknownColumns(change: Change, open: RowVersion | null, keyIndexes: readonly number[], fault: FaultName | null): number[] {
  if (change.broken !== null) return change.values!.map((_, i) => i).filter((i) => !keyIndexes.includes(i));
  if (fault === "placeholder is null") return [];
  return change.unavailable.filter((i) => open === null || open.unknown.includes(i));
}

/** undefined where the source has no column for it. */
function eventTimeIn(source: SourceSpec, values: readonly Value[]): Value | undefined {
  const { eventTime } = source;
  return eventTime.is === "column" ? values[source.columns.findIndex((column) => column.name === eventTime.column)] : undefined;
}

function sameImage(open: RowVersion, values: readonly Value[], unknown: readonly number[]): boolean {
  return textOfAll(open.values) === textOfAll(values) && open.unknown.join() === unknown.join();
}

/** Law 2: `committed({ since })` lets a snapshot row hold from a declared column, if that is earlier. */
function heldSince(source: SourceSpec, change: Change, values: readonly Value[]): number {
  if (source.eventTime.is !== "committed" || source.eventTime.since === null || !change.snapshot) return Infinity;
  const since = source.eventTime.since;
  const index = source.columns.findIndex((column) => column.name === since);
  const value = values[index] ?? null;
  if (value === null) return Infinity;
  return source.columns[index]!.kind === "date" ? (value as number) * 86_400_000_000 : (value as number);
}
