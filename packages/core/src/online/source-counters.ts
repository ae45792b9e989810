/**
 * Counts what was not taken of a partition of a source (law 9: missing is missing, and counted).
 * The counts are written in one step with the position.
 */
import { cellKeys } from "../columns/key-bytes.ts";
import type { Cell, CellWrite, Change } from "../spi.ts";
import { decodeJson, encodeJson } from "./json-cell.ts";
import type { RowExpectationSpec, SourceSpec } from "../specs.ts";
import type { EntityLogLayout } from "./source-layout.ts";
import { quarantineOf } from "../rows/quarantine.ts";
import { NotTakenCounts, notTakenIn, type NotTaken } from "../ingest/not-taken.ts";
import { isRetried } from "../rows/retried.ts";
import { violatedExpectations } from "../rows/row-expectations.ts";
import { eventTimeIndex, rowChangesOf } from "../rows/row-change.ts";
import { deriveVersions } from "../rows/row-versions.ts";

export interface Counters {
  /** Messages whose row was quarantined, or whose key could not be read. */
  readonly quarantinedChanges: number;
  /** NaN and ±Infinity, taken as missing. */
  readonly nonFinite: number;
  /** Values that could not be read, taken as missing. */
  readonly invalidValues: number;
  /** What was not taken, by reason. A message may be in several entries. */
  readonly notTaken: readonly NotTaken[];
  /** Messages that a retry took. */
  readonly takenLater: number;
  /** Messages whose row violates an expectation of its source, by the name of the expectation. */
  readonly violations: Readonly<Record<string, number>>;
}

const NOTHING: Counters = {
  quarantinedChanges: 0,
  nonFinite: 0,
  invalidValues: 0,
  notTaken: [],
  takenLater: 0,
  violations: {},
};

export function countersKey(namespace: string, source: string, partition: string): Uint8Array {
  return cellKeys(namespace, `counters:${source}:${partition}`, [])([]);
}

export function readCounters(cell: Cell | null): Counters {
  return cell === null ? NOTHING : { ...NOTHING, ...(decodeJson(cell.value) as Partial<Counters>) };
}

/**
 * The write that removes the first examples of what was not taken. They quote values of rows. Null:
 * there is nothing to remove. The counts stay.
 */
export function withoutExamples(key: Uint8Array, cell: Cell | null): CellWrite | null {
  if (cell === null) return null;
  const counters = readCounters(cell);
  const notTaken = counters.notTaken.map((one): NotTaken => ({
    ...one,
    first: { ...one.first, message: ERASED_EXAMPLE },
  }));
  if (counters.notTaken.every(({ first }) => first.message === ERASED_EXAMPLE)) return null;
  const value = encodeJson({ ...counters, notTaken } satisfies Counters);
  return { key, value, expected: cell.version, expires: null };
}

/** Stands for an example that an erasure removed. */
const ERASED_EXAMPLE = "the example was removed, because an entity of the source was erased";

/** Makes the write that adds the faults in changes of a partition; empty if there are none. */
export type CounterWriter = (
  key: Uint8Array,
  cell: Cell | null,
  changes: readonly Change[],
) => readonly CellWrite[];

/** Makes the counter of a source, whose rows are stored under these entity keys. */
export function counterWriter(
  source: SourceSpec,
  entityKeys: readonly EntityLogLayout[],
): CounterWriter {
  const rowChanges = rowChangesOf(source);
  const found = notTakenIn(source, entityKeys);
  const time = eventTimeIndex(source);
  return (key, cell, changes) => {
    const before = readCounters(cell);
    let { quarantinedChanges, nonFinite, invalidValues, takenLater } = before;
    const counts = new NotTakenCounts(before.notTaken);
    const violations = new Map(Object.entries(before.violations));
    let changed = false;
    for (const change of changes) {
      for (const { name } of violatedIn(change)) {
        changed = true;
        violations.set(name, (violations.get(name) ?? 0) + 1);
      }
      for (const one of found(change)) {
        changed = true;
        counts.add(one);
      }
      nonFinite += change.nonFinite;
      invalidValues += change.invalidColumns.length;
      if (isRetried(change.topic)) takenLater++;
      if (isQuarantined(change)) quarantinedChanges++;
    }
    if (
      !changed &&
      quarantinedChanges === before.quarantinedChanges &&
      takenLater === before.takenLater
    )
      return [];
    const counters: Counters = {
      quarantinedChanges,
      nonFinite,
      invalidValues,
      notTaken: counts.list(),
      takenLater,
      violations: Object.fromEntries(violations),
    };
    return [{ key, value: encodeJson(counters), expected: cell?.version ?? null, expires: null }];
  };

  /** The expectations that the message alone violates. */
  function violatedIn({
    kind,
    values,
    undecodable,
    unavailable,
  }: Change): readonly RowExpectationSpec[] {
    return kind === "upsert" && values !== null && undecodable === null
      ? violatedExpectations(source, values, unavailable)
      : [];
  }

  /**
   * Whether the message alone puts its row in quarantine. TOASTed columns are ignored here, because
   * only the row's stored image can fill them.
   */
  function isQuarantined(change: Change): boolean {
    if (change.kind === "none") return change.undecodable !== null;
    if (change.kind !== "upsert") return false;
    const row = { ...rowChanges(change).at(-1)!.change, unavailable: [] };
    const [version] = deriveVersions(source, [row], []);
    return (
      quarantineOf(source, time, entityKeys, {
        ...version!,
        values: version!.values!,
        unavailable: change.unavailable,
      }) !== null
    );
  }
}
