/** Computes training sets of entity rows that callers send, and keeps their results for a time. */
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { isTidemarkError, TidemarkError, type Store } from "@tidemark/core";
import { errorText, historicalFeaturesOfFile, selectionFrom } from "@tidemark/core/internal";
import type { RequestLog } from "../http/request-log.ts";
import type { Limits } from "../options/limits.ts";
import type { TrainingSetsOptions } from "../options/server-options.ts";
import type { TimeoutsMs } from "../options/timeouts.ts";
import { bodyError, withoutPath } from "./body-errors.ts";
import { entityRows } from "./entity-rows.ts";
import { jobFolder } from "./job-folder.ts";
import type {
  RequestOrigin,
  StartedJob,
  StoredJob,
  TrainingSetCounts,
  TrainingSetRequest,
  TrainingSets,
} from "./job-types.ts";
import { formatOf, receiveRows } from "./receive-rows.ts";
import { resultRows, unknownTrainingSet } from "./result-rows.ts";
import { retention } from "./retention.ts";

/** How often (ms) a running training set writes its state, and looks whether it is to abort. */
const STATE_INTERVAL = 500;
/** How often (ms) training sets are removed that are no longer kept. */
const EXPIRY_INTERVAL = 10_000;
/** How long (ms) a process waits until another has aborted a training set. */
const ABORT_TIME = 5000;

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
  const kept = retention(folder, {
    now,
    keepTime: timeouts.trainingSet,
    maxKept: limits.trainingSetsKept,
    isRunning: (id) => running.has(id),
  });
  /** Whether the folder may hold training sets: those of processes before, or of this one. */
  let isUsed = options.folder !== undefined;
  const removeExpired = (): void => {
    if (!isUsed) return;
    kept.removeExpired().catch((error: unknown) => {
      log.write("error", "expired training sets were not removed", { error: errorText(error) });
    });
  };
  const expiry = setInterval(removeExpired, EXPIRY_INTERVAL).unref();
  removeExpired();

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
      created: new Date(now()).toISOString(),
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
      const entities = await entityRows(found, rowsFile, request, {
        signal,
        limits,
        readParquet: options.parquet.readParquet,
      });
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
          job = { ...job, ...kept.ended(), state: "done", rows, done: rows, coverage };
          await rm(rowsFile, { force: true });
          await folder.write(job);
          await kept.removeExpired();
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
          job = kept.failed(job, error, requestId);
          await rm(rowsFile, { force: true });
          await folder.write(job);
          await kept.removeExpired();
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

  async function find(id: string, caller: string | null): Promise<StoredJob> {
    const job = await folder.read(id);
    const known = job === null || job.caller !== caller ? null : await kept.current(job);
    if (known !== null) return known;
    throw unknownTrainingSet(id);
  }
  const resultFile = (id: string): Promise<string> => folder.resultFile(id);

  return {
    start,
    find,
    rows: (asked) => resultRows({ find, resultFile }, options.parquet.readParquet, asked),
    async list(caller) {
      if (!isUsed) return [];
      const own = (await folder.list()).filter((job) => job.caller === caller);
      const known = await Promise.all(own.map((job) => kept.current(job)));
      return known
        .filter((job) => job !== null)
        .sort((a, b) => (a.created < b.created ? 1 : a.created > b.created ? -1 : 0));
    },
    resultFile,
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
