/**
 * Carries erasures over a restore. A backup from before an erasure holds the rows of the erased
 * entity. The restored stores learn of it, and the next run erases the rows again.
 */
import { historyTables } from "../offline/history-tables.ts";
import { knowsErasures } from "../rows/erased-entities.ts";
import type { SourceSpec } from "../specs.ts";
import type { Metadata, OfflineStore, OnlineStore } from "../spi.ts";
import { learnErasedInHistory, learnErasedOnline } from "./learn-erased.ts";

interface Stores {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly namespace: string;
}

/** What the stores know of erased entities before a restore, by source. */
export type KnownErasures = ReadonlyMap<string, readonly Metadata[]>;

/** Reads what the stores know. A store that cannot be read knows nothing. */
export async function knownErasures(
  sources: readonly SourceSpec[],
  { online, offline, namespace }: Stores,
  hasOnline: boolean,
): Promise<KnownErasures> {
  const known = new Map<string, Metadata[]>();
  const add = async (source: SourceSpec, read: Promise<Metadata | undefined>): Promise<void> => {
    const metadata = await read.catch(() => undefined);
    if (metadata === undefined || !knowsErasures(metadata)) return;
    known.set(source.name, [...(known.get(source.name) ?? []), metadata]);
  };
  if (offline !== undefined)
    for (const source of sources) await add(source, historyMetadata(offline, source));
  if (online !== undefined && hasOnline) {
    try {
      await online.open({ namespace });
      for (const source of sources) await add(source, online.metadata(source.name));
    } catch {
      // a damaged file is what the restore replaces
    } finally {
      await online.close();
    }
  }
  return known;
}

/** Writes into the restored stores what the former ones knew. */
export async function carryErasures(
  sources: readonly SourceSpec[],
  { online, offline, namespace }: Stores,
  known: KnownErasures,
): Promise<void> {
  const others = sources.flatMap((source) =>
    (known.get(source.name) ?? []).map((metadata) => ({ source, metadata })),
  );
  if (offline !== undefined)
    for (const { source, metadata } of others)
      await learnErasedInHistory(offline, historyTables(source), metadata);
  if (online === undefined || others.length === 0) return;
  await online.open({ namespace });
  try {
    for (const { source, metadata } of others)
      await learnErasedOnline(online, source.name, metadata);
  } finally {
    await online.close();
  }
}

async function historyMetadata(
  offline: OfflineStore,
  source: SourceSpec,
): Promise<Metadata | undefined> {
  return (await offline.state(historyTables(source).changes.name))?.metadata;
}
