/**
 * Pushes of one source: first into the log of the history, where a compare-and-set of the position
 * puts those of all processes in one order, then into the online store. What comes while a commit
 * is under way shares the next one.
 */
import { isRetryable, isTidemarkError, TidemarkError } from "../errors.ts";
import { changesToBatches } from "../offline/change-log.ts";
import type { SourceSpec } from "../specs.ts";
import type { Change, OfflineStore, OnlineStore } from "../spi.ts";
import { historyContext } from "../offline/offline-reader.ts";
import type { SinkOptions } from "../resnapshot/store-writers.ts";
import { onlineSink, type OnlineSink } from "../online/online-writer.ts";
import { pushIdKeys, readPushDone, type PushDone } from "../online/push-ids.ts";
import { layoutFor } from "../online/source-state.ts";
import { isWhole } from "./catch-up.ts";
import {
  pushedChange,
  pushPosition,
  pushStep,
  refuseStrangers,
  type PushPosition,
} from "./push-log.ts";
import type { PushedRow } from "./push-rows.ts";

export interface PusherOptions extends SinkOptions {
  /** Brings the online store up to the history. */
  readonly catchUp: () => Promise<unknown>;
  /** After each commit. */
  readonly onCommit: (changes: number) => Promise<void>;
}

export interface Pusher {
  /** null: there was nothing to push. */
  push(
    rows: readonly PushedRow[],
    id: string | null,
    signal: AbortSignal | undefined,
  ): Promise<PushDone | null>;
  /** When all that was pushed is done with. */
  settled(): Promise<void>;
}

interface Waiting {
  readonly rows: readonly PushedRow[];
  readonly id: string | null;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (done: PushDone) => void;
  readonly reject: (error: unknown) => void;
}

/** Rows of one commit: one push at least. */
const COMMIT_ROWS = 10_000;
/** Other processes may push first, again and again. */
const ATTEMPTS = 200;

export function pusher(source: SourceSpec, options: PusherOptions): Pusher {
  const { online, offline, clock } = options;
  const alone = offline === undefined;
  const tables = offline === undefined ? null : historyContext(offline, source).tables;
  const idKeyOf = pushIdKeys(options.namespace, source.name);
  const waiting: Waiting[] = [];
  let working: Promise<void> | null = null;
  /**
   * Where the source stands, as far as this process knows: every store has what was pushed up to
   * here. null: it is to be asked for.
   */
  let at: PushPosition | null = null;
  let sink: Promise<OnlineSink> | null = null;

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const group = nextGroup();
      if (group.length === 0) continue;
      const changes = await commit(group).catch((error: unknown) => {
        at = null;
        for (const one of group) one.reject(error);
        return 0;
      });
      if (changes > 0) await options.onCommit(changes);
    }
    // at once: who comes now begins anew
    working = null;
  }

  /**
   * One with an id that is in the group already waits for the next, where it finds what the first
   * did.
   */
  function nextGroup(): Waiting[] {
    const group: Waiting[] = [];
    const ids = new Set<string>();
    let rows = 0;
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (next.signal?.aborted !== true) {
        if (
          group.length > 0 &&
          (rows + next.rows.length > COMMIT_ROWS || (next.id !== null && ids.has(next.id)))
        )
          break;
        group.push(next);
        rows += next.rows.length;
        if (next.id !== null) ids.add(next.id);
      }
      waiting.shift();
    }
    return group;
  }

  /** How many changes it took; what was pushed before under its id takes none. */
  async function commit(group: readonly Waiting[]): Promise<number> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      at ??= await standing();
      const before = await doneBefore(group);
      const fresh = group.filter((one) => !before.has(one));
      const committed = Math.max(clock(), at.committed);
      const placed = place(fresh, at.offset + 1, committed);
      if (placed.changes.length === 0 || (await take(placed.changes, at, committed)) === "done") {
        if (placed.changes.length > 0)
          at = { stored: placed.end, offset: placed.end, committed, alone };
        for (const [one, done] of [...before, ...placed.done]) settle(one, done);
        return placed.changes.length;
      }
      at = null;
      await new Promise((resolve) => {
        setTimeout(resolve, Math.random() * Math.min(attempt, 20));
      });
    }
    throw new TidemarkError(
      "PUSH_CONTENDED",
      `push to source "${source.name}": ${ATTEMPTS} attempts met other processes that push to ` +
        "it; nothing was taken: push again, from fewer processes or in larger pushes",
      { retryable: true },
    );
  }

  function place(
    group: readonly Waiting[],
    from: number,
    committed: number,
  ): {
    readonly changes: readonly Change[];
    readonly done: ReadonlyMap<Waiting, PushDone>;
    readonly end: number;
  } {
    const changes: Change[] = [];
    const done = new Map<Waiting, PushDone>();
    let next = from;
    for (const one of group) {
      for (const row of one.rows)
        changes.push(pushedChange(source.name, row, next++, committed, one.id));
      const deletes = one.rows.filter(({ kind }) => kind === "delete").length;
      done.set(one, { rows: one.rows.length - deletes, deletes, position: next - 1, committed });
    }
    return { changes, done, end: next - 1 };
  }

  /** conflict: another process pushed first, and nothing was taken. */
  async function take(
    changes: readonly Change[],
    from: PushPosition,
    committed: number,
  ): Promise<"done" | "conflict"> {
    const step = pushStep(from, changes.at(-1)!.offset, committed, alone);
    if (offline !== undefined) {
      if (
        (await offline.append(tables!.changes, await changesToBatches(tables!, changes), {
          positions: [step],
        })) === "conflict"
      )
        return "conflict";
    }
    if (online === undefined) return "done";
    try {
      await (await onlineSinkOf(online)).apply(changes, [step]);
    } catch (error) {
      if (!isTidemarkError(error, "ONLINE_STORE_FENCED"))
        throw offline === undefined ? error : notOnlineYet(error, online, offline, step.next);
      if (offline === undefined) return "conflict";
      // one that died, or that is about to, left the online store behind; or another has taken ours
      // there too
      await standing().catch((reason: unknown) => {
        throw notOnlineYet(reason, online, offline, step.next);
      });
    }
    return "done";
  }

  /** Where the next push goes, with the online store brought up to there. */
  async function standing(): Promise<PushPosition> {
    const served = online === undefined ? null : pushPosition(await online.positions(source.name));
    if (offline === undefined) {
      refuseStrangers(source.name, served!, online!.name, null);
      return served!;
    }
    const position = pushPosition((await offline.state(tables!.changes.name))?.positions ?? []);
    if (served !== null) {
      refuseStrangers(source.name, served, online!.name, { position, name: offline.name });
      if (
        served.offset < position.offset ||
        !(await isWhole(source, { ...options, online: online! }))
      )
        await options.catchUp();
    }
    return position;
  }

  async function doneBefore(group: readonly Waiting[]): Promise<ReadonlyMap<Waiting, PushDone>> {
    const named = group.filter(({ id }) => id !== null);
    if (named.length === 0 || online === undefined) return new Map();
    const cells = await online.read(named.map(({ id }) => idKeyOf(id!)));
    return new Map(
      named.flatMap((one, i) => {
        const done = readPushDone(cells[i] ?? null);
        return done === null ? [] : [[one, done]];
      }),
    );
  }

  function settle(one: Waiting, done: PushDone): void {
    const deletes = one.rows.filter(({ kind }) => kind === "delete").length;
    if (done.deletes === deletes && done.rows === one.rows.length - deletes)
      return one.resolve(done);
    one.reject(
      new TidemarkError(
        "PUSH_ID_TAKEN",
        `push to source "${source.name}": the id "${one.id}" is that of a push of ` +
          `${done.rows} rows and ${done.deletes} deletes, and this one has ` +
          `${one.rows.length - deletes} and ${deletes}; ` +
          "nothing was taken: give every push an id of its own",
      ),
    );
  }

  function onlineSinkOf(store: OnlineStore): Promise<OnlineSink> {
    sink ??= onlineSink({
      store,
      namespace: options.namespace,
      layout: layoutFor(source, options.views),
      clock,
      retention: options.retention,
    }).catch((error: unknown) => {
      sink = null;
      throw error;
    });
    return sink;
  }

  function notOnlineYet(
    error: unknown,
    store: OnlineStore,
    history: OfflineStore,
    position: number,
  ): TidemarkError {
    return new TidemarkError(
      "PUSH_NOT_ONLINE_YET",
      `push to source "${source.name}": its rows are in the history (${history.name}, up to ` +
        `position ${position}), and ${store.name} has not taken them yet: ` +
        `${error instanceof Error ? error.message : String(error)}. ` +
        "The next push brings them there, or store.catchUp(); pushing them again does no harm",
      { cause: error, retryable: isRetryable(error) },
    );
  }

  return {
    push(rows, id, signal) {
      if (rows.length === 0) return Promise.resolve(null);
      return new Promise<PushDone>((resolve, reject) => {
        const abort = (): void => {
          reject(signal!.reason);
        };
        if (signal?.aborted === true) return abort();
        signal?.addEventListener("abort", abort);
        const end = (): void => {
          signal?.removeEventListener("abort", abort);
        };
        waiting.push({
          rows,
          id,
          signal,
          resolve: (done) => {
            end();
            resolve(done);
          },
          reject: (error) => {
            end();
            reject(error);
          },
        });
        // those of this turn go together
        working ??= Promise.resolve().then(work);
      });
    },
    async settled() {
      while (working !== null) await working;
    },
  };
}
