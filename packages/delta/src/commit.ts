/**
 * The optimistic commit: decide on the newest state, claim the next version, decide again when
 * another was first.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { isTidemarkError } from "@tidemark/core";
import type { Lake } from "./lake.ts";
import type { Action, CommitInfo } from "./log/actions.ts";
import { checkpointOf, writeCheckpoint } from "./log/checkpoint.ts";
import { readEntry } from "./log/log.ts";
import { entryKey } from "./log/names.ts";
import type { TableLog } from "./log/state.ts";

export interface Commit {
  readonly operation: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Whether the commit may go ahead on this state (null: no table yet). */
  check(log: TableLog | null): Promise<"go" | "conflict"> | "go" | "conflict";
  /** Writes the files, once, after the first check. */
  prepare(): Promise<void>;
  /**
   * The actions on this state; none: there is nothing to commit. Called without an await since the
   * state was read.
   */
  actions(log: TableLog | null): readonly Action[];
  /** Removes what `prepare` wrote: no entry names it, and none will. */
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
  for (let lost = 0; ;) {
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
    if ((log?.version ?? -1) !== base) continue; // the check took a while, and the table moved on

    const version = base + 1;
    const actions = commit.actions(log);
    if (actions.length === 0) return "done";
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
    if (await claim(lake, table, version, new TextEncoder().encode(entry), id, signal)) {
      await lake.failpoint("after-commit");
      await settled(lake, table, log, version, actions);
      return "done";
    }
    // Whoever was first has made progress; a moment's wait keeps many writers from trying in step.
    if (++lost > 3) await sleep(Math.random() * Math.min(2 ** lost, 64), undefined, { signal });
  }
}

/**
 * True: the entry is ours. A store that fails ambiguously, or retries a create that had worked, is
 * asked what is there.
 */
async function claim(
  lake: Lake,
  table: string,
  version: number,
  entry: Uint8Array,
  id: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const ours = async (): Promise<boolean> =>
    (await readEntry(lake.objects, table, version, undefined))?.some(
      (action) => action.commitInfo?.["tidemark.commit"] === id,
    ) ?? false;
  try {
    return (
      (await lake.objects.createIfAbsent(entryKey(table, version), entry, { signal })) ||
      (await ours())
    );
  } catch (error) {
    if (await ours().catch(() => false)) return true;
    throw error;
  }
}

/** The commit stands: nothing that fails from here on may say otherwise. */
async function settled(
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
      checkpointOf(log, lake.clock() - lake.retain),
      lake.failpoint,
    );
  } catch (error) {
    // A table without this checkpoint is whole; the next one will tell the same.
    if (!isTidemarkError(error)) throw error;
  }
}
