/**
 * From a log to the versions of its rows (laws 4, 5, 6): per primary key, sort by place, then fold.
 */
import type { SourceSpec, Value } from "../../../packages/core/src/specs.ts";
import type { Change } from "../../../packages/core/src/spi.ts";
import type { OracleFault } from "./planted-faults.ts";
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
export interface CompletedSnapshot {
  readonly source: string;
  readonly generation: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly committed: number;
}

interface LogEntry {
  readonly action: "upsert" | "remove" | "empty";
  readonly change: Pick<
    Change,
    "committed" | "offset" | "partition" | "values" | "unavailable" | "undecodable" | "snapshot"
  >;
  /** Epochs come one after the other, whatever the places in them. */
  readonly generation: number;
  readonly order: bigint;
  readonly arrival: number;
}

/**
 * Every version of every row of one source. The changes come in the order of delivery, which
 * decides nothing.
 */
export function rowVersions(
  source: SourceSpec,
  changes: readonly Change[],
  fault: OracleFault | null = null,
  completed: readonly CompletedSnapshot[] = [],
): RowVersion[] {
  const mine = changes
    .map((change, arrival) => ({ change, arrival }))
    .filter(({ change }) => change.source === source.name);
  const keyIndexes = source.primaryKey.map((name) =>
    source.columns.findIndex((column) => column.name === name),
  );
  const keyOf = (change: Change): string =>
    textOfAll(keyIndexes.map((i) => change.values![i] ?? null));
  const byKey = new Map<string, LogEntry[]>();
  const truncates: LogEntry[] = [];
  const add = (key: string, entry: LogEntry): void => {
    byKey.set(key, [...(byKey.get(key) ?? []), entry]);
  };
  for (const { change, arrival } of mine) {
    const order = orderOf(change, mine);
    const generation = change.generation ?? 0;
    if (change.kind === "upsert") {
      const key = keyOf(change);
      add(key, { action: "upsert", change, generation, order, arrival });
      const old = change.oldKey === null ? key : textOfAll(change.oldKey);
      if (old !== key && fault !== "old key ignored")
        add(old, { action: "remove", change, generation, order, arrival });
    }
    if (change.kind === "delete" && fault !== "delete ignored")
      add(keyOf(change), { action: "remove", change, generation, order, arrival });
    if (change.kind === "truncate" && fault !== "truncate ignored")
      truncates.push({ action: "empty", change, generation, order, arrival });
  }
  const snapshots = completed.filter((snapshot) => snapshot.source === source.name);
  return [...byKey.values()].flatMap((entries) => {
    // What a complete snapshot did not bring, and nothing since told of, is gone at its end.
    const endOfSnapshots = snapshots
      .filter(
        ({ generation, start, end }) =>
          ![...entries, ...truncates].some(
            (entry) =>
              entry.generation === generation && entry.order >= start && entry.order <= end,
          ),
      )
      .map(emptyAtSnapshotEnd);
    return fold(
      source,
      keyIndexes,
      inOrder([...entries, ...truncates, ...endOfSnapshots], fault),
      fault,
    );
  });
}

function emptyAtSnapshotEnd({ generation, end, committed }: CompletedSnapshot): LogEntry {
  const change = {
    committed,
    offset: Infinity,
    partition: 0,
    values: null,
    unavailable: [],
    undecodable: null,
    snapshot: true,
  };
  return { action: "empty", change, generation, order: end, arrival: Infinity };
}

/**
 * The LSN; without one, that of what its partition held before, so that the offset orders; with
 * none at all, the offset.
 */
function orderOf(change: Change, all: readonly { readonly change: Change }[]): bigint {
  if (change.order !== null) return change.order;
  let order: bigint | null = null;
  for (const { change: other } of all) {
    if ((other.generation ?? 0) !== (change.generation ?? 0)) continue;
    if (
      other.order !== null &&
      other.topic === change.topic &&
      other.partition === change.partition &&
      other.offset < change.offset &&
      (order === null || other.order > order)
    )
      order = other.order;
  }
  return order ?? BigInt(change.offset);
}

/**
 * Law 5: by (LSN, offset). Two changes of one row with one LSN are one change delivered twice,
 * unless one partition holds both.
 */
function inOrder(entries: readonly LogEntry[], fault: OracleFault | null): LogEntry[] {
  const byArrival = entries.toSorted((a, b) => a.arrival - b.arrival);
  if (fault === "lower LSN applied") return byArrival;
  if (fault === "no tombstone") {
    let stored: bigint | null = null;
    return byArrival.filter((entry) => {
      if (stored !== null && entry.order < stored) return false;
      stored = entry.action === "upsert" ? entry.order : null;
      return true;
    });
  }
  const sorted = entries.toSorted(
    (a, b) =>
      a.generation - b.generation ||
      (a.order < b.order
        ? -1
        : a.order > b.order
          ? 1
          : a.change.offset - b.change.offset || a.change.partition - b.change.partition),
  );
  if (fault !== "truncate forgets") return sorted;
  return sorted.flatMap((entry) => {
    if (entry.action === "empty")
      return [
        entry,
        ...sorted.filter(
          (late) =>
            late.order < entry.order && late.arrival > entry.arrival && late.action !== "empty",
        ),
      ];
    return sorted.some(
      (empty) =>
        empty.action === "empty" && entry.order < empty.order && entry.arrival > empty.arrival,
    )
      ? []
      : [entry];
  });
}

function fold(
  source: SourceSpec,
  keyIndexes: readonly number[],
  entries: readonly LogEntry[],
  fault: OracleFault | null,
): RowVersion[] {
  const versions: RowVersion[] = [];
  let open: RowVersion | null = null;
  /** The epoch in which the row was last heard of. */
  let lastGeneration: number | null = null;
  /** When the last version of this row began or ended: the next begins no sooner (law 6). */
  let lastChange = -Infinity;
  for (const { action, change, generation, arrival } of entries) {
    const newGeneration = lastGeneration !== null && generation > lastGeneration;
    if (lastGeneration !== null || action !== "empty") lastGeneration = generation;
    const committed = change.committed ?? -Infinity;
    if (action !== "upsert") {
      if (open !== null) {
        lastChange =
          fault === "known from not raised" ? committed : Math.max(committed, lastChange);
        open.to = lastChange;
        open = null;
      }
      continue;
    }
    if (fault === "broken row stays" && change.undecodable !== null) continue;
    // What an earlier epoch told of a column may have changed since, unheard.
    const values = change.values!.map((value, i) =>
      change.unavailable.includes(i) ? ((newGeneration ? null : open?.values[i]) ?? null) : value,
    );
    if (fault === "placeholder is null") for (const i of change.unavailable) values[i] = null;
    const unknown = unknownColumns(change, newGeneration ? null : open, keyIndexes, fault);
    if (fault === "null time dropped" && open !== null && eventTimeIn(source, values) === null)
      continue;
    if (
      open !== null &&
      sameImage(open, values, unknown) &&
      fault !== "equal upsert makes a version"
    )
      continue;
    // A row that history has seen in an earlier epoch holds from its new snapshot only.
    const begins = newGeneration
      ? committed
      : Math.min(
          committed,
          fault === "since ignored" ? Infinity : heldSince(source, change, values),
        );
    const from: number = fault === "known from not raised" ? begins : Math.max(begins, lastChange);
    if (open !== null && fault !== "replace ignored") open.to = from;
    open = {
      key: keyIndexes.map((i) => values[i] ?? null),
      values,
      from,
      to: Infinity,
      unknown,
      arrival,
    };
    lastChange = from;
    versions.push(open);
  }
  return versions;
}

/**
 * Law 9: a placeholder without a stored value, and every column of a change whose content is
 * unreadable, is not known.
 */
function unknownColumns(
  change: LogEntry["change"],
  open: RowVersion | null,
  keyIndexes: readonly number[],
  fault: OracleFault | null,
): number[] {
  if (change.undecodable !== null)
    return change.values!.map((_, i) => i).filter((i) => !keyIndexes.includes(i));
  if (fault === "placeholder is null") return [];
  return change.unavailable.filter((i) => open === null || open.unknown.includes(i));
}

/** undefined where the source has no column for it. */
function eventTimeIn(source: SourceSpec, values: readonly Value[]): Value | undefined {
  const { eventTime } = source;
  return eventTime.kind === "column"
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
 * Law 2: `commitTime({ since })` lets a snapshot row hold from a declared column, if that is
 * earlier.
 */
function heldSince(
  source: SourceSpec,
  change: LogEntry["change"],
  values: readonly Value[],
): number {
  if (source.eventTime.kind !== "committed" || source.eventTime.since === null || !change.snapshot)
    return Infinity;
  const since = source.eventTime.since;
  const index = source.columns.findIndex((column) => column.name === since);
  const value = values[index] ?? null;
  if (value === null) return Infinity;
  return source.columns[index]!.type === "date"
    ? (value as number) * 86_400_000_000
    : (value as number);
}
