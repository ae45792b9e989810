/**
 * An online store that lies behind what was pushed into the history: a process died between the
 * two, or pushed without an online store.
 */
import { isRetryable } from "../errors.ts";
import type { SelectedFeature, SourceSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore } from "../spi.ts";
import { backfillOnline, type BackfillSettings } from "../online/backfill.ts";
import { historyContext } from "../offline/offline-reader.ts";
import { layoutFor, readSourceState } from "../online/source-state.ts";
import { pushPosition } from "./push-log.ts";

/** Between two looks of a process that reads, ms. */
const RECHECK_INTERVAL = 5_000;
/** How long the first read may wait for the history, which is not needed to serve, ms. */
const FIRST_CHECK_TIMEOUT = 1_000;

/** How many changes the online store lacked. */
export async function catchUpOnline(
  source: SourceSpec,
  settings: BackfillSettings,
): Promise<number> {
  if (
    !(await isBehind(source, settings.online, settings.offline)) &&
    (await isBackfilled(source, settings))
  )
    return 0;
  return (await backfillOnline([source], settings)).changes;
}

/** Who filled an empty online store may have died when all was in, and nobody had said so. */
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

export interface ReadCatchUp {
  /** Before a read; undefined: there is nothing to wait for. */
  beforeRead(selection: readonly SelectedFeature[]): Promise<void> | undefined;
  idle(): Promise<void>;
}

/**
 * Nobody was told that such a push succeeded, so a read does not wait for it; yet it must not be
 * left out for ever. The first read of a source looks, and waits a moment for it; later ones start
 * a look every few seconds.
 */
export function readCatchUp(catchUp: (source: SourceSpec) => Promise<unknown>): ReadCatchUp {
  const checkedAt = new Map<string, number>();
  const checking = new Map<string, Promise<void>>();
  const pushedSources = new WeakMap<readonly SelectedFeature[], readonly SourceSpec[]>();

  function check(source: SourceSpec): Promise<void> {
    const started = checking.get(source.name);
    if (started !== undefined) return started;
    const one = warnUnlessRetryable(catchUp(source)).finally(() => {
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
          (sources = [...new Set(selection.map(({ view }) => view.source))].filter(
            ({ push }) => push === true,
          )),
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

/** A store that is away is looked at again; anything else is said, for whom it does not concern. */
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
