/** Splits the batches of a log by source. */
import { TidemarkError } from "../errors.ts";
import type { Change, ChangeBatch, Position } from "../spi.ts";
import { logOrderAssigner } from "../rows/log-order.ts";
import { eventTimeIndex } from "../rows/row-change.ts";
import { refuseViolation } from "./stopping-expectations.ts";
import { partitionOf } from "../rows/snapshot-generations.ts";
import type { SourceOrigins } from "../rows/source-origins.ts";
import type { SourceSpec } from "../specs.ts";
import { keyConflicts } from "./key-conflicts.ts";
import { takenRowsCounter } from "./taken-rows.ts";

/** The changes and positions of one source. */
export interface SourceBatch {
  readonly changes: readonly Change[];
  readonly positions: readonly Position[];
}

/** The changes and positions of one batch of the log, by source. */
export interface SourceBatches {
  readonly bySource: ReadonlyMap<string, SourceBatch>;
  /** The number of changes, and their estimated memory in bytes. */
  readonly changes: number;
  readonly bytes: number;
}

export interface SourceBatcher {
  split(batch: ChangeBatch): SourceBatches;
  /** Restarts the reading of these partitions, after these positions. */
  restart(partitions: readonly string[], positions: readonly Position[]): void;
}

/** The checks of changes that all readers of a run share. */
export interface ChangeChecks {
  readonly logOrder: (change: Change) => void;
  readonly origins: SourceOrigins;
  readonly sources: readonly SourceSpec[];
}

/**
 * Creates the batcher of one reader. `partitions` maps a partition to its source, and the batcher
 * adds entries from the changes. `split` throws `PARTITION_OF_TWO_SOURCES` for a partition whose
 * changes are of two sources, `CHANGE_INVALID` for a change with too few or too many values, and
 * `EXPECTATION_FAILED` for a row that its source does not let pass.
 */
export function sourceBatcher(
  after: readonly Position[],
  partitions: Map<string, string>,
  checks: ChangeChecks,
): SourceBatcher {
  const logOrder = logOrderAssigner(after);
  const sources = new Map(checks.sources.map((source) => [source.name, source]));
  const times = new Map(checks.sources.map((source) => [source.name, eventTimeIndex(source)]));
  const conflicts = new Map(checks.sources.map((source) => [source.name, keyConflicts(source)]));
  const taken = takenRowsCounter(after, (source) => times.get(source) ?? -1);
  return {
    restart(partitions, positions) {
      logOrder.restart(partitions, positions);
      taken.restart(partitions, positions);
      for (const one of conflicts.values()) one.restart();
    },
    split(batch) {
      const bySource = new Map<
        string,
        { readonly changes: Change[]; readonly positions: Position[] }
      >();
      const batchOf = (
        source: string,
      ): { readonly changes: Change[]; readonly positions: Position[] } => {
        let batch = bySource.get(source);
        if (batch === undefined) bySource.set(source, (batch = { changes: [], positions: [] }));
        return batch;
      };
      let bytes = 0;
      for (const read of batch.changes) {
        let change = logOrder.withOrder(checks.origins.ofTombstone(read));
        checks.logOrder(change);
        checks.origins.check(change);
        if (checks.origins.declares(change.source)) {
          const partition = partitionOf(change);
          const owner = partitions.get(partition) ?? change.source;
          if (owner !== change.source) throw partitionOfTwoSources(change, owner);
          partitions.set(partition, owner);
          const source = sources.get(change.source)!;
          refuseOtherLength(change, source);
          refuseViolation(change, source);
        }
        const keyConflict = conflicts.get(change.source)?.of(change);
        if (keyConflict !== undefined) change = { ...change, keyConflict };
        taken.add(change);
        batchOf(change.source).changes.push(change);
        bytes += estimatedBytes(change);
      }
      for (const position of batch.positions) {
        const source = partitions.get(position.partition);
        if (source !== undefined)
          batchOf(source).positions.push(
            checks.origins.toStoredPosition(
              taken.toStoredPosition(logOrder.toStoredPosition(position)),
            ),
          );
      }
      return { bySource, changes: batch.changes.length, bytes };
    },
  };
}

/**
 * Refuses a change whose values do not belong to the columns.
 *
 * @throws CHANGE_INVALID when a decoder gave more or fewer values than the source has columns.
 */
function refuseOtherLength(change: Change, { name, columns, primaryKey }: SourceSpec): void {
  const { values, oldKey, topic, partition, offset } = change;
  const [what, given, expected] =
    values !== null && values.length !== columns.length
      ? ["values", values.length, columns.length]
      : ["values of oldKey", oldKey?.length ?? primaryKey.length, primaryKey.length];
  if (given === expected) return;
  throw new TidemarkError(
    "CHANGE_INVALID",
    `source "${name}": ${topic}, partition ${partition}, offset ${offset}: the change has ` +
      `${given} ${what}, and the definition has ${expected} columns for them. Nothing of this ` +
      "batch was applied. Let the decoder give a value or null for each column of the source, in " +
      "order, as rowChange does",
  );
}

function partitionOfTwoSources(
  { source, topic, partition, offset }: Change,
  owner: string,
): TidemarkError {
  return new TidemarkError(
    "PARTITION_OF_TWO_SOURCES",
    `source "${source}": ${topic}, partition ${partition}, offset ${offset} is in a partition ` +
      `that holds rows of source "${owner}", and the position of a partition is kept for one ` +
      "source; nothing of this batch was applied. Let each table have its own topic, without a " +
      "transform that routes several into one, or declare one of these sources only",
  );
}

/** The estimated memory of a change, bytes. */
export function estimatedBytes(change: Change): number {
  const { original, logged } = change;
  let size = 200 + (logged?.row?.length ?? 0) + (logged?.key?.length ?? 0);
  size += (original?.key?.length ?? 0) + (original?.value?.length ?? 0);
  for (const value of change.values ?? [])
    size += typeof value === "string" || value instanceof Uint8Array ? value.length + 16 : 16;
  return size;
}
