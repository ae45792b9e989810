/** Tells what each source needs: a rewrite of its versions by the apply, and then a backfill. */
import { historyContext } from "../offline/history-context.ts";
import { inputName } from "../define/base-features.ts";
import type { Definitions } from "../define/collect-definitions.ts";
import type { SourceSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore, TableState } from "../spi.ts";
import { historyTables } from "../offline/history-tables.ts";
import { lastRewriteRate } from "../offline/rewrite-rate.ts";
import { compactedDefinition } from "../offline/versions-definition.ts";
import { backfillRates } from "../online/backfill-rates.ts";
import type { SourceState } from "../online/source-state.ts";
import { sourcesToBackfill, type ServingStatus } from "./serving.ts";
import { decodingSeconds, estimatedSeconds, type RateBasis } from "./work-rates.ts";

/** An amount of work. The numbers are estimates. */
export interface WorkEstimate {
  /** Changes in the history. Each of them is read once. */
  readonly rows: number;
  readonly seconds: number;
  /**
   * Where `seconds` comes from. "last-time": the last such work over these stores took as long for
   * each change. "sample": from the time that the first changes of the history took to read just
   * now. "typical": nothing was measured.
   */
  readonly secondsFrom: RateBasis;
  /** Bytes that are written. null: it is not known. */
  readonly bytes: number | null;
}

/** The backfill of one source, and what is refused until it is done. */
export interface PlannedBackfill extends WorkEstimate {
  /** The features that are refused until then, such as `weekly.total`. */
  readonly features: readonly string[];
  /** The services with these features. */
  readonly services: readonly string[];
}

/** What one source needs: of the apply itself, and after it. */
export interface SourceWork {
  readonly source: string;
  /** The versions of rows in the history, which the apply rewrites. null: they stay. */
  readonly rewrite: WorkEstimate | null;
  /** The backfill of the online store. null: none is needed. */
  readonly backfill: PlannedBackfill | null;
}

/** The history of a source, as far as a plan needs it. */
export interface PlannedHistory {
  readonly log: TableState;
  /** The versions, if the apply rewrites them. */
  readonly rewritten: TableState | null;
}

/** The history of each source that has changes. */
export async function plannedHistories(
  offline: OfflineStore,
  sources: Iterable<SourceSpec>,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, PlannedHistory>> {
  const histories = new Map<string, PlannedHistory>();
  for (const source of sources) {
    const tables = historyTables(source);
    const log = await offline.state(tables.changes.name, { signal });
    if (log === null || log.rows === 0) continue;
    const versions = await offline.state(tables.versions.name, { signal });
    const isKept = versions === null || compactedDefinition(source, versions) !== null;
    histories.set(source.name, { log, rewritten: isKept ? null : versions });
  }
  return histories;
}

/** The stores of a plan, and what was read of them. */
interface PlannedStores {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore;
  readonly namespace: string;
  readonly states: ReadonlyMap<string, SourceState>;
  readonly histories: ReadonlyMap<string, PlannedHistory>;
  readonly signal: AbortSignal | undefined;
}

/** Lists the sources that need work. `serving` has the status of each feature by its name. */
export async function sourceWork(
  { sources, views, derivedViews, services }: Definitions,
  serving: ReadonlyMap<string, ServingStatus>,
  stores: PlannedStores,
): Promise<readonly SourceWork[]> {
  const { online, offline, namespace, histories, signal } = stores;
  const waiting = new Map<string, string[]>();
  const wait = (source: string, feature: string): void => {
    waiting.set(source, [...(waiting.get(source) ?? []), feature]);
  };
  const isWaiting = (feature: string): boolean => serving.get(feature)?.kind === "backfill";
  for (const view of views.values())
    for (const one of view.features) {
      const feature = `${view.name}.${one.name}`;
      if (isWaiting(feature))
        for (const source of new Set(sourcesToBackfill(stores, view, one))) wait(source, feature);
    }
  for (const view of derivedViews.values())
    for (const { name, inputs } of view.features) {
      const lacking = inputs.filter((input) => isWaiting(inputName(input)));
      for (const source of new Set(
        lacking.flatMap((input) => sourcesToBackfill(stores, input.view, input.feature)),
      ))
        wait(source, `${view.name}.${name}`);
    }
  const work: SourceWork[] = [];
  const bytesPerRow = waiting.size === 0 ? null : await onlineBytesPerRow(stores);
  const rates =
    waiting.size === 0 || online === undefined ? {} : await backfillRates(online, namespace);
  for (const source of sources.values()) {
    const { name } = source;
    const features = waiting.get(name);
    const { log, rewritten = null } = histories.get(name) ?? {};
    if (features === undefined && rewritten === null) continue;
    const rows = log?.rows ?? 0;
    const rate = rewritten === null ? null : lastRewriteRate(rewritten);
    const isSampled =
      (rewritten !== null && rate === null) ||
      (features !== undefined && rates[name] === undefined);
    const decoding =
      isSampled && log !== undefined
        ? await decodingSeconds(historyContext(offline, source), log, signal)
        : null;
    work.push({
      source: name,
      rewrite:
        rewritten === null
          ? null
          : {
              rows,
              ...estimatedSeconds("rewrite", rows, rate, decoding),
              bytes: await rewrittenBytes(offline, source, rewritten, rows, signal),
            },
      backfill:
        features === undefined
          ? null
          : {
              rows,
              ...estimatedSeconds("backfill", rows, rates[name] ?? null, decoding),
              bytes: bytesPerRow === null ? null : Math.round(rows * bytesPerRow),
              features,
              services: servicesWith(features, services),
            },
    });
  }
  return work;
}

/** The services with one of these features. */
function servicesWith(
  features: readonly string[],
  services: Definitions["services"],
): readonly string[] {
  return [...services.values()].flatMap((service) =>
    service.features.some(({ view, feature }) => features.includes(`${view.name}.${feature.name}`))
      ? [service.name]
      : [],
  );
}

/** About the bytes of the versions of so many changes. null: the store does not tell it. */
async function rewrittenBytes(
  offline: OfflineStore,
  source: SourceSpec,
  { rows }: TableState,
  changes: number,
  signal: AbortSignal | undefined,
): Promise<number | null> {
  const { name } = historyTables(source).versions;
  const bytes = rows === 0 ? null : (await offline.describe?.(name, { signal }))?.bytes;
  return bytes == null ? null : Math.round((bytes / rows) * changes);
}

/** The bytes of the online store for each change in the history. null: it is not known. */
async function onlineBytesPerRow({
  online,
  states,
  histories,
}: PlannedStores): Promise<number | null> {
  let stored = 0;
  for (const [source, { version }] of states)
    if (version !== null) stored += histories.get(source)?.log.rows ?? 0;
  if (stored === 0 || online?.size === undefined) return null;
  return (await online.size()).bytes / stored;
}
