/**
 * Finds the positions of a table that another tool restored to an older version. RESTORE brings the
 * rows back and leaves the positions, so they would be ahead of the rows.
 */
import { TidemarkError } from "@tidemark/core";
import type { ObjectStore } from "../objects.ts";
import type { Action, Txn } from "./actions.ts";
import { digestAfter } from "./live-files.ts";
import type { TableLog } from "./state.ts";

/** Reads older states of the same table. */
export interface OlderStates {
  /** The state at a version; null if the log no longer has it. */
  at(version: number): Promise<TableLog | null>;
  /** Every state that the log still has, from the oldest up to a version. */
  upTo(version: number): AsyncIterable<TableLog>;
  /** What was found for a RESTORE, by its version. */
  readonly found: Map<number, ReadonlyMap<string, Txn> | null>;
}

/** True if the entry is a RESTORE of Spark or delta-rs. */
export function isRestore(actions: readonly Action[]): boolean {
  return actions.some(({ commitInfo }) => commitInfo?.operation === "RESTORE");
}

/**
 * Returns the `txn`s that the table had when it last had the files that the RESTORE brings; null if
 * the RESTORE changes no file.
 *
 * @throws DELTA_RESTORED when no version that the log still has had these files.
 */
export async function restoredTxns(
  objects: ObjectStore,
  log: TableLog,
  version: number,
  actions: readonly Action[],
  states: OlderStates,
): Promise<ReadonlyMap<string, Txn> | null> {
  const known = states.found.get(version);
  if (known !== undefined) return known;
  const digest = digestAfter(log, actions);
  let txns: ReadonlyMap<string, Txn> | null = null;
  if (digest !== log.digest.value) {
    const named = versionNamed(actions);
    const target = named === null || named >= version ? null : await states.at(named);
    if (target?.digest.value === digest) txns = target.txns;
    else {
      for await (const state of states.upTo(version - 1))
        if (state.digest.value === digest) txns = new Map(state.txns);
      if (txns === null) throw unknownFiles(objects, log.table, version);
    }
  }
  states.found.set(version, txns);
  return txns;
}

/** The version that the RESTORE names. It may name a time instead. */
function versionNamed(actions: readonly Action[]): number | null {
  for (const { commitInfo } of actions) {
    const named: unknown = commitInfo?.operationParameters?.["version"];
    if (/^\d{1,15}$/.test(String(named))) return Number(named);
  }
  return null;
}

/** The error of a table whose rows go with no known positions. */
export function unknownFiles(objects: ObjectStore, table: string, version: number): TidemarkError {
  return new TidemarkError(
    "DELTA_RESTORED",
    `${objects.name}: another tool restored table "${table}" at version ${version}, and no ` +
      "version that its log still has had these files, so nobody knows up to which position its " +
      "rows go; restore it to a version of its log with all files of that version, or move the " +
      "table's directory aside so that the next run begins it anew",
  );
}
