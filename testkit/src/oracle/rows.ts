/**
 * Turns a log into row versions: per primary key, sort by order, then fold (law 4: rows, not
 * deltas; law 5: the newest change wins; law 6: every version is kept).
 */
import type { SourceSpec, Value } from "../../../packages/core/src/specs.ts";
import type { Change } from "../../../packages/core/src/spi.ts";
import type { OracleFault } from "./planted-faults.ts";
import { textOfAll } from "./values.ts";

/** A row image, and when it was the known one: known from < t ≤ known to. */
export interface RowVersion {
  readonly key: readonly Value[];
  readonly values: readonly Value[];
  readonly from: number;
  to: number;
  /**
   * Indexes of columns whose value no message has carried, because of a TOAST marker or an
   * undecodable message. A row with such a column is in no window.
   */
  readonly unknown: readonly number[];
  /** The index of the change in the order of delivery. Only a planted fault reads it. */
  readonly arrival: number;
}

/**
 * A completed snapshot that began a new generation. Its rows lie from `start` to `end` in the order
 * of that generation.
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
    | "committed"
    | "committedAfter"
    | "order"
    | "offset"
    | "partition"
    | "values"
    | "unavailable"
    | "undecodable"
    | "snapshot"
  >;
  /** Generations come one after the other, whatever the orders within them. */
  readonly generation: number;
  readonly order: bigint;
  readonly arrival: number;
}

/**
 * Returns every version of every row of one source. The order of delivery of the changes decides
 * nothing.
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
    // A row that a complete snapshot did not bring, and no later change mentioned, is gone at the
    // snapshot's end.
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
    order: null,
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
 * Returns the order of a change. Without one, the highest order before it in its partition counts,
 * be it of a change or of a commit that the change came after, and the offset decides. Without any,
 * the offset is the order.
 */
function orderOf(change: Change, all: readonly { readonly change: Change }[]): bigint {
  // Whatever was committed by then comes before the change.
  if (change.committedAfter !== undefined) return change.committedAfter;
  if (change.order !== null) return change.order;
  let order: bigint | null = null;
  for (const { change: other } of all) {
    if ((other.generation ?? 0) !== (change.generation ?? 0)) continue;
    if (
      other.order !== null &&
      other.topic === change.topic &&
      other.partition === change.partition &&
      other.offset < change.offset &&
      (order === null || (other.committedAfter ?? other.order) > order)
    )
      order = other.committedAfter ?? other.order;
  }
  return order ?? BigInt(change.offset);
}

/**
 * Sorts changes (law 5: by LSN and offset). Two changes of one row with one LSN are one change
 * delivered twice, unless one partition holds both.
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
          : ownOrder(a) - ownOrder(b) ||
            a.change.offset - b.change.offset ||
            a.change.partition - b.change.partition),
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

/** The place of a change at a commit: those that were written before it come first. */
function ownOrder({ change }: LogEntry): number {
  return change.committedAfter === undefined ? Number.MAX_VALUE : Number(change.order);
}

function fold(
  source: SourceSpec,
  keyIndexes: readonly number[],
  entries: readonly LogEntry[],
  fault: OracleFault | null,
): RowVersion[] {
  const versions: RowVersion[] = [];
  let open: RowVersion | null = null;
  /** The generation of the row's last change. */
  let lastGeneration: number | null = null;
  /**
   * The time at which the last version of this row began or ended. The next version begins no
   * sooner (law 6).
   */
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
    // The value of a column from an earlier generation may have changed since, without a message.
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
    // A row that the history has from an earlier generation holds from its new snapshot only.
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
 * Returns the unknown columns: a TOAST marker without a stored value, or every column of an
 * undecodable change (law 9).
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

/** Returns the event time; undefined if the source has no column for it. */
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
 * Returns the time from which a snapshot row holds: a declared column, if it is earlier (law 2:
 * `commitTime({ since })`).
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
