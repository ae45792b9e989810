/**
 * An online store that lies behind what was pushed into the history: a process died between the
 * two, or pushed without an online store.
 */
import { isRetryable } from "../errors.ts";
import type { Selected, SourceSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore } from "../spi.ts";
import { bootstrapOnline, type BootstrapSettings } from "../online/backfill.ts";
import { historyContext } from "../offline/offline-reader.ts";
import { layoutFor, readSourceState } from "../online/source-state.ts";
import { pushPosition } from "./push-log.ts";

/** Between two looks of a process that reads, ms. */
const LOOK_AGAIN = 5_000;
/** How long the first read may wait for the history, which is not needed to serve, ms. */
const FIRST_LOOK = 1_000;

/** How many changes the online store lacked. */
export async function catchUpOnline(
  source: SourceSpec,
  settings: BootstrapSettings,
): Promise<number> {
  if (
    !(await isBehind(source, settings.online, settings.offline)) &&
    (await isWhole(source, settings))
  )
    return 0;
  return (await bootstrapOnline([source], settings)).changes;
}

/** Who filled an empty online store may have died when all was in, and nobody had said so. */
export async function isWhole(
  source: SourceSpec,
  { online, namespace, views }: Pick<BootstrapSettings, "online" | "namespace" | "views">,
): Promise<boolean> {
  return (await readSourceState(online, namespace, layoutFor(source, views))).filling === undefined;
}

async function isBehind(
  source: SourceSpec,
  online: OnlineStore,
  offline: OfflineStore,
): Promise<boolean> {
  const served = pushPosition(await online.positions(source.name));
  const held = pushPosition(
    (await offline.state(historyContext(offline, source).tables.changes.name))?.positions ?? [],
  );
  return !served.alone && served.offset < held.offset;
}

export interface FreshReads {
  /** Before a read; undefined: there is nothing to wait for. */
  before(selection: readonly Selected[]): Promise<void> | undefined;
  settled(): Promise<void>;
}

/**
 * Nobody was told that such a push succeeded, so a read does not wait for it; yet it must not be
 * left out for ever. The first read of a source looks, and waits a moment for it; later ones start
 * a look every few seconds.
 */
export function freshReads(catchUp: (source: SourceSpec) => Promise<unknown>): FreshReads {
  const looked = new Map<string, number>();
  const looking = new Map<string, Promise<void>>();
  const pushedIn = new WeakMap<readonly Selected[], readonly SourceSpec[]>();

  function look(source: SourceSpec): Promise<void> {
    const started = looking.get(source.name);
    if (started !== undefined) return started;
    const one = quietly(catchUp(source)).finally(() => {
      looking.delete(source.name);
      looked.set(source.name, performance.now());
    });
    looking.set(source.name, one);
    return one;
  }

  return {
    before(selection) {
      let sources = pushedIn.get(selection);
      if (sources === undefined)
        pushedIn.set(
          selection,
          (sources = [...new Set(selection.map(({ view }) => view.source))].filter(
            ({ push }) => push === true,
          )),
        );
      if (sources.length === 0) return undefined;
      const now = performance.now();
      const due = sources.filter(({ name }) => now - (looked.get(name) ?? -Infinity) >= LOOK_AGAIN);
      if (due.length === 0) return undefined;
      const looks = due.map(look);
      return due.some(({ name }) => !looked.has(name)) ? briefly(Promise.all(looks)) : undefined;
    },
    async settled() {
      await Promise.all(looking.values());
    },
  };
}

async function briefly(promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([
    promise,
    new Promise((resolve) => {
      timer = setTimeout(resolve, FIRST_LOOK);
    }),
  ]);
  clearTimeout(timer);
}

/** A store that is away is looked at again; anything else is said, for whom it does not concern. */
export async function quietly(promise: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  try {
    await promise;
  } catch (error) {
    if (!isRetryable(error) && signal?.aborted !== true)
      process.emitWarning(error instanceof Error ? error : String(error));
  }
}
