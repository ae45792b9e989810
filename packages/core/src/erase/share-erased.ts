/**
 * Tells each store which entities the other has erased. A store that was begun anew then refuses
 * their changes too. A store that was restored from a backup holds their rows, which are erased.
 */
import { historyContext } from "../offline/history-context.ts";
import { lookedUpKeys } from "../define/looked-up-keys.ts";
import { viewsOver } from "../define/source-readings.ts";
import { eraseSegmentRows, segmentKeyTexts } from "../materialize/erase-segments.ts";
import { featuresTable } from "../materialize/features-table.ts";
import { onlineStates } from "../online/online-states.ts";
import type { Retention } from "../online/retention.ts";
import { withinTimeout } from "../pairing/within-timeout.ts";
import { learnedErasures, type LearnedErasures } from "../rows/erased-entities.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type { Metadata, OfflineStore, OnlineStore } from "../spi.ts";
import {
  belongingInBuild,
  belongingTo,
  entitiesErasedUntil,
  keyColumnsOf,
  type ErasedEntities,
} from "./entity-columns.ts";
import { eraseFeatures } from "./erase-features.ts";
import { eraseHistory } from "./erase-history.ts";
import { eraseExamples, eraseOnlineBuild } from "./erase-online.ts";
import { learnErasedInHistory, learnErasedOnline } from "./learn-erased.ts";

export interface ShareErasedSettings {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly namespace: string;
  readonly views: readonly ViewSpec[];
  readonly clock: () => number;
  readonly retention: Retention;
}

/**
 * Shares the erasures of these sources between the stores. `isRun`: a run starts also while the
 * history does not answer. False: the history did not answer for some source.
 */
export async function shareErased(
  sources: readonly SourceSpec[],
  settings: ShareErasedSettings,
  {
    isRun = false,
    signal,
  }: { readonly isRun?: boolean; readonly signal?: AbortSignal | undefined },
): Promise<boolean> {
  const { online, offline } = settings;
  if (online === undefined || offline === undefined) return true;
  let isComplete = true;
  const logOf = async (source: SourceSpec) => {
    const { changes } = historyContext(offline, source).tables;
    const log = offline.state(changes.name, { signal }).then((state) => ({ state }));
    return isRun ? withinTimeout(log) : log;
  };
  const logs = await Promise.all(sources.map(logOf));
  for (const [i, source] of sources.entries()) {
    const log = logs[i]!;
    if (log === null) {
      isComplete = false;
      continue;
    }
    if (log.state === null) continue;
    const metadata = await online.metadata(source.name);
    await learnOnline(online, source, log.state.metadata, settings, signal);
    await learnInHistory(offline, source, metadata, settings, signal);
  }
  return isComplete;
}

/** The entities of which a store learned, as views over the source name them. */
function learnedEntities(
  source: SourceSpec,
  learned: LearnedErasures,
  views: readonly ViewSpec[],
): readonly ErasedEntities[] {
  const keys = [...viewsOver(source, views), ...lookedUpKeys(source, views)];
  const entities = new Map(keys.map(({ entity }) => [entity.name, entity]));
  return [...entities.values()]
    .filter(({ name }) => learned.entities.has(name))
    .map((entity) => entitiesErasedUntil(entity, (text) => learned.until(entity.name, text)));
}

async function learnOnline(
  online: OnlineStore,
  source: SourceSpec,
  history: Metadata,
  settings: ShareErasedSettings,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { namespace, views, clock, retention } = settings;
  await learnErasedOnline(online, source.name, history);
  const learned = learnedErasures(await online.metadata(source.name));
  if (learned === null) return;
  const states = await onlineStates(online, namespace, source);
  let isDone = true;
  for (const erased of learnedEntities(source, learned, views)) {
    const names = keyColumnsOf(erased.entity, source, views);
    for (const state of states) {
      const belonging = belongingInBuild(state.layout, names, erased, source);
      // a backfill stores the rows anew, from the history
      if (belonging.unknown.length > 0) isDone = false;
      const options = { store: online, namespace, clock, retention, dryRun: false, signal };
      await eraseOnlineBuild(state, erased, belonging, options);
    }
    for (const view of viewsOver(source, views)) {
      if (view.entity.name !== erased.entity.name) continue;
      const isWanted = (text: string): boolean => erased.isErased(text, -Infinity);
      const texts = await segmentKeyTexts(online, namespace, view, isWanted);
      if (texts.size > 0)
        await eraseSegmentRows(online, namespace, view, texts, { dryRun: false, signal });
    }
  }
  if (states.length > 0) {
    await eraseExamples(source, { store: online, namespace, signal });
    await online.purge?.();
  }
  if (isDone)
    await online.write({ source: source.name, cells: [], positions: [], metadata: [learned.done] });
}

async function learnInHistory(
  offline: OfflineStore,
  source: SourceSpec,
  online: Metadata,
  { views }: ShareErasedSettings,
  signal: AbortSignal | undefined,
): Promise<void> {
  const context = historyContext(offline, source);
  const { changes, versions } = context.tables;
  await learnErasedInHistory(offline, context.tables, online, signal);
  const { metadata, columns, partitionBy } = (await offline.state(changes.name, { signal }))!;
  const learned = learnedErasures(metadata);
  if (learned === null) return;
  const forget = async (table: string): Promise<void> => {
    if ((await offline.state(table, { signal })) === null) return;
    await offline.forgetReplaced?.(table, { files: false, endPins: true, signal });
  };
  for (const erased of learnedEntities(source, learned, views)) {
    const names = keyColumnsOf(erased.entity, source, views);
    const belongingIn = (one: SourceSpec) => belongingTo(one, names, erased, { asked: source });
    await eraseHistory(context, belongingIn, { dryRun: false, signal });
    for (const view of viewsOver(source, views)) {
      if (view.entity.name !== erased.entity.name) continue;
      await eraseFeatures(offline, view, erased, { dryRun: false, signal });
      await forget(featuresTable(view).name);
    }
  }
  for (const { name } of [changes, versions]) await forget(name);
  const table = { name: changes.name, columns, partitionBy };
  await offline.append(table, [], { positions: [], metadata: [learned.done], signal });
}
