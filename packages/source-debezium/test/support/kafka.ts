/** Helpers for runs of a change source. */
import type { ChangeSource, Change, ChangeBatch, Position, SourceSpec } from "@tidemark/core/spi";

/** Reads all batches of a run that ends by itself. */
export async function batches(
  source: ChangeSource,
  sources: readonly SourceSpec[],
  after: readonly Position[] = [],
  signal?: AbortSignal,
): Promise<ChangeBatch[]> {
  const found: ChangeBatch[] = [];
  for await (const batch of source.changes({ sources, after, signal })) found.push(batch);
  return found;
}

export const changesOf = (found: readonly ChangeBatch[]): Change[] =>
  found.flatMap(({ changes }) => [...changes]);

/** Gives the positions after these batches. */
export function positionsOf(
  found: readonly ChangeBatch[],
  before: readonly Position[] = [],
): Position[] {
  return [
    ...new Map(
      [...before, ...found.flatMap(({ positions }) => [...positions])].map((position) => [
        position.partition,
        position,
      ]),
    ).values(),
  ];
}
