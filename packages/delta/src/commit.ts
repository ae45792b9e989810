/**
 * Commits optimistically: decides on the newest state, claims the next version, and decides again
 * if another writer claimed it.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { isTidemarkError, TidemarkError } from "@tidemark/core";
import type { Lake } from "./lake.ts";
import type { Action, CommitInfo } from "./log/actions.ts";
import { checkpointOf, writeCheckpoint } from "./log/checkpoint.ts";
import { readEntry } from "./log/log.ts";
import { entryKey } from "./log/names.ts";
import { filesTxns } from "./log/live-files.ts";
import type { TableLog } from "./log/state.ts";

export interface Commit {
  readonly operation: string;
  readonly parameters: Readonly<Record<string, string>>;
  /**
   * Decides whether the commit may go ahead on this state. The state is null while the table does
   * not exist.
   */
  check(log: TableLog | null): Promise<"go" | "conflict"> | "go" | "conflict";
  /** Writes the files, once, after the first check. */
  prepare(): Promise<void>;
  /**
   * Returns the actions of the commit on this state. An empty list means that there is nothing to
   * commit. No await lies between reading the state and this call.
   */
  actions(log: TableLog | null): readonly Action[];
  /** Removes the files that `prepare` wrote. No log entry names them. */
  abandon(): Promise<void>;
}

export async function commitTo(
  lake: Lake,
  table: string,
  commit: Commit,
  signal: AbortSignal | undefined,
): Promise<"done" | "conflict"> {
  const id = randomUUID();
  let prepared = false;
  for (let lostRaces = 0; ;) {
    const log = await lake.latest(table, signal);
    const base = log?.version ?? -1;
    if ((await commit.check(log)) === "conflict") {
      await commit.abandon();
      return "conflict";
    }
    if (!prepared) {
      await commit.prepare();
      prepared = true;
      await lake.failpoint("parquet-written");
      continue;
    }
    if ((log?.version ?? -1) !== base) continue; // the table may have moved on during the check

    const version = base + 1;
    const actions = [...commit.actions(log)];
    if (actions.length === 0) return "done";
    actions.push(...filesTxns(log, actions, lake.clock()).map((txn) => ({ txn })));
    const commitInfo: CommitInfo = {
      timestamp: lake.clock(),
      operation: commit.operation,
      operationParameters: commit.parameters,
      engineInfo: "tidemark",
      "tidemark.commit": id,
      "tidemark.lines": actions.length + 1,
    };
    const entry =
      [{ commitInfo }, ...actions].map((action) => JSON.stringify(action)).join("\n") + "\n";
    await lake.failpoint("before-commit");
    if (await claimVersion(lake, table, version, new TextEncoder().encode(entry), id, signal)) {
      await lake.failpoint("after-commit");
      await afterCommit(lake, table, log, version, actions);
      return "done";
    }
    // The writer that claimed the version made progress. A short wait keeps many writers from
    // trying in step.
    if (++lostRaces > 3)
      await sleep(Math.random() * Math.min(2 ** lostRaces, 64), undefined, { signal });
  }
}

/**
 * Claims a version; true if the entry is this commit's. After an ambiguous failure or a retried
 * create, the stored entry is read and compared.
 */
async function claimVersion(
  lake: Lake,
  table: string,
  version: number,
  entry: Uint8Array,
  id: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const stored = (): Promise<readonly Action[] | null> =>
    readEntry(lake.objects, table, version, undefined);
  const isOurs = (actions: readonly Action[] | null): boolean =>
    actions?.some((action) => action.commitInfo?.["tidemark.commit"] === id) ?? false;
  const ours = async (): Promise<boolean> => isOurs(await stored());
  try {
    if (await lake.objects.createIfAbsent(entryKey(table, version), entry, { signal })) return true;
    const actions = await stored();
    if (actions === null)
      throw new TidemarkError(
        "DELTA_LOG_DAMAGED",
        `${lake.objects.name}: log entry "${entryKey(table, version)}" cannot be made and cannot ` +
          "be read; remove what has its name, such as a directory",
      );
    return isOurs(actions);
  } catch (error) {
    if (await ours().catch(() => false)) return true;
    throw error;
  }
}

/** Finishes a commit that is durable. No failure from here on may report the commit as failed. */
async function afterCommit(
  lake: Lake,
  table: string,
  log: TableLog | null,
  version: number,
  actions: readonly Action[],
): Promise<void> {
  if (log !== null && log.version === version - 1) log.apply(version, actions);
  if (
    version === 0 ||
    version % lake.checkpointEvery !== 0 ||
    log === null ||
    log.version < version
  )
    return;
  try {
    await writeCheckpoint(
      lake.objects,
      table,
      checkpointOf(log, lake.clock() - lake.retentionMillis),
      lake.failpoint,
    );
  } catch (error) {
    // A table without this checkpoint is complete. The next checkpoint holds the same state.
    if (!isTidemarkError(error)) throw error;
  }
}
