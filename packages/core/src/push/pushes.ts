/** Makes the push calls of a store. */
import { historyContext } from "../offline/history-context.ts";
import { specOfSource } from "../define/spec-of.ts";
import { TidemarkError } from "../errors.ts";
import { compactHistory } from "../offline/compaction.ts";
import { isCompactionDue } from "../offline/compaction-due.ts";
import type { SelectedFeature, SourceSpec } from "../specs.ts";
import type { BackfillSettings } from "../online/backfill.ts";
import type { WriterOptions } from "../resnapshot/store-writers.ts";
import type { OnlineMaintenance } from "../online/maintenance.ts";
import { formatTime } from "../time/parse-time.ts";
import { catchUpOnline, readCatchUp, warnUnlessRetryable, type ReadCatchUp } from "./catch-up.ts";
import { pushReader, type PushReader } from "./push-rows.ts";
import type { Pushes } from "./push-types.ts";
import { pusher, type Pusher } from "./pusher.ts";

/** The sources and stores of the push calls. */
export interface PushesOptions extends WriterOptions {
  readonly sources: readonly SourceSpec[];
  readonly maintenance: OnlineMaintenance | null;
  /** Shares the erasures of a source between the stores. */
  readonly shareErased: (source: SourceSpec, signal: AbortSignal | undefined) => Promise<void>;
}

/** The push calls of a store, and their background work. */
export interface StorePushes {
  readonly calls: Pushes;
  /** Checks the push sources of a selection. undefined: the read need not wait. */
  beforeRead(selection: readonly SelectedFeature[]): Promise<void> | undefined;
  /** Whether an online store that has nothing of the push source may answer. */
  isLevel(source: string): boolean;
  /** Ends the background work, and resolves when every push is done. */
  close(): Promise<void>;
}

/** Makes the push calls of a store. */
export function storePushes(options: PushesOptions): StorePushes {
  const { online, offline, sources, maintenance } = options;
  const pushed = sources.filter(({ push }) => push === true);
  const backfillSettings: Omit<BackfillSettings, "signal"> | null =
    online === undefined || offline === undefined || maintenance === null
      ? null
      : { ...options, online, offline, maintenance };
  const pushers = new Map<string, { readonly reader: PushReader; readonly pusher: Pusher }>();
  const compacting = new Map<string, Promise<void>>();
  const uncompacted = new Map<string, number>();
  const closing = new AbortController();
  const readCatchUpOnline: ReadCatchUp | null =
    backfillSettings === null || pushed.length === 0
      ? null
      : readCatchUp((source) => caughtUp(source, backfillSettings));

  /** Brings the online store up to the history, and to its erasures before. */
  async function caughtUp(source: SourceSpec, settings: BackfillSettings): Promise<number> {
    await options.shareErased(source, settings.signal);
    return catchUpOnline(source, settings);
  }

  /** Starts a compaction of a source's versions table in the background, if it is due. */
  async function compactWhenDue(source: SourceSpec, changes: number): Promise<void> {
    const wait = (uncompacted.get(source.name) ?? 0) + changes;
    uncompacted.set(source.name, wait);
    if (offline === undefined || compacting.has(source.name) || closing.signal.aborted) return;
    const context = historyContext(offline, source);
    const rows = async (): Promise<number> =>
      (await offline.state(context.tables.versions.name))?.rows ?? 0;
    if (!(await isCompactionDue(wait, rows))) return;
    uncompacted.set(source.name, 0);
    const compaction = warnUnlessRetryable(
      compactHistory(context, { ...options.history.compaction?.(source), signal: closing.signal }),
      closing.signal,
    );
    compacting.set(
      source.name,
      compaction.finally(() => {
        compacting.delete(source.name);
      }),
    );
  }

  function pusherOf(source: SourceSpec): { readonly reader: PushReader; readonly pusher: Pusher } {
    let one = pushers.get(source.name);
    if (one === undefined) {
      pushers.set(
        source.name,
        (one = {
          reader: pushReader(source, options.views),
          pusher: pusher(source, {
            ...options,
            catchUp: async () =>
              backfillSettings === null ? 0 : caughtUp(source, backfillSettings),
            async onCommit(changes) {
              if (maintenance !== null) await warnUnlessRetryable(maintenance.step());
              await warnUnlessRetryable(compactWhenDue(source, changes));
            },
          }),
        }),
      );
    }
    return one;
  }

  function pushedSource(asked: unknown): SourceSpec {
    const name = typeof asked === "string" ? asked : specOfSource(asked).name;
    const source = sources.find((one) => one.name === name);
    if (source === undefined)
      throw new TidemarkError(
        "SOURCE_UNKNOWN",
        `push: no source is called "${name}"; ` +
          (pushed.length === 0
            ? "none is pushed"
            : `those that are pushed are ${pushed.map((one) => one.name).join(", ")}`),
      );
    if (source.push === true) return source;
    throw new TidemarkError(
      "PUSH_NOT_ALLOWED",
      `push: source "${name}" is fed by the log of table ${source.table}, and a source is fed ` +
        "by a log or by push, never both: change the table and let store.run take it, or " +
        "declare a source of its own with pushSource",
    );
  }

  return {
    calls: {
      async push(asked, rows, { deletes, id, signal } = {}) {
        const source = pushedSource(asked);
        if (online === undefined && offline === undefined)
          throw new TidemarkError(
            "STORE_MISSING",
            "push needs a store: give openStore({ online: … }), openStore({ offline: … }) or both",
          );
        const { reader, pusher: to } = pusherOf(source);
        const named = reader.id(id);
        if (named !== null && online === undefined)
          throw new TidemarkError(
            "STORE_MISSING",
            "push with an id needs an online store, which remembers the ids: give openStore({ " +
              "online: … }), or push without one",
          );
        const done = await to.push(reader.read(rows, deletes), named, signal);
        return done === null
          ? { rows: 0, deletes: 0, position: null, committed: null }
          : { ...done, committed: formatTime(done.committed) };
      },
      async catchUp({ signal } = {}) {
        let changes = 0;
        if (backfillSettings !== null)
          for (const source of pushed)
            changes += await caughtUp(source, { ...backfillSettings, signal });
        return { changes };
      },
    },
    beforeRead: (selection) => readCatchUpOnline?.beforeRead(selection),
    isLevel: (source) => readCatchUpOnline?.isLevel(source) ?? true,
    async close() {
      closing.abort();
      for (const { pusher: one } of pushers.values()) await one.idle();
      await readCatchUpOnline?.idle();
      await Promise.all(compacting.values());
    },
  };
}
