/**
 * Logs what is served, beside the requests. An answer never waits for the log, and never fails
 * because of it.
 */
import type { Batch } from "../columns/batch.ts";
import type { Definitions } from "../define/collect-definitions.ts";
import { isRetryable } from "../errors.ts";
import type { KeyValues } from "../request/entity-keys.ts";
import type { SelectedFeature } from "../specs.ts";
import type { OfflineStore, OnlineStore, ResultColumns } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";
import { logEncoder, type LoggedAnswer } from "./log-rows.ts";
import { logWriter } from "./log-writer.ts";
import { selectionDescriber } from "./logged-selection.ts";
import { sampledRows } from "./sample.ts";
import type { ServingLogSettings } from "./serving-log-options.ts";
import type { ServingLogStatus } from "./serving-log-status.ts";
import { takenSampler, type TakenChanges } from "./taken-changes.ts";

/** An answer as a store gives it. */
export interface ServedAnswer {
  readonly selection: readonly SelectedFeature[];
  /** The name of the service that was asked; null: it was no service. */
  readonly service: string | null;
  readonly keys: readonly KeyValues[];
  readonly answers: readonly ResultColumns[];
  readonly asOf: number;
  readonly answeredAt: number;
  readonly requestId?: string | readonly string[] | undefined;
  readonly taken: TakenChanges | null;
}

/** The serving log of an open store. */
export interface ServingLog {
  /** What the online store has taken, for an answer that begins now. */
  takenNow(): TakenChanges | null;
  /** Takes an answer. The values must not change afterwards. */
  record(answer: ServedAnswer): void;
  /** Commits all rows that wait. */
  flush(): Promise<void>;
  status(): ServingLogStatus;
  /** Commits what waits, and stops. What cannot be committed is lost, and a warning says so. */
  close(): Promise<void>;
}

/** Rows in columns, which are committed together. */
interface QueuedRows {
  readonly batch: Batch;
  /** The size of their texts. */
  readonly bytes: number;
}

/** Rows that are turned into columns at once. */
const CHUNK_ROWS = 512;
/** ms between two looks for days that are past the retention. */
const RETENTION_INTERVAL = 3_600_000;

/** Opens the serving log of a store. */
export function openServingLog(options: {
  readonly settings: ServingLogSettings;
  readonly definitions: Definitions;
  readonly offline: OfflineStore;
  readonly online: OnlineStore;
  readonly clock: () => number;
}): ServingLog {
  const { settings, definitions, offline, clock } = options;
  const describe = selectionDescriber(definitions);
  const sampler = takenSampler(
    options.online,
    [...definitions.sources.values()],
    settings.takenAge,
  );
  // the first answers need a sample
  sampler.now();
  const writer = logWriter(offline, definitions);
  const encoder = logEncoder(writer.process);

  /** Answers whose rows are not in columns yet, and the next row of the first one. */
  const waiting: LoggedAnswer[] = [];
  let nextRow = 0;
  /** Rows that are being committed, or whose commit failed. */
  let uncommitted: QueuedRows | null = null;
  /** All rows above. */
  let queuedRows = 0;
  let queuedBytes = 0;
  let isEncoding = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let writing: Promise<void> | null = null;
  let retentionAt = -Infinity;
  let isWarned = false;
  let isClosed = false;
  const counts = { answered: 0, sampled: 0, written: 0, queueFull: 0, writeFailed: 0 };
  let lastWrite: string | null = null;
  let lastError: string | null = null;

  /** Moves up to a chunk of rows into columns. */
  function encodeChunk(): void {
    let [rows, bytes] = [0, 0];
    while (rows < CHUNK_ROWS && waiting.length > 0) {
      const [answer] = waiting as [LoggedAnswer];
      const length = answer.rows?.length ?? answer.keys.length;
      for (; nextRow < length && rows < CHUNK_ROWS; nextRow++, rows++)
        bytes += encoder.add(answer, answer.rows?.[nextRow] ?? nextRow);
      if (nextRow < length) break;
      waiting.shift();
      nextRow = 0;
    }
    queuedBytes += bytes;
  }

  /**
   * Encodes what waits after this turn of the event loop, a chunk in each turn. An answer that is
   * not held for long costs the garbage collector nothing.
   */
  function encodeLater(): void {
    if (isEncoding) return;
    isEncoding = true;
    setImmediate(() => {
      isEncoding = false;
      encodeChunk();
      if (waiting.length > 0) encodeLater();
      if (encoder.rows >= settings.commitRows) void write();
    });
  }

  function writeLater(): void {
    if (timer !== undefined || isClosed) return;
    timer = setTimeout(() => {
      timer = undefined;
      void write();
    }, settings.commitAge);
    timer.unref();
  }

  function lost(rows: number, reason: "queueFull" | "writeFailed", error: string): void {
    counts[reason] += rows;
    if (isWarned) return;
    isWarned = true;
    process.emitWarning(
      `serving log: rows are lost (${error}); see servingLog.status() for the counts. Answers ` +
        "are not affected",
      { type: "TidemarkWarning", code: "SERVING_LOG_LOST" },
    );
  }

  /** Commits what waits. Never rejects. */
  function write(isLast = false): Promise<void> {
    writing ??= writeQueued(isLast).finally(() => {
      writing = null;
      if (queuedRows > 0) writeLater();
    });
    return writing;
  }

  async function writeQueued(isLast: boolean): Promise<void> {
    while (waiting.length > 0) {
      encodeChunk();
      await new Promise(setImmediate);
    }
    // a commit that failed may have taken effect, so it is tried again with the same rows
    if (uncommitted !== null && !(await commit(uncommitted, isLast)) && !isLast) return;
    if (encoder.rows > 0) {
      const { bytes } = encoder;
      await commit({ batch: encoder.take(), bytes }, isLast);
    }
    await removeOld();
  }

  /** Commits rows. false: they are tried again, or lost. */
  async function commit(rows: QueuedRows, isLast: boolean): Promise<boolean> {
    uncommitted = rows;
    try {
      await writer.append([rows.batch]);
      counts.written += rows.batch.length;
      lastWrite = formatTime(clock());
      lastError = null;
    } catch (error) {
      lastError = error instanceof Error ? error.message : String(error);
      if (isRetryable(error) && !isLast) return false;
      lost(rows.batch.length, "writeFailed", lastError);
    }
    uncommitted = null;
    queuedRows -= rows.batch.length;
    queuedBytes -= rows.bytes;
    return lastError === null;
  }

  async function removeOld(): Promise<void> {
    const now = performance.now();
    if (settings.retention === Infinity || now - retentionAt < RETENTION_INTERVAL) return;
    retentionAt = now;
    try {
      await writer.removeBefore(clock() - settings.retention);
    } catch (error) {
      lastError = error instanceof Error ? error.message : String(error);
    }
  }

  async function flush(): Promise<void> {
    await writing;
    await write();
  }

  return {
    takenNow: () => sampler.now(),
    record(answer) {
      if (isClosed) return;
      const { keys, requestId } = answer;
      counts.answered += keys.length;
      const rows = sampledRows(settings, keys.length, requestId);
      if (rows === "none") return;
      const length = rows === null ? keys.length : rows.length;
      counts.sampled += length;
      if (queuedRows + length > settings.queueRows || queuedBytes >= settings.queueBytes) {
        lost(length, "queueFull", "its queue is full");
        return;
      }
      const selection = describe(answer.selection);
      waiting.push({ ...answer, selection, rows, requestId });
      queuedRows += length;
      encodeLater();
      writeLater();
    },
    flush,
    status: () => ({
      sample: settings.sample,
      answered: counts.answered,
      sampled: counts.sampled,
      written: counts.written,
      lost: { queueFull: counts.queueFull, writeFailed: counts.writeFailed },
      queuedRows,
      queuedBytes,
      lastWrite,
      lastError,
    }),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await writing;
      await write(true);
      clearTimeout(timer);
    },
  };
}
