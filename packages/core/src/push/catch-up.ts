/**
 * Brings an online store up to the pushes in the history. The online store is behind when a process
 * died between the two writes, or pushed without an online store.
 */
import { historyContext } from "../offline/history-context.ts";
import { isRetryable } from "../errors.ts";
import { sourcesOf } from "../plan/columns-read.ts";
import { refuseOtherHistory } from "../pairing/store-pair.ts";
import type { SelectedFeature, SourceSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore } from "../spi.ts";
import { fillFromHistory, type BackfillSettings } from "../online/backfill.ts";
import { layoutFor, readSourceState } from "../online/source-state.ts";
import { pushPosition } from "./push-log.ts";

/** The time in ms between two checks by a process that reads. */
const RECHECK_INTERVAL = 5_000;
/** How long in ms the first read waits for the history. An answer does not need the history. */
const FIRST_CHECK_TIMEOUT = 1_000;

/** Brings the online store up to the history. Returns the number of changes that were missing. */
export async function catchUpOnline(
  source: SourceSpec,
  settings: BackfillSettings,
): Promise<number> {
  if (
    !(await isBehind(source, settings.online, settings.offline)) &&
    (await isBackfilled(source, settings))
  )
    return 0;
  const { online, offline } = settings;
  const table = historyContext(offline, source).tables.changes.name;
  await refuseOtherHistory({ source, table, online, offline });
  return (await fillFromHistory([source], settings)).changes;
}

/**
 * Returns whether the backfill of the online store is complete. A process may die after the last
 * change and before it marks the backfill as complete.
 */
export async function isBackfilled(
  source: SourceSpec,
  { online, namespace, views }: Pick<BackfillSettings, "online" | "namespace" | "views">,
): Promise<boolean> {
  return (
    (await readSourceState(online, namespace, layoutFor(source, views))).backfilling === undefined
  );
}

async function isBehind(
  source: SourceSpec,
  online: OnlineStore,
  offline: OfflineStore,
): Promise<boolean> {
  const served = pushPosition(await online.positions(source.name));
  const stored = pushPosition(
    (await offline.state(historyContext(offline, source).tables.changes.name))?.positions ?? [],
  );
  return !served.withoutHistory && served.offset < stored.offset;
}

/** Brings the online store up to the pushes when features are read. */
export interface ReadCatchUp {
  /** Checks the push sources of a selection. undefined: the read need not wait. */
  beforeRead(selection: readonly SelectedFeature[]): Promise<void> | undefined;
  /** Whether a check has found the online store level with the pushes in the history. */
  isLevel(source: string): boolean;
  /** Resolves when no check is running. */
  idle(): Promise<void>;
}

/**
 * Checks for pushes that the online store lacks when features are read. No caller was told that
 * such a push succeeded, so a read need not wait for it. The first read of a source starts a check
 * and waits a moment for it. Later reads start a check every few seconds.
 */
export function readCatchUp(catchUp: (source: SourceSpec) => Promise<unknown>): ReadCatchUp {
  const checkedAt = new Map<string, number>();
  const checking = new Map<string, Promise<void>>();
  const level = new Set<string>();
  const pushedSources = new WeakMap<readonly SelectedFeature[], readonly SourceSpec[]>();

  function check(source: SourceSpec): Promise<void> {
    const started = checking.get(source.name);
    if (started !== undefined) return started;
    const caughtUp = catchUp(source).then(() => level.add(source.name));
    const one = warnUnlessRetryable(caughtUp).finally(() => {
      checking.delete(source.name);
      checkedAt.set(source.name, performance.now());
    });
    checking.set(source.name, one);
    return one;
  }

  return {
    beforeRead(selection) {
      let sources = pushedSources.get(selection);
      if (sources === undefined)
        pushedSources.set(
          selection,
          (sources = sourcesOf(selection).filter(({ push }) => push === true)),
        );
      if (sources.length === 0) return undefined;
      const now = performance.now();
      const due = sources.filter(
        ({ name }) => now - (checkedAt.get(name) ?? -Infinity) >= RECHECK_INTERVAL,
      );
      if (due.length === 0) return undefined;
      const checks = due.map(check);
      return due.some(({ name }) => !checkedAt.has(name))
        ? waitBriefly(Promise.all(checks))
        : undefined;
    },
    isLevel: (source) => level.has(source),
    async idle() {
      await Promise.all(checking.values());
    },
  };
}

async function waitBriefly(promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([
    promise,
    new Promise((resolve) => {
      timer = setTimeout(resolve, FIRST_CHECK_TIMEOUT);
    }),
  ]);
  clearTimeout(timer);
}

/** Warns of an error, unless it is retryable. The next check tries an unavailable store again. */
export async function warnUnlessRetryable(
  promise: Promise<unknown>,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await promise;
  } catch (error) {
    if (!isRetryable(error) && signal?.aborted !== true)
      process.emitWarning(error instanceof Error ? error : String(error));
  }
}
