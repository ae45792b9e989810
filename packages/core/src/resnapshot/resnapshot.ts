/**
 * Begins a new snapshot generation of a source from a new snapshot. A source needs this when its
 * log lost changes or its database was restored.
 */
import { TidemarkError } from "../errors.ts";
import type { SourceSpec } from "../specs.ts";
import type { ChangeSource } from "../spi.ts";
import { NotTakenCounts } from "../ingest/not-taken.ts";
import { runChanges, type RunResult, type RunSettings } from "../ingest/runner.ts";
import { historyTables } from "../offline/history-tables.ts";
import { checkReachablePair, forgetHistory } from "../pairing/store-pair.ts";
import { generationRun } from "./generation-run.ts";
import { beginGeneration, storedGenerations } from "./generation-stores.ts";
import type { WriterOptions } from "./store-writers.ts";

/**
 * Where the new snapshot ends. "marked": at the row that is marked as the last of its table
 * (Debezium's `source.snapshot`). "source": where the change source ends. The change source must
 * then hold nothing from before the snapshot.
 */
export type SnapshotEnding = "marked" | "source";

/** What a resnapshot read. */
export interface ResnapshotResult extends RunResult {
  /** How often the source was begun anew, this time included. */
  readonly generation: number;
}

export async function resnapshotSource(
  source: SourceSpec,
  from: ChangeSource,
  ending: SnapshotEnding,
  options: WriterOptions,
  settings: RunSettings,
): Promise<ResnapshotResult> {
  if (source.keyFrom !== undefined)
    throw new TidemarkError(
      "RESNAPSHOT_WITH_KEY_FROM",
      `resnapshot of source "${source.name}": it holds rows of several origins (keyFrom), and ` +
        "the end of one origin's snapshot does not tell which rows of the others are gone. Begin " +
        "again with empty stores and the whole topics of all origins",
    );
  const stores = { ...options, signal: settings.signal };
  await forgetMissingHistory(source, options);
  const at = await storedGenerations(source, stores);
  const generation = at.unfinished ? at.generation : at.generation + 1;
  if (!at.unfinished) await beginGeneration(source, stores, generation);
  let [changes, messages] = [0, 0];
  const notTaken = new NotTakenCounts();
  for (;;) {
    const run = await generationRun(from, [source], options, settings.signal);
    const read = await runChanges(run.changes, [source], run.stores, settings);
    changes += read.changes;
    messages += read.messages;
    for (const one of read.notTaken) notTaken.add(one);
    await run.complete(() =>
      ending === "source"
        ? run.changes.wholeLogSnapshot(source.name, options.clock())
        : run.changes.snapshotBeforeRun(source.name),
    );
    if (!(await storedGenerations(source, stores)).unfinished)
      return { changes, messages, notTaken: notTaken.list(), generation };
    // The run met the last row on the way. Partitions that ended before that row are read again, up
    // to their present end.
    if (run.changes.completedSnapshot(source.name) === null) throw snapshotIncomplete(source, from);
  }
}

/** Forgets a history that is gone, so that a new one may begin. */
export async function forgetMissingHistory(
  source: SourceSpec,
  { online, offline }: Pick<WriterOptions, "online" | "offline">,
): Promise<void> {
  if (online === undefined || offline === undefined) return;
  const table = historyTables(source).changes.name;
  const problem = await checkReachablePair({ source, table, online, offline });
  if (problem?.code === "HISTORY_MISSING") await forgetHistory(online, source.name);
}

function snapshotIncomplete(source: SourceSpec, from: ChangeSource): TidemarkError {
  return new TidemarkError(
    "SNAPSHOT_INCOMPLETE",
    `resnapshot of source "${source.name}": ${from.name} ended before the last row of a ` +
      "snapshot. The rows that came are stored; rows that did not come stay until the snapshot " +
      `is complete. Run tidemark resnapshot ${source.name}, or call store.resnapshot, again when ` +
      "the connector has gone on to the log. If no row is marked as the last (an empty table, " +
      "an incremental snapshot, unwrapped messages without __source_snapshot), give a change " +
      'source that begins with the snapshot, and --ending source or { ending: "source" }',
  );
}
