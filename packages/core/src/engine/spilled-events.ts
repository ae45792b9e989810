/**
 * Events on disk, in parts. A part that is larger than memory allows is divided: by entity, or by
 * the times that the entity rows of one entity reach.
 */
import { bytesOfBatch, writableBatch } from "./batch-bytes.ts";
import { pickedBatch, rowsOfEntities, type EventBatch } from "./event-batch.ts";
import type { SpilledBatches, SpillFile } from "./spill-file.ts";

/** The rows of a batch that a part takes. null: none. */
export type PartOfBatch = (batch: EventBatch) => EventBatch | null;

/** A part of the events: where its rows lie. */
export interface SpilledPart {
  readonly places: readonly SpilledBatches[];
  /** The bytes of its rows in memory, about. */
  readonly bytes: number;
}

/** Writes batches to parts. A row may be in several parts. */
export class PartWriter {
  private readonly file: SpillFile;
  private readonly takes: readonly PartOfBatch[];
  private readonly parts: { readonly places: SpilledBatches[]; bytes: number }[];

  constructor(file: SpillFile, takes: readonly PartOfBatch[]) {
    this.file = file;
    this.takes = takes;
    this.parts = takes.map(() => ({ places: [], bytes: 0 }));
  }

  async write(batches: readonly EventBatch[]): Promise<void> {
    for (const [p, take] of this.takes.entries()) {
      const own = batches.flatMap((batch) => take(batch) ?? []).map(writableBatch);
      if (own.length === 0) continue;
      const part = this.parts[p]!;
      part.places.push(await this.file.write(own));
      part.bytes += own.reduce((sum, batch) => sum + bytesOfBatch(batch), 0);
    }
  }

  finish(): readonly SpilledPart[] {
    return this.parts;
  }
}

/** Writes the rows of a part to smaller parts. */
export async function dividePart(
  file: SpillFile,
  { places }: SpilledPart,
  takes: readonly PartOfBatch[],
): Promise<readonly SpilledPart[]> {
  const writer = new PartWriter(file, takes);
  for (const place of places) await writer.write(await file.read(place));
  return writer.finish();
}

/** Reads the rows of a part into memory. */
export async function readPart(
  file: SpillFile,
  { places }: SpilledPart,
): Promise<readonly EventBatch[]> {
  const batches: EventBatch[] = [];
  for (const place of places) batches.push(...(await file.read(place)));
  return batches;
}

/** Takes the rows of the entities [first, end). */
export function entitiesFrom(first: number, end: number): PartOfBatch {
  return (batch) => rowsOfEntities(batch, first, end);
}

/** Takes the rows whose event time is in [from, to). */
export function timesFrom(from: number, to: number): PartOfBatch {
  return (batch) => {
    const rows = new Int32Array(batch.length);
    let count = 0;
    for (let i = 0; i < batch.length; i++)
      if (batch.time[i]! >= from && batch.time[i]! < to) rows[count++] = i;
    return count === 0 ? null : pickedBatch(batch, rows.subarray(0, count));
  };
}
