/**
 * Derives the versions of a row from the changes of the row.
 * History, online dimensions and the log tail all use this one function.
 */
import { compareValues } from "../columns/compare.ts";
import type { SourceSpec, Value } from "../specs.ts";
import type { Change } from "../spi.ts";
import {
  generationOf,
  orderInGeneration,
  type GenerationState,
  type SnapshotSpan,
} from "./snapshot-generations.ts";
import { withoutRetried } from "./retried.ts";
import { compareChanges, placeOf, type RowChange } from "./row-change.ts";

/** The row between two commits: known from < t ≤ known to (law 6: history does not forget). */
export interface RowVersion {
  /** Known from, µs. −Infinity: the row was deleted before it was ever seen. */
  readonly from: number;
  /** Known to, µs. Infinity: the version is the current one. */
  readonly to: number;
  /** Values by the index of the source's columns. null: the row was deleted. */
  readonly values: readonly Value[] | null;
  /**
   * Columns that the log left out and no earlier version holds. They quarantine the row (law 9:
   * `TOAST_UNRESOLVED`).
   */
  readonly unresolved: readonly number[];
  readonly undecodable: string | null;
  readonly invalidColumns: readonly string[];
  /** Log order of the last change that left the row so. */
  readonly order: bigint;
  readonly offset: number;
  readonly committed: number;
}

/**
 * Orders the versions of one row. Known from never falls. The log order separates versions that
 * were known for no time.
 */
export function compareVersions(a: RowVersion, b: RowVersion): number {
  return a.from - b.from || a.to - b.to || compareChanges(a, b);
}

/** A truncate empties the table for every change before it. */
export interface Truncate {
  readonly order: bigint;
  readonly offset: number;
  readonly committed: number;
  /**
   * Set on the end of a generation's snapshot: the log order of that end.
   * Such an end deletes only the rows that have not changed since `order`, where the snapshot
   * began.
   */
  readonly end?: bigint | undefined;
}

/** The truncate in a change; null if the change is no truncate. */
export function truncateOf(change: Change): Truncate | null {
  return change.kind === "truncate"
    ? { ...placeOf(change), committed: change.committed ?? 0 }
    : null;
}

/** The end of a generation's snapshot, which deletes the rows that the snapshot did not bring. */
export function snapshotEnd(generation: number, { start, end, committed }: SnapshotSpan): Truncate {
  return {
    order: orderInGeneration(generation, start),
    offset: 1,
    committed,
    end: orderInGeneration(generation, end),
  };
}

/** The ends of the complete snapshots of these generations. */
export function snapshotEnds({ snapshots }: Pick<GenerationState, "snapshots">): Truncate[] {
  return snapshots.flatMap((snapshot, i) =>
    snapshot === null ? [] : [snapshotEnd(i + 1, snapshot)],
  );
}

export function sameTruncate(a: Truncate, b: Truncate): boolean {
  return a.order === b.order && a.offset === b.offset && a.end === b.end;
}

/**
 * Derives the versions of one row, oldest first.
 * An upsert equal to the open version makes no version (law 6: history does not forget).
 * `changes` come in any order and any number of times (law 5: replay is free).
 * `before` are versions that were derived from earlier changes.
 */
export function deriveVersions(
  source: SourceSpec,
  changes: readonly RowChange[],
  truncates: readonly Truncate[],
  before: readonly RowVersion[] = [],
): RowVersion[] {
  const versions = [...before];
  if (changes.length === 1 && truncates.length === 0 && before.length === 0) {
    // most rows never change
    appendVersion(source, versions, changes[0]!);
    return versions;
  }
  const first =
    before.at(-1) ??
    changes.reduce<RowChange | null>(
      (least, change) => (least === null || compareChanges(change, least) < 0 ? change : least),
      null,
    );
  if (first === null) return versions;
  const deletes = truncates.map(asDelete).filter((truncate) => compareChanges(truncate, first) > 0);
  const read = withoutRetried(changes) as readonly RowStep[];
  for (const change of [...read, ...deletes].sort(compareChanges)) {
    if (
      change.unlessChangedSince === undefined ||
      versions.length === 0 ||
      versions.at(-1)!.order < change.unlessChangedSince
    )
      appendVersion(source, versions, change);
  }
  return versions;
}

/** `unlessChangedSince`: the step applies only if the row has no change of that order or later. */
type RowStep = RowChange & { readonly unlessChangedSince?: bigint | undefined };

/**
 * A truncate as a delete of one row. The end of a snapshot comes after all of its rows, which share
 * an order.
 */
export function asDelete({ order, offset, committed, end }: Truncate): RowStep {
  const at =
    end === undefined
      ? { order, offset }
      : { order: end, offset: Number.MAX_SAFE_INTEGER, unlessChangedSince: order };
  return {
    ...at,
    committed,
    orderInherited: false,
    loggedCommitTime: committed,
    values: null,
    unavailable: [],
    undeclaredUnavailable: [],
    undecodable: null,
    invalidColumns: [],
  };
}

function appendVersion(source: SourceSpec, versions: RowVersion[], change: RowChange): void {
  const open = versions.at(-1);
  const next = imageAfter(open, change);
  const { order, offset } = change;
  // The seen history of a row does not change. A snapshot row holds from an earlier time only if
  // the row is new.
  const committed =
    open !== undefined &&
    change.loggedCommitTime > change.committed &&
    generationOf(open.order) < generationOf(order)
      ? change.loggedCommitTime
      : change.committed;
  if (open !== undefined && sameImage(source, open, next)) {
    // The change that made the version, delivered again, makes it no newer (law 5: replay is free).
    if (open.order === order && open.committed === committed) return;
    versions[versions.length - 1] = { ...open, order, offset, committed };
    return;
  }
  // A delete of an unknown row ends no version, so it raises no time.
  const from =
    open === undefined
      ? next.values === null
        ? -Infinity
        : committed
      : Math.max(committed, open.from);
  if (open !== undefined) versions[versions.length - 1] = { ...open, to: from };
  const { values, unresolved, undecodable, invalidColumns } = next;
  versions.push({
    from,
    to: Infinity,
    values,
    unresolved,
    undecodable,
    invalidColumns,
    order,
    offset,
    committed,
  });
}

const NONE: readonly never[] = [];

type Image = Pick<RowVersion, "values" | "unresolved" | "undecodable" | "invalidColumns">;

/** The row after the change. Columns that the log left out keep their value. */
function imageAfter(open: RowVersion | undefined, change: RowChange): Image {
  const { values, unavailable, undecodable, invalidColumns } = change;
  if (values === null || undecodable !== null || unavailable.length === 0)
    return { values, undecodable, invalidColumns, unresolved: NONE };
  // A value of an earlier generation may have changed since, in changes that were lost.
  const stored =
    open !== undefined &&
    open.values !== null &&
    open.undecodable === null &&
    generationOf(open.order) === generationOf(change.order)
      ? open
      : null;
  const merged = values.slice();
  const unresolved: number[] = [];
  for (const index of unavailable) {
    if (stored === null || stored.unresolved.includes(index)) {
      unresolved.push(index);
      continue;
    }
    merged[index] = stored.values![index]!;
  }
  return { values: merged, undecodable, invalidColumns, unresolved };
}

function sameImage(source: SourceSpec, a: Image, b: Image): boolean {
  if (a.values === null || b.values === null) return a.values === b.values;
  if (a.undecodable !== b.undecodable || a.unresolved.join() !== b.unresolved.join()) return false;
  return a.values.every((value, i) => {
    const other = b.values![i]!;
    return value === other
      ? value !== 0 || Object.is(value, other)
      : typeof value === "object" && compareValues(source.columns[i]!.type, value, other) === 0;
  });
}
