/**
 * The first process of a cluster: it starts those that answer, replaces one that dies, and ends
 * them together.
 */
import cluster, { type Worker } from "node:cluster";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { TidemarkError } from "@tidemark/core";
import { clusterMetrics, listenError, type ProcessCounters } from "@tidemark/server";
import { isClusterMessage, type PrimaryMessage, type WorkerMessage } from "./worker-messages.ts";

export interface ClusterOptions {
  readonly workers: number;
  /** Each listens at it by itself: what one has taken is lost with it, and nothing more. */
  readonly port: number;
  readonly signal: AbortSignal;
  /** All of them listen. */
  readonly onListening: (address: string) => void;
  readonly onDeath: (pid: number | undefined, why: string) => void;
  /** After so many ms a process that does not end is killed. */
  readonly limit: number;
  readonly onKilled: (pid: number | undefined) => void;
}

interface MetricsCollection {
  readonly counters: ProcessCounters[];
  readonly waiting: Set<Worker>;
  done: () => void;
}

/** In a worker's environment. */
export const CLUSTER_PORT_VARIABLE = "tidemark_serve_port";

/** How long a worker that died waits for its replacement, ms, by the deaths in a row. */
const RESTART_DELAYS = [0, 0, 100, 500, 2000];
/** A worker that lived this long did not die of its start, ms. */
const STABLE_AFTER = 10_000;

/**
 * Ends when the signal aborts and every process has ended; where one fails before any has listened,
 * with what it said.
 */
export async function runCluster({
  workers,
  port,
  signal,
  onListening,
  onDeath,
  limit,
  onKilled,
}: ClusterOptions): Promise<void> {
  const listening = new Set<Worker>();
  const collections = new Map<number, MetricsCollection>();
  let ids = 0;
  let announced = false;
  let deaths = 0;
  let failure: TidemarkError<string> | null = null;
  let finish: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    finish = resolve;
  });

  /** Every process that listens is asked; one that dies or hangs is left out. */
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
    const worker = cluster.fork({ [CLUSTER_PORT_VARIABLE]: port });
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
      for (const collection of collections.values()) receiveCounters(worker, collection, null);
      if (signal.aborted) return;
      if (!announced) {
        failure ??= new TidemarkError(
          "WORKER_DIED",
          "a process of the server ended before it listened " +
            `(${killedBy ?? `exit code ${code}`}); what it said stands above`,
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
  if (failure !== null) throw failure;
}

/**
 * The port that all will share. Another server at it would not keep them out, and they would take
 * turns: it is looked for here. Throws `PORT_TAKEN`.
 */
export async function freePort({
  host = "127.0.0.1",
  port = 6566,
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
  // one that only starts does not hear a message yet
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

/** One that is dying cannot be told. */
function sendMessage(worker: Worker, message: PrimaryMessage): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}
