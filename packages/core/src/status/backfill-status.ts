/** Says which features of a source need a backfill, and how far a backfill of it is. */
import { NOTE_EXPIRES, readBackfillNote } from "../online/backfill-note.ts";
import { readsSource } from "../plan/columns-read.ts";
import { missingOfSource } from "../online/missing-for-feature.ts";
import { readSourceBuilds } from "../online/source-builds.ts";
import type { SourceState } from "../online/source-state.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type { OnlineStore } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";

/** A backfill that began and is not done. */
export interface BackfillStatus {
  /** What the stored rows lack. null: the rows up to the end of the history. */
  readonly reason: string | null;
  /** Changes that were written since `since`; null: it is not known. */
  readonly changes: number | null;
  /** Changes to write since `since`; null: it is not known. */
  readonly of: number | null;
  /** "history": the backfill waits for a history that is behind the online store. */
  readonly waitingFor: "history" | null;
  /** When it began, or was begun again. null: it is not known. */
  readonly since: string | null;
  /** When somebody worked on it last. null: it is not known. */
  readonly workedAt: string | null;
  /** Whether somebody works on it. Otherwise `tidemark backfill` goes on with it. */
  readonly isWorking: boolean;
}

/** The features that read the source and need a backfill of it, as `view.feature`. */
export function featuresToBackfill(
  state: SourceState,
  source: SourceSpec,
  views: readonly ViewSpec[],
): readonly string[] {
  const features = views.flatMap((view) =>
    view.features
      .filter((feature) =>
        state.backfilling === undefined
          ? missingOfSource(state, source, view, feature) !== null
          : readsSource(view, feature, source),
      )
      .map((feature) => `${view.name}.${feature.name}`),
  );
  // a union reads a source twice if two of its parts do
  return [...new Set(features)];
}

/** Reads how far a backfill of the source is. null: none is in progress. */
export async function backfillStatus(
  { name }: SourceSpec,
  state: SourceState,
  settings: {
    readonly online: OnlineStore;
    readonly namespace: string;
    readonly clock: () => number;
  },
): Promise<BackfillStatus | null> {
  const { online, namespace, clock } = settings;
  const note = await readBackfillNote(online, namespace, name);
  const { inProgress } = await readSourceBuilds(online, name);
  if (inProgress === null && state.backfilling === undefined && note === null) return null;
  return {
    reason: note?.reason ?? null,
    changes: note?.changes ?? null,
    of: note?.of ?? null,
    waitingFor: note?.waitingFor ?? null,
    since: note === null ? null : formatTime(note.since),
    workedAt: note === null ? null : formatTime(note.at),
    isWorking: note !== null && clock() - note.at < NOTE_EXPIRES,
  };
}
