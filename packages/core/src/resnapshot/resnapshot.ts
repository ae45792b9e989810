/**
 * Begins a new snapshot generation of a source from a new snapshot. A source needs this when its
 * log lost changes or its database was restored.
 */
import { TidemarkError } from "../errors.ts";
import type { SourceSpec } from "../specs.ts";
import type { ChangeSource } from "../spi.ts";
import { runChanges, type RunResult, type RunSettings } from "../ingest/runner.ts";
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
  const stores = { ...options, signal: settings.signal };
  const at = await storedGenerations(source, stores);
  const generation = at.unfinished ? at.generation : at.generation + 1;
  if (!at.unfinished) await beginGeneration(source, stores, generation);
  let changes = 0;
  for (;;) {
    const run = await generationRun(from, [source], options, settings.signal);
    const read = await runChanges(run.changes, [source], run.stores, settings);
    changes += read.changes;
    await run.complete(() =>
      ending === "source"
        ? run.changes.wholeLogSnapshot(source.name, options.clock())
        : run.changes.snapshotBeforeRun(source.name),
    );
    if (!(await storedGenerations(source, stores)).unfinished) return { changes, generation };
    // The run met the last row on the way. Partitions that ended before that row are read again, up
    // to their present end.
    if (run.changes.completedSnapshot(source.name) === null) throw snapshotIncomplete(source, from);
  }
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
