/**
 * Every version of a row, from the changes of the row: one function, for history, for dimensions
 * online and for what is read between compactions.
 */
import { compareValues } from "../columns/compare.ts";
import type { SourceSpec, Value } from "../specs.ts";
import type { Change } from "../spi.ts";
import { generationOf, orderInGeneration } from "./snapshot-generations.ts";
import { compareChanges, orderOf, type RowChange } from "./row-change.ts";

/** The row as it stood while known from < t ≤ known to (law 6). */
export interface RowVersion {
  /** −Infinity: the row was deleted before it was ever seen. */
  readonly from: number;
  /** Infinity: it stands. */
  readonly to: number;
  /** null: the row was gone. */
  readonly values: readonly Value[] | null;
  /** Columns the log left out and no earlier version holds: the row is quarantined (law 9). */
  readonly unresolved: readonly number[];
  readonly undecodable: string | null;
  readonly invalidColumns: readonly string[];
  /** Of the last change that left the row so. */
  readonly order: bigint;
  readonly offset: number;
  readonly committed: number;
}

/** A truncate empties the table for every change before it. */
export interface Truncate {
  readonly order: bigint;
  readonly offset: number;
  readonly committed: number;
  /**
   * The end of an epoch's snapshot, whose first row lies at `place`: it empties only what stands
   * there as it did before `place`.
   */
  readonly end?: bigint | undefined;
}

/** The truncate in a change; null: it is none. */
export function truncateOf(change: Change): Truncate | null {
  const { kind, offset, generation = 0, inheritedOrder } = change;
  if (kind !== "truncate" && kind !== "snapshot-end") return null;
  const truncate = { order: orderOf(change), offset, committed: change.committed ?? 0 };
  return kind === "truncate"
    ? truncate
    : { ...truncate, end: orderInGeneration(generation, inheritedOrder!) };
}

/**
 * The versions of one row, oldest first, none of them empty of meaning: an upsert equal to the open
 * version makes none (law 6). `changes` come in any order and any number of times (law 5). `before`
 * are versions already derived from earlier places.
 */
export function deriveVersions(
  source: SourceSpec,
  changes: readonly RowChange[],
  truncates: readonly Truncate[],
  before: readonly RowVersion[] = [],
): RowVersion[] {
  const versions = [...before];
  const first =
    before.at(-1) ??
    changes.reduce<RowChange | null>(
      (least, change) => (least === null || compareChanges(change, least) < 0 ? change : least),
      null,
    );
  if (first === null) return versions;
  const deletes = truncates.map(asDelete).filter((truncate) => compareChanges(truncate, first) > 0);
  for (const change of [...(changes as readonly RowStep[]), ...deletes].sort(compareChanges)) {
    if (
      change.unlessChangedSince === undefined ||
      versions.length === 0 ||
      versions.at(-1)!.order < change.unlessChangedSince
    )
      appendVersion(source, versions, change);
  }
  return versions;
}

/** `unless`: only where the row was told nothing of from this place on. */
type RowStep = RowChange & { readonly unlessChangedSince?: bigint | undefined };

/** The end of a snapshot comes after all of its rows, which share a place. */
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
    undecodable: null,
    invalidColumns: [],
  };
}

function appendVersion(source: SourceSpec, versions: RowVersion[], change: RowChange): void {
  const open = versions.at(-1);
  const next = imageAfter(open, change);
  const { order, offset } = change;
  // what history has seen of a row stays as it was: a snapshot's row holds from an earlier time
  // only where it is new
  const committed =
    open !== undefined &&
    change.loggedCommitTime > change.committed &&
    generationOf(open.order) < generationOf(order)
      ? change.loggedCommitTime
      : change.committed;
  if (open !== undefined && sameImage(source, open, next)) {
    // law 5: the change that made the version, delivered again, makes it no newer
    if (open.order === order && open.committed === committed) return;
    versions[versions.length - 1] = { ...open, order, offset, committed };
    return;
  }
  // a delete of a row that was not there ends nothing, so it raises nothing
  const from =
    open === undefined
      ? next.values === null
        ? -Infinity
        : committed
      : Math.max(committed, open.from);
  if (open !== undefined) versions[versions.length - 1] = { ...open, to: from };
  versions.push({ ...next, from, to: Infinity, order, offset, committed });
}

type Image = Pick<RowVersion, "values" | "unresolved" | "undecodable" | "invalidColumns">;

/** The row after the change: columns the log left out keep the value they had. */
function imageAfter(open: RowVersion | undefined, change: RowChange): Image {
  const { values, unavailable, undecodable, invalidColumns } = change;
  if (values === null || undecodable !== null || unavailable.length === 0)
    return { values, undecodable, invalidColumns, unresolved: [] };
  // what an earlier epoch told of a column may have changed since, unheard
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
