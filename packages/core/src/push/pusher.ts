/**
 * Takes the pushes of one source. A push goes into the change log of the history first, then into
 * the online store. A compare-and-set of the position orders the pushes of all processes. Pushes
 * that arrive during a commit share the next commit.
 */
import { historyContext } from "../offline/history-context.ts";
import { isRetryable, isTidemarkError, TidemarkError } from "../errors.ts";
import { erasureGuard } from "../ingest/erasure-guard.ts";
import { changesToBatches } from "../offline/change-log.ts";
import { historyIdSteps } from "../pairing/history-link.ts";
import { refuseOtherHistory, rememberReachableHistory } from "../pairing/store-pair.ts";
import type { SourceSpec } from "../specs.ts";
import type { Change, OfflineStore, OnlineStore } from "../spi.ts";
import type { WriterOptions } from "../resnapshot/store-writers.ts";
import { onlineWriter, type OnlineWriter } from "../online/online-writer.ts";
import { pushIdKeys, readPushDone, type PushDone } from "../online/push-ids.ts";
import { entityKeysIn } from "../online/source-layout.ts";
import { layoutFor } from "../online/source-state.ts";
import { isBackfilled } from "./catch-up.ts";
import {
  pushedChange,
  pushPosition,
  pushStep,
  refuseForeignHistory,
  type PushPosition,
} from "./push-log.ts";
import type { PushedRow } from "./push-rows.ts";

/** The stores of a pusher, and what it calls. */
export interface PusherOptions extends WriterOptions {
  /** Brings the online store up to the history. */
  readonly catchUp: () => Promise<unknown>;
  /** Called after each commit. */
  readonly onCommit: (changes: number) => Promise<void>;
}

/** Takes the pushes of one source. */
export interface Pusher {
  /** Pushes the rows; null: there was nothing to push. */
  push(
    rows: readonly PushedRow[],
    id: string | null,
    signal: AbortSignal | undefined,
  ): Promise<PushDone | null>;
  /** Resolves when every push is done. */
  idle(): Promise<void>;
}

/** A push that waits for its commit. */
interface PendingPush {
  readonly rows: readonly PushedRow[];
  readonly id: string | null;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (done: PushDone) => void;
  readonly reject: (error: unknown) => void;
}

/** The greatest number of rows in one commit. A commit has at least one push. */
const COMMIT_ROWS = 10_000;
/**
 * The greatest number of attempts of a commit. An attempt fails if another process commits first.
 */
const ATTEMPTS = 200;

/** Makes a pusher for a source. */
export function pusher(source: SourceSpec, options: PusherOptions): Pusher {
  const { online, offline, clock } = options;
  const withoutHistory = offline === undefined;
  const tables = offline === undefined ? null : historyContext(offline, source).tables;
  const idKeyOf = pushIdKeys(options.namespace, source.name);
  const pending: PendingPush[] = [];
  let working: Promise<void> | null = null;
  /**
   * The position of the source as this process knows it. Every store has the pushes up to this
   * position. Null: the position must be read.
   */
  let current: PushPosition | null = null;
  /** The metadata of the change log. */
  let history = new Map<string, string>();
  /** The online store remembers to which history it belongs. */
  let isRemembered = false;
  let writer: Promise<OnlineWriter> | null = null;
  const entityKeys = entityKeysIn(layoutFor(source, options.views));
  let guard = erasureGuard(source, entityKeys, undefined);

  async function work(): Promise<void> {
    while (pending.length > 0) {
      const group = nextGroup();
      if (group.length === 0) continue;
      const changes = await commit(group).catch((error: unknown) => {
        current = null;
        for (const push of group) push.reject(error);
        return 0;
      });
      if (changes > 0) await options.onCommit(changes);
    }
    // `working` is cleared in the same turn of the event loop, so that the next push starts again.
    working = null;
  }

  /**
   * Takes the pushes of the next commit from the queue. A push waits for the following commit if
   * its id is already in the group. The following commit finds the result of the first push.
   */
  function nextGroup(): PendingPush[] {
    const group: PendingPush[] = [];
    const ids = new Set<string>();
    let rows = 0;
    for (let next = pending[0]; next !== undefined; next = pending[0]) {
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
      pending.shift();
    }
    return group;
  }

  /**
   * Commits a group and returns the number of changes. A push whose id was taken before adds none.
   */
  async function commit(group: readonly PendingPush[]): Promise<number> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      current ??= await currentPosition();
      const before = await findRepeated(group);
      const fresh = group.filter((push) => !before.has(push));
      // a push is later than every erasure, so its rows are taken
      const committed = Math.max(clock(), current.committed, guard.until + 1);
      const assigned = assignOffsets(fresh, current.offset + 1, committed);
      if (
        assigned.changes.length === 0 ||
        (await write(assigned.changes, current, committed)) === "done"
      ) {
        if (assigned.changes.length > 0)
          current = { stored: assigned.end, offset: assigned.end, committed, withoutHistory };
        for (const [push, done] of [...before, ...assigned.done]) resolvePush(push, done);
        return assigned.changes.length;
      }
      current = null;
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

  function assignOffsets(
    group: readonly PendingPush[],
    from: number,
    committed: number,
  ): {
    readonly changes: readonly Change[];
    readonly done: ReadonlyMap<PendingPush, PushDone>;
    readonly end: number;
  } {
    const changes: Change[] = [];
    const done = new Map<PendingPush, PushDone>();
    let next = from;
    for (const push of group) {
      for (const row of push.rows)
        changes.push(pushedChange(source.name, row, next++, committed, push.id));
      const deletes = push.rows.filter(({ kind }) => kind === "delete").length;
      done.set(push, { rows: push.rows.length - deletes, deletes, position: next - 1, committed });
    }
    return { changes, done, end: next - 1 };
  }

  /** Writes the changes. "conflict": another process pushed first, and nothing was taken. */
  async function write(
    changes: readonly Change[],
    from: PushPosition,
    committed: number,
  ): Promise<"done" | "conflict"> {
    const step = pushStep(from, changes.at(-1)!.offset, committed, withoutHistory);
    if (offline !== undefined) {
      const metadata = historyIdSteps(history);
      if (
        (await offline.append(tables!.changes, await changesToBatches(source, changes), {
          positions: [step],
          metadata: [...metadata, guard.step],
        })) === "conflict"
      )
        return "conflict";
      for (const { key, next } of metadata) if (next !== null) history.set(key, next);
      if (!isRemembered && online !== undefined)
        await rememberReachableHistory(online, source.name, { metadata: history, positions: [] });
      isRemembered = true;
    }
    if (online === undefined) return "done";
    try {
      await (await onlineWriterOf(online)).apply(changes, [step]);
    } catch (error) {
      if (!isTidemarkError(error, "ONLINE_STORE_FENCED"))
        throw offline === undefined ? error : notOnlineYet(error, online, offline, step.next);
      if (offline === undefined) return "conflict";
      // Another process died or is slow and left the online store behind. Or another process has
      // already brought these changes there.
      await currentPosition().catch((reason: unknown) => {
        throw notOnlineYet(reason, online, offline, step.next);
      });
    }
    return "done";
  }

  /** Reads the position of the next push and brings the online store up to it. */
  async function currentPosition(): Promise<PushPosition> {
    const served = online === undefined ? null : pushPosition(await online.positions(source.name));
    if (offline === undefined) {
      refuseForeignHistory(source.name, served!, online!.name, null);
      guard = erasureGuard(source, entityKeys, await online!.metadata(source.name));
      return served!;
    }
    const table = tables!.changes.name;
    const state = await offline.state(table);
    history = new Map(state?.metadata);
    guard = erasureGuard(source, entityKeys, state?.metadata);
    const position = pushPosition(state?.positions ?? []);
    if (served !== null) {
      refuseForeignHistory(source.name, served, online!.name, { position, name: offline.name });
      await refuseOtherHistory({ source, table, online: online!, offline });
      if (
        served.offset < position.offset ||
        !(await isBackfilled(source, { ...options, online: online! }))
      )
        await options.catchUp();
    }
    return position;
  }

  async function findRepeated(
    group: readonly PendingPush[],
  ): Promise<ReadonlyMap<PendingPush, PushDone>> {
    const named = group.filter(({ id }) => id !== null);
    if (named.length === 0 || online === undefined) return new Map();
    const cells = await online.read(named.map(({ id }) => idKeyOf(id!)));
    return new Map(
      named.flatMap((push, i) => {
        const done = readPushDone(cells[i] ?? null);
        return done === null ? [] : [[push, done]];
      }),
    );
  }

  function resolvePush(push: PendingPush, done: PushDone): void {
    const deletes = push.rows.filter(({ kind }) => kind === "delete").length;
    if (done.deletes === deletes && done.rows === push.rows.length - deletes)
      return push.resolve(done);
    push.reject(
      new TidemarkError(
        "PUSH_ID_TAKEN",
        `push to source "${source.name}": the id "${push.id}" is that of a push of ` +
          `${done.rows} rows and ${done.deletes} deletes, and this one has ` +
          `${push.rows.length - deletes} and ${deletes}; ` +
          "nothing was taken: give every push an id of its own",
      ),
    );
  }

  function onlineWriterOf(store: OnlineStore): Promise<OnlineWriter> {
    writer ??= onlineWriter({
      store,
      namespace: options.namespace,
      layout: layoutFor(source, options.views),
      clock,
      retention: options.retention,
    }).catch((error: unknown) => {
      writer = null;
      throw error;
    });
    return writer;
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
        pending.push({
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
        // Pushes of the same turn share a commit.
        working ??= Promise.resolve().then(work);
      });
    },
    async idle() {
      while (working !== null) await working;
    },
  };
}
