/** Computes training sets of entity rows that callers send, and keeps their results for a time. */
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { isTidemarkError, TidemarkError, type Store } from "@tidemark/core";
import {
  errorText,
  historicalFeaturesOfFile,
  jsonlEntities,
  keysNeeded,
  parquetEntities,
  selectionFrom,
  type EntityFile,
  type OptionText,
} from "@tidemark/core/internal";
import { publicError, statusOf } from "../http/http-errors.ts";
import type { RequestLog } from "../http/request-log.ts";
import type { Limits } from "../options/limits.ts";
import type { TrainingSetsOptions } from "../options/server-options.ts";
import type { TimeoutsMs } from "../options/timeouts.ts";
import { jobFolder } from "./job-folder.ts";
import type { StoredJob, TrainingSetJob, TrainingSetRequest } from "./job-types.ts";
import { formatOf, receiveRows, type RowsFormat } from "./receive-rows.ts";

/** The training sets of a server. */
export interface TrainingSets {
  /**
   * Receives the entity rows and begins the computation.
   *
   * @throws TRAINING_SETS_BUSY when as many are running as `limits.trainingSets` allows.
   * @throws STORE_MISSING when the store has no history.
   * @throws MEDIA_TYPE_UNKNOWN when the body is neither Parquet nor JSON lines.
   * @throws BODY_TOO_LARGE when the body is larger than `limits.trainingSetBytes`.
   * @throws ENTITIES_INVALID when the body cannot be read.
   * @throws KEY_INVALID when a key is missing.
   * @throws TIME_INVALID when `event_timestamp` is missing.
   * @throws TOO_MANY_ROWS when there are more rows than `limits.trainingSetRows` allows.
   */
  start(request: TrainingSetRequest, origin: RequestOrigin): Promise<StartedJob>;
  /**
   * Returns a training set of the caller.
   *
   * @throws TRAINING_SET_UNKNOWN when the caller has none of that id, or it is no longer kept.
   */
  find(id: string, caller: string | null): Promise<StoredJob>;
  /** The path of the result of a training set that is done. */
  resultFile(id: string): Promise<string>;
  /** Aborts a training set, or removes its result. */
  remove(job: StoredJob): Promise<void>;
  /** The numbers for the metrics. */
  readonly counts: TrainingSetCounts;
  /** Aborts what is running, and removes all files of this process. */
  close(): Promise<void>;
}

/** Where a request comes from. */
export interface RequestOrigin {
  readonly body: IncomingMessage;
  readonly caller: string | null;
  /** The id of the request in the log. */
  readonly request: string;
  /** Aborts when the caller disconnects before its answer. */
  readonly ending: AbortSignal;
}

/** A training set that this process computes. */
export interface StartedJob {
  /** How the training set stands now. */
  state(): StoredJob;
  /**
   * Resolves when it is done.
   *
   * @throws TRAINING_SET_ABORTED when it was aborted.
   * @throws the error by which it failed.
   */
  readonly done: Promise<StoredJob>;
}

/** The numbers of this process since its start. */
export interface TrainingSetCounts {
  running: number;
  readonly ended: { done: number; failed: number; aborted: number };
  /** The rows of all training sets that are done. */
  rows: number;
}

/** How often (ms) a running training set writes its state, and looks whether it is to abort. */
const STATE_INTERVAL = 500;
/** The age (ms) of the state of a running training set whose process has probably died. */
const LOST_AGE = 30_000;
/** How often (ms) training sets are removed that are no longer kept. */
const EXPIRY_INTERVAL = 10_000;
/** How long (ms) a process waits until another has aborted a training set. */
const ABORT_TIME = 5000;
/** What messages say in place of the path of the entity rows. */
const BODY = "the body";

const queryOption: OptionText = (name, value) => `${name}=${value ?? "…"}`;

/** Makes the training sets of a server over `store`. */
export function trainingSets(
  store: Store,
  options: TrainingSetsOptions,
  {
    limits,
    timeouts,
    log,
  }: { readonly limits: Limits; readonly timeouts: TimeoutsMs; readonly log: RequestLog },
): TrainingSets {
  const folder = jobFolder(options.folder);
  const owner = randomBytes(8).toString("hex");
  const running = new Map<string, { readonly abort: AbortController; ended: Promise<unknown> }>();
  const counts: TrainingSetCounts = {
    running: 0,
    ended: { done: 0, failed: 0, aborted: 0 },
    rows: 0,
  };
  let hasHistory = false;
  let isClosing = false;
  const now = (): number => (options.clock?.() ?? new Date()).getTime();
  const timeText = (ms: number): string => new Date(ms).toISOString();
  const ended = (): Pick<StoredJob, "ended" | "expires"> => {
    const time = now();
    return { ended: timeText(time), expires: timeText(time + timeouts.trainingSet) };
  };

  const expiry = setInterval(() => {
    removeExpired().catch((error: unknown) => {
      log.write("error", "expired training sets were not removed", { error: errorText(error) });
    });
  }, EXPIRY_INTERVAL).unref();
  let isUsed = false;

  /** Removes what is no longer kept. A training set whose process has died counts as failed. */
  async function removeExpired(): Promise<void> {
    if (!isUsed) return; // the folder is made at its first use
    const kept: StoredJob[] = [];
    for (const job of await folder.list()) {
      const known = await withoutLost(job);
      if (known === null) continue;
      if (known.state !== "running") kept.push(known);
    }
    kept.sort((a, b) => Date.parse(a.ended!) - Date.parse(b.ended!));
    for (const { id } of kept.slice(0, Math.max(0, kept.length - limits.trainingSetsKept)))
      await folder.remove(id);
  }

  /** Returns the job as it counts now. null: it is no longer kept. */
  async function withoutLost(job: StoredJob): Promise<StoredJob | null> {
    if (job.expires !== null && Date.parse(job.expires) <= now()) {
      await folder.remove(job.id);
      return null;
    }
    if (job.state !== "running" || running.has(job.id)) return job;
    if ((await folder.age(job.id).catch(() => 0)) < LOST_AGE) return job;
    const error = new TidemarkError(
      "TRAINING_SET_LOST",
      `the training set ${job.id}: the process that computed it has ended; send the rows again`,
    );
    const lost = failed(job, error, job.id);
    await rm(await folder.rowsFile(job.id), { force: true });
    await folder.write(lost);
    return lost;
  }

  function failed(job: StoredJob, error: unknown, request: string): StoredJob {
    const status = statusOf(error);
    return {
      ...job,
      ...ended(),
      state: "failed",
      status,
      error: publicError(error, status, request),
    };
  }

  async function refuseWithoutHistory(features: TrainingSetRequest["features"]): Promise<void> {
    if (hasHistory) return;
    // only this call knows whether there is a history
    await store
      .getHistoricalFeatures({
        features: selectionFrom(features),
        entities: [] as never,
        beforeHistory: "empty",
      })
      .catch((error: unknown) => {
        if (isTidemarkError(error, "STORE_MISSING")) throw error;
      });
    hasHistory = true;
  }

  async function entityRows(
    format: RowsFormat,
    path: string,
    { features, zone, timeUnit }: TrainingSetRequest,
    signal: AbortSignal,
  ): Promise<EntityFile> {
    const reading = { keys: keysNeeded(features), zone, timeUnit, optionText: queryOption, signal };
    const file =
      format === "parquet"
        ? await parquetEntities(path, reading, options.parquet.readParquet)
        : await jsonlEntities(path, reading);
    if (file.rows !== null && file.rows > limits.trainingSetRows)
      throw new TidemarkError(
        "TOO_MANY_ROWS",
        `${BODY} has ${file.rows} rows, and limits.trainingSetRows of the server allows ` +
          `${limits.trainingSetRows}; send several requests`,
      );
    return file;
  }

  async function start(
    request: TrainingSetRequest,
    { body, caller, request: requestId, ending }: RequestOrigin,
  ): Promise<StartedJob> {
    const format = formatOf(body);
    await refuseWithoutHistory(request.features);
    if (running.size >= limits.trainingSets || isClosing)
      throw new TidemarkError(
        "TRAINING_SETS_BUSY",
        `the server: ${running.size} training sets are running, as many as limits.trainingSets ` +
          "allows; repeat the request when one is done",
      );
    const id = randomBytes(16).toString("hex");
    const abort = new AbortController();
    const { signal } = abort;
    const onEnding = (): void => {
      abort.abort(ending.reason);
    };
    const { promise: wasStored, resolve: stored } = signalled();
    running.set(id, { abort, ended: wasStored });
    counts.running++;
    const startedAt = performance.now();
    let job: StoredJob = {
      id,
      state: "running",
      rows: null,
      done: 0,
      features: request.features.map(({ as }) => as),
      knowledge: request.knowledge,
      created: timeText(now()),
      ended: null,
      expires: null,
      warnings: [],
      coverage: null,
      error: null,
      caller,
      owner,
      status: null,
    };
    const [rowsFile, resultFile] = [await folder.rowsFile(id), await folder.resultFile(id)];
    let writing = Promise.resolve();
    const writeState = (): Promise<void> => {
      const state = job;
      return (writing = writing.then(() => folder.write(state)));
    };
    const ticker = setInterval(() => {
      void tick().catch(() => undefined); // the next tick tries again
    }, STATE_INTERVAL).unref();
    async function tick(): Promise<void> {
      if (await folder.isAbortRequested(id)) abort.abort(aborted(id));
      if (running.has(id)) await writeState();
    }
    async function settle(): Promise<void> {
      clearInterval(ticker);
      running.delete(id);
      counts.running--;
      await writing.catch(() => undefined);
    }
    async function discard(): Promise<void> {
      await settle();
      await folder.remove(id);
      stored();
    }

    ending.addEventListener("abort", onEnding, { once: true });
    if (ending.aborted) onEnding();
    try {
      isUsed = true;
      await folder.create(id);
      await writeState();
      const found = await receiveRows(body, rowsFile, {
        format,
        maxBytes: limits.trainingSetBytes,
        idleTime: timeouts.request,
        signal,
      });
      const entities = await entityRows(found, rowsFile, request, signal);
      job = { ...job, rows: entities.rows };
      const begun = signalled();
      const computed = historicalFeaturesOfFile(store, {
        ...request,
        file: rowsFile,
        entities,
        signal,
        async write({ columns, batches }) {
          begun.resolve();
          await options.parquet.writeParquet(resultFile, { columns, batches, signal });
        },
        onRows(done) {
          job = { ...job, done };
        },
        onWarning(message) {
          job = { ...job, warnings: [...job.warnings, withoutPath(message, rowsFile)] };
        },
      });
      await Promise.race([begun.promise, computed]);
      const done = computed.then(
        async ({ rows, coverage }) => {
          await settle();
          counts.ended.done++;
          counts.rows += rows;
          job = { ...job, ...ended(), state: "done", rows, done: rows, coverage };
          await rm(rowsFile, { force: true });
          await folder.write(job);
          await removeExpired();
          log.write("info", "a training set is done", {
            request: requestId,
            trainingSet: id,
            rows,
            features: job.features.length,
            ms: Math.round(performance.now() - startedAt),
          });
          return job;
        },
        async (cause: unknown) => {
          if (signal.aborted) {
            counts.ended.aborted++;
            await discard();
            throw signal.reason;
          }
          await settle();
          counts.ended.failed++;
          const error = bodyError(cause, rowsFile);
          job = failed(job, error, requestId);
          await rm(rowsFile, { force: true });
          await folder.write(job);
          await removeExpired();
          if (job.status! >= 500)
            log.write("error", "a training set failed", {
              request: requestId,
              trainingSet: id,
              error: errorText(error),
            });
          throw error;
        },
      );
      done.catch(() => undefined).finally(stored); // its state has the error
      return { state: () => job, done };
    } catch (error) {
      await discard();
      throw signal.aborted && signal.reason !== error ? signal.reason : bodyError(error, rowsFile);
    } finally {
      ending.removeEventListener("abort", onEnding);
    }
  }

  return {
    start,
    async find(id, caller) {
      const job = await folder.read(id);
      const known = job === null || job.caller !== caller ? null : await withoutLost(job);
      if (known !== null) return known;
      throw new TidemarkError(
        "TRAINING_SET_UNKNOWN",
        `the training set ${JSON.stringify(id.slice(0, 100))}: there is none, or it is no longer ` +
          "kept; send its rows again",
      );
    },
    resultFile: (id) => folder.resultFile(id),
    async remove({ id, state }) {
      const own = running.get(id);
      if (own !== undefined) {
        own.abort.abort(aborted(id));
        await own.ended;
      } else if (state === "running") {
        // another process computes it
        await folder.requestAbort(id);
        const until = performance.now() + ABORT_TIME;
        while ((await folder.read(id))?.state === "running" && performance.now() < until)
          await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await folder.remove(id);
    },
    counts,
    async close() {
      isClosing = true;
      clearInterval(expiry);
      for (const { abort } of running.values()) abort.abort(closing());
      await Promise.all([...running.values()].map((one) => one.ended));
      if (isUsed)
        for (const job of await folder.list()) if (job.owner === owner) await folder.remove(job.id);
      await folder.close();
    },
  };
}

/** Returns a training set as its caller sees it. */
export function publicJob(
  job: StoredJob,
): TrainingSetJob & { readonly url: string; readonly result: string | null } {
  const { caller: _caller, owner: _owner, status: _status, ...shown } = job;
  const url = `/v1/training-set/${job.id}`;
  return { ...shown, url, result: job.state === "done" ? `${url}/result` : null };
}

/** Makes a promise that `resolve` resolves. */
function signalled(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function aborted(id: string): TidemarkError {
  return new TidemarkError(
    "TRAINING_SET_ABORTED",
    `the training set ${id}: a request has deleted it; send the rows again`,
  );
}

function closing(): TidemarkError {
  return new TidemarkError(
    "SERVER_BUSY",
    "the server: it is stopping, and has aborted the training set; send the rows again",
  );
}

/**
 * Returns an error of the entity rows as an error of the request. Its message names the body in
 * place of the file. Errors of the store stay as they are.
 */
function bodyError(error: unknown, path: string): unknown {
  if (!isTidemarkError(error) || !error.message.includes(path)) return error;
  const code =
    error.code.startsWith("PARQUET_") || OF_BODY.has(error.code) ? "ENTITIES_INVALID" : error.code;
  return new TidemarkError<string>(code, withoutPath(error.message, path), { cause: error });
}

/** The codes of a body that is no Parquet file, or one that cannot be carried. */
const OF_BODY: ReadonlySet<string> = new Set(["COLUMN_NAME", "ENTITIES_NOT_FOUND"]);

function withoutPath(message: string, path: string): string {
  const [first, ...rest] = message.split(path);
  return first! + rest.map((text) => BODY + text.replace(/^:(\d+)/, ": line $1")).join("");
}
