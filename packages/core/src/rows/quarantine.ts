/** Decides which rows are quarantined, and why (law 9: such a row is in no window). */
import type { SourceSpec, Value } from "../specs.ts";
import { EXPECTATION_REASON, quarantiningExpectation } from "./row-expectations.ts";

/**
 * Why a row is in no window of some view: the first reason that applies (law 9: missing is
 * missing).
 */
export interface Quarantine {
  /** The column at fault; null: the whole content. */
  readonly column: string | null;
  readonly reason: string;
}

/** A quarantine as the versions table says it: `column: reason`. null: there is none. */
export function quarantineText(quarantine: Quarantine | null): string | null {
  if (quarantine === null) return null;
  return [quarantine.column, quarantine.reason].filter((part) => part !== null).join(": ");
}

/**
 * Why windows exclude a row, or null if they do not.
 * The reasons are undecodable content, an expectation that the row violates, an unresolved TOAST
 * column, no event time, or no entity key.
 */
export function quarantineOf(
  source: SourceSpec,
  time: number,
  entityLogs: readonly { readonly keyIndexes: readonly number[] }[],
  row: {
    readonly values: readonly Value[];
    readonly undecodable: string | null;
    readonly unresolved: readonly number[];
    readonly invalidColumns: readonly string[];
    /** The columns that a message leaves out. No expectation that reads one is judged. */
    readonly unavailable?: readonly number[] | undefined;
  },
): Quarantine | null {
  if (row.undecodable !== null) return { column: null, reason: row.undecodable };
  // Before TOAST: a reader that does not declare the unresolved column lets such a row count.
  const unmet = quarantiningExpectation(source, row.values, row.unavailable ?? row.unresolved);
  if (unmet !== null) return { column: null, reason: `${EXPECTATION_REASON}${unmet}` };
  if (row.unresolved.length > 0)
    return { column: source.columns[row.unresolved[0]!]!.name, reason: "TOAST_UNRESOLVED" };
  for (const index of [
    ...(time < 0 ? [] : [time]),
    ...entityLogs.flatMap((entityLog) => entityLog.keyIndexes),
  ]) {
    if (row.values[index] !== null) continue;
    const { name } = source.columns[index]!;
    const unreadable = row.invalidColumns.find((one) => one.startsWith(`${name}:`));
    return {
      column: name,
      reason: unreadable === undefined ? "NULL_KEY_OR_TIME" : unreadable.slice(name.length + 1),
    };
  }
  return null;
}
