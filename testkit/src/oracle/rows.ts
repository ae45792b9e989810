/**
 * From a log to the versions of its rows (laws 4, 5, 6): per primary key, sort by place, then fold.
 */
import type { SourceSpec, Value } from "../../../packages/core/src/specs.ts";
import type { Change } from "../../../packages/core/src/spi.ts";
import type { FaultName } from "./planted-faults.ts";
import { textOfAll } from "./values.ts";

/** One image of one row, and when it was the known one: known from < t ≤ known to. */
export interface RowVersion {
  readonly key: readonly Value[];
  readonly values: readonly Value[];
  readonly from: number;
  to: number;
  /**
   * Indexes of columns whose value no message has told (an unresolved placeholder, an unreadable
   * message): with any, the row is in no window.
   */
  readonly unknown: readonly number[];
  /** Where its change stands in the order of delivery; only a planted fault looks at it. */
  readonly arrival: number;
}

/**
 * A snapshot that began an epoch anew, once it is complete: its rows lie from `start` to `end` in
 * the order of that epoch.
 */
export interface EndedSnapshot {
  readonly source: string;
  readonly epoch: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly committed: number;
}

interface Entry {
  readonly does: "upsert" | "remove" | "empty";
  readonly change: Pick<
    Change,
    "committed" | "offset" | "partition" | "values" | "unavailable" | "broken" | "snapshot"
  >;
  /** Epochs come one after the other, whatever the places in them. */
  readonly epoch: number;
  readonly place: bigint;
  readonly arrival: number;
}

/**
 * Every version of every row of one source. The changes come in the order of delivery, which
 * decides nothing.
 */
export function rowVersions(
  source: SourceSpec,
  changes: readonly Change[],
  fault: FaultName | null = null,
  ended: readonly EndedSnapshot[] = [],
): RowVersion[] {
  const mine = changes
    .map((change, arrival) => ({ change, arrival }))
    .filter(({ change }) => change.source === source.name);
  const keyIndexes = source.primaryKey.map((name) =>
    source.columns.findIndex((column) => column.name === name),
  );
  const keyOf = (change: Change): string =>
    textOfAll(keyIndexes.map((i) => change.values![i] ?? null));
  const byKey = new Map<string, Entry[]>();
  const empties: Entry[] = [];
  const add = (key: string, entry: Entry): void => {
    byKey.set(key, [...(byKey.get(key) ?? []), entry]);
  };
  for (const { change, arrival } of mine) {
    const place = placeOf(change, mine);
    const epoch = change.epoch ?? 0;
    if (change.kind === "upsert") {
      const key = keyOf(change);
      add(key, { does: "upsert", change, epoch, place, arrival });
      const old = change.oldKey === null ? key : textOfAll(change.oldKey);
      if (old !== key && fault !== "old key ignored")
        add(old, { does: "remove", change, epoch, place, arrival });
    }
    if (change.kind === "delete" && fault !== "delete ignored")
      add(keyOf(change), { does: "remove", change, epoch, place, arrival });
    if (change.kind === "truncate" && fault !== "truncate ignored")
      empties.push({ does: "empty", change, epoch, place, arrival });
  }
  const snapshots = ended.filter((snapshot) => snapshot.source === source.name);
  return [...byKey.values()].flatMap((entries) => {
    // What a complete snapshot did not bring, and nothing since told of, is gone at its end.
    const missed = snapshots
      .filter(
        ({ epoch, start, end }) =>
          ![...entries, ...empties].some(
            (entry) => entry.epoch === epoch && entry.place >= start && entry.place <= end,
          ),
      )
      .map(removal);
    return fold(source, keyIndexes, inOrder([...entries, ...empties, ...missed], fault), fault);
  });
}

function removal({ epoch, end, committed }: EndedSnapshot): Entry {
  const change = {
    committed,
    offset: Infinity,
    partition: 0,
    values: null,
    unavailable: [],
    broken: null,
    snapshot: true,
  };
  return { does: "empty", change, epoch, place: end, arrival: Infinity };
}

/**
 * The LSN; without one, that of what its partition held before, so that the offset orders; with
 * none at all, the offset.
 */
function placeOf(change: Change, all: readonly { readonly change: Change }[]): bigint {
  if (change.lsn !== null) return change.lsn;
  let place: bigint | null = null;
  for (const { change: other } of all) {
    if ((other.epoch ?? 0) !== (change.epoch ?? 0)) continue;
    if (
      other.lsn !== null &&
      other.topic === change.topic &&
      other.partition === change.partition &&
      other.offset < change.offset &&
      (place === null || other.lsn > place)
    )
      place = other.lsn;
  }
  return place ?? BigInt(change.offset);
}

/**
 * Law 5: by (LSN, offset). Two changes of one row with one LSN are one change delivered twice,
 * unless one partition holds both.
 */
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
  const sorted = entries.toSorted(
    (a, b) =>
      a.epoch - b.epoch ||
      (a.place < b.place
        ? -1
        : a.place > b.place
          ? 1
          : a.change.offset - b.change.offset || a.change.partition - b.change.partition),
  );
  if (fault !== "truncate forgets") return sorted;
  return sorted.flatMap((entry) => {
    if (entry.does === "empty")
      return [
        entry,
        ...sorted.filter(
          (late) =>
            late.place < entry.place && late.arrival > entry.arrival && late.does !== "empty",
        ),
      ];
    return sorted.some(
      (empty) =>
        empty.does === "empty" && entry.place < empty.place && entry.arrival > empty.arrival,
    )
      ? []
      : [entry];
  });
}

function fold(
  source: SourceSpec,
  keyIndexes: readonly number[],
  entries: readonly Entry[],
  fault: FaultName | null,
): RowVersion[] {
  const versions: RowVersion[] = [];
  let open: RowVersion | null = null;
  /** The epoch in which the row was last heard of. */
  let heard: number | null = null;
  /** When the last version of this row began or ended: the next begins no sooner (law 6). */
  let last = -Infinity;
  for (const { does, change, epoch, arrival } of entries) {
    const anew = heard !== null && epoch > heard;
    if (heard !== null || does !== "empty") heard = epoch;
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
    // What an earlier epoch told of a column may have changed since, unheard.
    const values = change.values!.map((value, i) =>
      change.unavailable.includes(i) ? ((anew ? null : open?.values[i]) ?? null) : value,
    );
    if (fault === "placeholder is null") for (const i of change.unavailable) values[i] = null;
    const unknown = unknownColumns(change, anew ? null : open, keyIndexes, fault);
    if (fault === "null time dropped" && open !== null && eventTimeIn(source, values) === null)
      continue;
    if (
      open !== null &&
      sameImage(open, values, unknown) &&
      fault !== "equal upsert makes a version"
    )
      continue;
    // A row that history has seen in an earlier epoch holds from its new snapshot only.
    const begins = anew
      ? committed
      : Math.min(
          committed,
          fault === "since ignored" ? Infinity : heldSince(source, change, values),
        );
    const from: number = fault === "known from not raised" ? begins : Math.max(begins, last);
    if (open !== null && fault !== "replace ignored") open.to = from;
    open = {
      key: keyIndexes.map((i) => values[i] ?? null),
      values,
      from,
      to: Infinity,
      unknown,
      arrival,
    };
    last = from;
    versions.push(open);
  }
  return versions;
}

/**
 * Law 9: a placeholder without a stored value, and every column of a change whose content is
 * unreadable, is not known.
 */
function unknownColumns(
  change: Entry["change"],
  open: RowVersion | null,
  keyIndexes: readonly number[],
  fault: FaultName | null,
): number[] {
  if (change.broken !== null)
    return change.values!.map((_, i) => i).filter((i) => !keyIndexes.includes(i));
  if (fault === "placeholder is null") return [];
  return change.unavailable.filter((i) => open === null || open.unknown.includes(i));
}

/** undefined where the source has no column for it. */
function eventTimeIn(source: SourceSpec, values: readonly Value[]): Value | undefined {
  const { eventTime } = source;
  return eventTime.is === "column"
    ? values[source.columns.findIndex((column) => column.name === eventTime.column)]
    : undefined;
}

function sameImage(
  open: RowVersion,
  values: readonly Value[],
  unknown: readonly number[],
): boolean {
  return textOfAll(open.values) === textOfAll(values) && open.unknown.join() === unknown.join();
}

/**
 * Law 2: `committed({ since })` lets a snapshot row hold from a declared column, if that is
 * earlier.
 */
function heldSince(source: SourceSpec, change: Entry["change"], values: readonly Value[]): number {
  if (source.eventTime.is !== "committed" || source.eventTime.since === null || !change.snapshot)
    return Infinity;
  const since = source.eventTime.since;
  const index = source.columns.findIndex((column) => column.name === since);
  const value = values[index] ?? null;
  if (value === null) return Infinity;
  return source.columns[index]!.kind === "date"
    ? (value as number) * 86_400_000_000
    : (value as number);
}
