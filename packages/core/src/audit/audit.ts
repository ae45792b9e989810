/** Records actions, and commits them to the table of the audit. An action never fails of it. */
import { nodeCrypto } from "../node-modules.ts";
import type { OfflineStore } from "../spi.ts";
import { AUDIT_TABLE, auditBatch, type AuditRow } from "./audit-table.ts";
import type { AuditedAction, AuditStatus, StoreAudit } from "./audit-types.ts";
import { pushGroups } from "./push-groups.ts";

/** The audit of an open store. */
export interface Audit extends StoreAudit {
  /** Records a push, and does not wait for a commit. */
  pushed(push: AuditedAction): void;
  /** Commits what waits, and stops. What cannot be committed is lost, and a warning says so. */
  close(): Promise<void>;
}

/** The rows that may wait in memory, and the groups of pushes. */
const MOST_WAITING = 10_000;
/** The age (ms) of the oldest push that is not committed. */
const PUSH_AGE = 60_000;
/** The characters that are kept of a name of a caller or of a place. */
const MAX_CHARACTERS = 200;

/** Opens the audit of a store. */
export function openAudit({
  offline,
  namespace,
  clock,
  by,
  from = null,
}: {
  readonly offline: OfflineStore;
  readonly namespace: string;
  readonly clock: () => number;
  readonly by: string;
  readonly from?: string | null | undefined;
}): Audit {
  const pushes = pushGroups();
  let rows: AuditRow[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let writing: Promise<void> | null = null;
  let isClosed = false;
  let [written, lost] = [0, 0];
  let lastError: string | null = null;

  function rowOf(action: AuditedAction): AuditRow {
    return {
      id: nodeCrypto().randomUUID(),
      at: action.at ?? clock(),
      action: action.action,
      outcome: action.outcome,
      code: action.code ?? null,
      by: shortened(action.by ?? by),
      from: shortened(action.from ?? from),
      namespace,
      sources: action.sources ?? [],
      views: action.views ?? [],
      entity: action.entity ?? null,
      counts: action.counts ?? {},
      version: action.version ?? null,
      receipt: action.receipt ?? null,
      seconds: action.seconds ?? 0,
    };
  }

  function warn(what: string): void {
    process.emitWarning(`audit: ${what}. The actions themselves are not affected`, {
      type: "TidemarkWarning",
      code: "AUDIT_NOT_WRITTEN",
    });
  }

  /** Counts rows that are lost, and warns of the first. */
  function lose(count: number, why: string): void {
    if (lost === 0) warn(`rows are lost (${why}); see store.audit.status() for the count`);
    lost += count;
  }

  /** Whether there is room for one more row. */
  function hasRoom(): boolean {
    if (isClosed || rows.length + pushes.size >= MOST_WAITING) {
      lose(1, isClosed ? "the store is closed" : `${MOST_WAITING} rows wait`);
      return false;
    }
    return true;
  }

  function writeLater(): void {
    if (timer !== undefined || isClosed) return;
    timer = setTimeout(() => {
      timer = undefined;
      void write();
    }, PUSH_AGE);
    timer.unref();
  }

  async function commit(): Promise<void> {
    rows.push(...pushes.take());
    // others are added meanwhile
    const given = [...rows];
    if (given.length === 0) return;
    try {
      const done = await offline.append(AUDIT_TABLE, [auditBatch(given)], { positions: [] });
      if (done !== "done") throw new Error("another writer was faster");
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // one warning for a store that stays away
      if (lastError === null)
        warn(`${given.length} rows are not in table ${AUDIT_TABLE.name} yet (${reason})`);
      lastError = reason;
      return;
    }
    lastError = null;
    written += given.length;
    rows = rows.slice(given.length);
  }

  /** Commits what waits when it is called. Never rejects. */
  function write(): Promise<void> {
    const next = (writing ?? Promise.resolve()).then(commit).finally(() => {
      if (writing === next) writing = null;
      if (rows.length + pushes.size > 0) writeLater();
    });
    writing = next;
    return next;
  }

  return {
    async record(action) {
      if (!hasRoom()) return;
      rows.push(rowOf(action));
      await write();
    },
    pushed(push) {
      if (!hasRoom()) return;
      pushes.add(rowOf(push));
      writeLater();
    },
    flush: write,
    status: (): AuditStatus => ({ written, lost, waiting: rows.length + pushes.size, lastError }),
    async close() {
      // a push that has just ended is recorded in this turn of the event loop
      await new Promise(setImmediate);
      isClosed = true;
      clearTimeout(timer);
      await write();
      if (rows.length > 0) lose(rows.length, lastError ?? "unknown");
      rows = [];
    },
  };
}

function shortened<Text extends string | null>(text: Text): Text {
  return text !== null && text.length > MAX_CHARACTERS
    ? (`${text.slice(0, MAX_CHARACTERS - 1)}…` as Text)
    : text;
}
