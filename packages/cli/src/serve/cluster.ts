/**
 * The first process of a cluster: it starts those that answer, replaces one that dies, and ends
 * them together.
 */
import cluster, { type Worker } from "node:cluster";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { TidemarkError } from "@tidemark/core";
import { clusterMetrics, notListening, type Counters } from "@tidemark/server";
import { isOurs, type FromPrimary, type FromWorker } from "./worker-messages.ts";

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

interface Gathering {
  readonly counters: Counters[];
  readonly waiting: Set<Worker>;
  done: () => void;
}

/** In a worker's environment. */
export const PORT_OF_CLUSTER = "tidemark_serve_port";

/** How long a worker that died waits for its replacement, ms, by the deaths in a row. */
const RESTART_DELAYS = [0, 0, 100, 500, 2000];
/** A worker that lived this long did not die of its start, ms. */
const SETTLED = 10_000;

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
  const gatherings = new Map<number, Gathering>();
  let ids = 0;
  let announced = false;
  let deaths = 0;
  let failure: TidemarkError<string> | null = null;
  let over: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    over = resolve;
  });

  /** Every process that listens is asked; one that dies or hangs is left out. */
  async function answerMetrics(asking: Worker, id: number): Promise<void> {
    const gathering: Gathering = {
      counters: [],
      waiting: new Set(listening),
      done: () => undefined,
    };
    const own = ids++;
    gatherings.set(own, gathering);
    await new Promise<void>((resolve) => {
      gathering.done = resolve;
      setTimeout(resolve, 1000).unref();
      for (const worker of listening) tell(worker, { tidemark: "counters", id: own });
    });
    gatherings.delete(own);
    tell(asking, { tidemark: "metrics", id, text: await clusterMetrics(gathering.counters) });
  }

  function heard(
    from: Worker,
    { waiting, counters, done }: Gathering,
    given: Counters | null,
  ): void {
    if (waiting.delete(from) && given !== null) counters.push(given);
    if (waiting.size === 0) done();
  }

  function start(): void {
    const worker = cluster.fork({ [PORT_OF_CLUSTER]: port });
    const born = performance.now();
    worker.on("message", (message: unknown) => {
      if (!isOurs<FromWorker>(message)) return;
      if (message.tidemark === "metrics") {
        void answerMetrics(worker, message.id);
      } else if (message.tidemark === "counters") {
        const gathering = gatherings.get(message.id);
        if (gathering !== undefined) heard(worker, gathering, message.counters);
      } else if (message.tidemark === "failed") {
        failure = new TidemarkError<string>(message.code, message.message);
      } else {
        listening.add(worker);
        if (signal.aborted) tell(worker, { tidemark: "drain" });
        if (announced || listening.size < workers) return;
        announced = true;
        onListening(message.address);
      }
    });
    worker.once("exit", (code, killedBy) => {
      listening.delete(worker);
      for (const gathering of gatherings.values()) heard(worker, gathering, null);
      if (signal.aborted) return;
      if (!announced) {
        failure ??= new TidemarkError(
          "WORKER_DIED",
          "a process of the server ended before it listened " +
            `(${killedBy ?? `exit code ${code}`}); what it said stands above`,
        );
        over();
        return;
      }
      onDeath(worker.process.pid, killedBy ?? `exit code ${code}`);
      deaths = performance.now() - born > SETTLED ? 0 : deaths + 1;
      void sleep(RESTART_DELAYS[Math.min(deaths, RESTART_DELAYS.length - 1)]!, undefined, {
        signal,
      }).then(start, () => undefined);
    });
  }

  const renew = (): void => {
    for (const worker of listening) tell(worker, { tidemark: "renew" });
  };
  process.on("SIGHUP", renew);
  for (let i = 0; i < workers; i++) start();
  signal.addEventListener("abort", over, { once: true });
  if (signal.aborted) over();
  await ended;
  signal.removeEventListener("abort", over);
  await endAll(listening, limit, onKilled);
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
    throw notListening(cause as NodeJS.ErrnoException, host, port);
  } finally {
    await new Promise((resolve) => {
      probe.close(resolve);
    });
  }
}

async function endAll(
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
    if (listening.has(worker)) tell(worker, { tidemark: "drain" });
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
function tell(worker: Worker, message: FromPrimary): void {
  if (worker.isConnected()) worker.send(message, () => undefined);
}
