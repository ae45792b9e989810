/**
 * The primary process of a cluster. It starts the workers that answer, replaces a worker that dies,
 * and stops all of them.
 */
import cluster, { type Worker } from "node:cluster";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TidemarkError } from "@tidemark/core";
import { clusterMetrics, listenError, type ProcessCounters } from "@tidemark/server";
import { isClusterMessage, type PrimaryMessage, type WorkerMessage } from "./worker-messages.ts";

export interface ClusterOptions {
  readonly workers: number;
  /**
   * The port. Each worker listens at it by itself, so a worker that dies loses only its own
   * connections.
   */
  readonly port: number;
  /**
   * The folder of training sets, which any worker answers. null: a new folder of the system's
   * temporary files, which is removed at the end.
   */
  readonly folder: string | null;
  readonly signal: AbortSignal;
  /** Called when every worker listens. */
  readonly onListening: (address: string) => void;
  readonly onDeath: (pid: number | undefined, why: string) => void;
  /** Milliseconds after which a worker that does not stop is killed. */
  readonly limit: number;
  readonly onKilled: (pid: number | undefined) => void;
}

interface MetricsCollection {
  readonly counters: ProcessCounters[];
  readonly waiting: Set<Worker>;
  done: () => void;
}

/** The environment variable that tells a worker the shared port. */
export const CLUSTER_PORT_VARIABLE = "tidemark_serve_port";

/** The environment variable that tells a worker the folder of training sets. */
export const CLUSTER_FOLDER_VARIABLE = "tidemark_serve_folder";

/** The environment variable that tells a worker to send the alerts. */
export const CLUSTER_ALERTS_VARIABLE = "tidemark_serve_alerts";

/** Milliseconds before a dead worker is replaced, by the number of deaths in a row. */
const RESTART_DELAYS = [0, 0, 100, 500, 2000];
/** Milliseconds after which a worker's death does not count as a failed start. */
const STABLE_AFTER = 10_000;

/**
 * Runs the workers until the signal aborts, then waits for all of them to end. If a worker fails
 * before any listens, the call fails with its error.
 */
export async function runCluster({
  workers,
  port,
  folder: givenFolder,
  signal,
  onListening,
  onDeath,
  limit,
  onKilled,
}: ClusterOptions): Promise<void> {
  const listening = new Set<Worker>();
  const collections = new Map<number, MetricsCollection>();
  let ids = 0;
  /** The worker that sends the alerts. The one that replaces it does so too. */
  let alerting: Worker | null = null;
  let announced = false;
  let deaths = 0;
  let failure: TidemarkError<string> | null = null;
  let finish: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const folder = givenFolder ?? (await mkdtemp(join(tmpdir(), "tidemark-training-sets-")));

  /** Asks every worker that listens for its counters. A worker that dies or hangs is left out. */
  async function answerMetrics(asking: Worker, id: number): Promise<void> {
    const collection: MetricsCollection = {
      counters: [],
      waiting: new Set(listening),
      done: () => undefined,
    };
    const collectionId = ids++;
    collections.set(collectionId, collection);
    await new Promise<void>((resolve) => {
      collection.done = resolve;
      setTimeout(resolve, 1000).unref();
      for (const worker of listening)
        sendMessage(worker, { tidemark: "counters", id: collectionId });
    });
    collections.delete(collectionId);
    sendMessage(asking, {
      tidemark: "metrics",
      id,
      text: await clusterMetrics(collection.counters),
    });
  }

  function receiveCounters(
    from: Worker,
    { waiting, counters, done }: MetricsCollection,
    given: ProcessCounters | null,
  ): void {
    if (waiting.delete(from) && given !== null) counters.push(given);
    if (waiting.size === 0) done();
  }

  function start(): void {
    const worker = cluster.fork({
      [CLUSTER_PORT_VARIABLE]: port,
      [CLUSTER_FOLDER_VARIABLE]: folder,
      [CLUSTER_ALERTS_VARIABLE]: String(alerting === null),
    });
    alerting ??= worker;
    const startedAt = performance.now();
    worker.on("message", (message: unknown) => {
      if (!isClusterMessage<WorkerMessage>(message)) return;
      if (message.tidemark === "metrics") {
        void answerMetrics(worker, message.id);
      } else if (message.tidemark === "counters") {
        const collection = collections.get(message.id);
        if (collection !== undefined) receiveCounters(worker, collection, message.counters);
      } else if (message.tidemark === "failed") {
        failure = new TidemarkError<string>(message.code, message.message);
      } else {
        listening.add(worker);
        if (signal.aborted) sendMessage(worker, { tidemark: "drain" });
        if (announced || listening.size < workers) return;
        announced = true;
        onListening(message.address);
      }
    });
    worker.once("exit", (code, killedBy) => {
      listening.delete(worker);
      if (alerting === worker) alerting = null;
      for (const collection of collections.values()) receiveCounters(worker, collection, null);
      if (signal.aborted) return;
      if (!announced) {
        failure ??= new TidemarkError(
          "WORKER_DIED",
          "a process of the server ended before it listened " +
            `(${killedBy ?? `exit code ${code}`}); its message is above`,
        );
        finish();
        return;
      }
      onDeath(worker.process.pid, killedBy ?? `exit code ${code}`);
      deaths = performance.now() - startedAt > STABLE_AFTER ? 0 : deaths + 1;
      void sleep(RESTART_DELAYS[Math.min(deaths, RESTART_DELAYS.length - 1)]!, undefined, {
        signal,
      }).then(start, () => undefined);
    });
  }

  const renew = (): void => {
    for (const worker of listening) sendMessage(worker, { tidemark: "renew" });
  };
  process.on("SIGHUP", renew);
  for (let i = 0; i < workers; i++) start();
  signal.addEventListener("abort", finish, { once: true });
  if (signal.aborted) finish();
  await ended;
  signal.removeEventListener("abort", finish);
  await stopAll(listening, limit, onKilled);
  process.off("SIGHUP", renew);
  if (givenFolder === null) await rm(folder, { recursive: true, force: true });
  if (failure !== null) throw failure;
}

/**
 * Finds the port that all workers will share. A second server at a shared port would get a part of
 * the requests, so a used port is refused.
 * @throws PORT_TAKEN when another server listens at the port.
 */
export async function freePort({
  host = "127.0.0.1",
  port = 6570,
}: {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}): Promise<number> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once("error", reject);
      probe.listen({ host, port }, resolve);
    });
    return (probe.address() as AddressInfo).port;
  } catch (cause) {
    throw listenError(cause as NodeJS.ErrnoException, host, port);
  } finally {
    await new Promise((resolve) => {
      probe.close(resolve);
    });
  }
}

async function stopAll(
  listening: ReadonlySet<Worker>,
  limit: number,
  onKilled: ClusterOptions["onKilled"],
): Promise<void> {
  const living = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  const exits = living.map(
    (worker) =>
      new Promise<void>((resolve) => {
        worker.once("exit", () => {
          resolve();
        });
      }),
  );
  // A worker that is still starting does not receive messages.
  for (const worker of living) {
    if (listening.has(worker)) sendMessage(worker, { tidemark: "drain" });
    else worker.process.kill("SIGTERM");
  }
  const late = setTimeout(() => {
    for (const worker of living) {
      if (worker.isDead()) continue;
      onKilled(worker.process.pid);
      worker.process.kill("SIGKILL");
    }
  }, limit);
  await Promise.all(exits);
  clearTimeout(late);
}

/** Sends the message; a dying worker cannot receive it. */
function sendMessage(worker: Worker, message: PrimaryMessage): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}
