/** `tidemark serve`: features over HTTP. */
import cluster from "node:cluster";
import { isRetryable, isTidemarkError } from "@tidemark/core";
import { timeLimitMillis } from "@tidemark/core/internal";
import { featureServer, type FeatureServer, type ParquetFunctions } from "@tidemark/server";
import { configCommand, type CommandRun } from "./config-command.ts";
import { loadDelta } from "../modules/optional-packages.ts";
import { PORTS, wholeNumberOf } from "../terminal/options.ts";
import {
  CLUSTER_ALERTS_VARIABLE,
  CLUSTER_FOLDER_VARIABLE,
  CLUSTER_PORT_VARIABLE,
  freePort,
  runCluster,
} from "../serve/cluster.ts";
import { connectorStates } from "../serve/connector-states.ts";
import { readConsole } from "../serve/console-files.ts";
import { untilAborted } from "../serve/until-aborted.ts";
import { watchConfigured } from "../serve/watch-configured.ts";
import { openAuditLog } from "../output/audit-log.ts";
import { logBuffer } from "../serve/log-buffer.ts";
import { tlsOf, tokensOf, type ServerConfig } from "../config/server-config.ts";
import {
  isClusterMessage,
  type PrimaryMessage,
  type WorkerMessage,
} from "../serve/worker-messages.ts";

const help = `Usage: tidemark serve [--host HOST] [--port PORT] [--workers N] [options]

Answers requests for features over HTTP from the online store. It serves Feast's
protocol, and its own under /v1, which /openapi.json describes. It computes training
sets from the history. tidemark run may bring in changes at the same time, in another
process. The member server of the configuration holds authentication, TLS and limits.

Each request writes a JSON line to stderr. SIGTERM and SIGINT stop the server after it
has answered the requests that it took. SIGHUP reads the certificate and the tokens in
files again, and opens the file of the audit log again.

  --host HOST           the address to listen at; default: 127.0.0.1. Any other address
                        needs tokens, or server: { anonymous: true }
  --port PORT           default: 6570; 0: a free port
  --serve-while-filling answers from sources that were never level with their log.
                        Such an answer can be a smaller number. Without the option it
                        is NOT_READY
  --workers N           processes that answer from the same online store; default: 1. A
                        process that dies is replaced
`;

interface ServeSettings extends ServerConfig {
  readonly workers: number;
}

export const serveCommand: ReturnType<typeof configCommand> = configCommand({
  name: "serve",
  help,
  exitCodes: { 0: "stopped by a signal", 1: "failed" },
  options: { host: "text", port: "text", workers: "text", "serve-while-filling": "flag" },
  interrupted: "it was not listening yet",
  async run(run) {
    const settings = serveSettingsOf(run);
    if (cluster.isWorker) return runWorker(run, settings);
    if (settings.workers > 1) return runPrimary(run, settings);
    const { server, renew, end } = await startServer(run, settings);
    process.on("SIGHUP", renew);
    try {
      announce(run, await listen(server, settings), 1);
      await untilAborted(run.signal);
      await server.drain();
    } finally {
      process.off("SIGHUP", renew);
      await end();
    }
    return 0;
  },
});

function serveSettingsOf({ given, config }: CommandRun): ServeSettings {
  const server = config.server ?? {};
  return {
    ...server,
    host: given.text("host") ?? server.host,
    port: wholeNumberOf(given, "port", PORTS) ?? server.port,
    workers: wholeNumberOf(given, "workers", [1, 512]) ?? server.workers ?? 1,
  };
}

/** Milliseconds after which the primary kills a worker that does not end; a shutdown is shorter. */
function killAfterMs({
  shutdown: { gracePeriod = "1s", timeout = "30s" } = {},
}: ServerConfig): number {
  return (
    timeLimitMillis("server: shutdown.gracePeriod", gracePeriod) +
    timeLimitMillis("server: shutdown.timeout", timeout) +
    5000
  );
}
/** Parquet files of training sets. The package is loaded when the first comes. */
const parquet: ParquetFunctions = {
  readParquet: async (file, options) =>
    (await loadDelta("a training set of Parquet")).readParquet(file, options),
  writeParquet: async (file, content) =>
    (await loadDelta("a training set of Parquet")).writeParquet(file, content),
};

interface StartedServer {
  readonly server: FeatureServer;
  /** Reads the certificate, the tokens and the file of the audit log again. */
  renew(): void;
  /** The store stays open until the command ends. */
  end(): Promise<void>;
}

async function startServer(
  { config, open, given, progress, signal }: CommandRun,
  settings: ServeSettings,
  clusterMetrics?: () => Promise<string>,
): Promise<StartedServer> {
  const { store, secrets } = await open({
    online: true,
    ...(given.has("serve-while-filling") ? { serveWhileFilling: true } : {}),
  });
  const lines = logBuffer(process.stderr);
  const audit = openAuditLog(config, process.stderr);
  const { log = true } = settings;
  const server = await featureServer({
    store,
    definitions: config.definitions,
    tokens: tokensOf(settings, secrets),
    limits: settings.limits,
    timeouts: settings.timeouts,
    shutdown: settings.shutdown,
    tls: await tlsOf(settings, config.file),
    audit: {
      write: (line) => {
        audit.write(line);
      },
    },
    allowedHosts: settings.allowedHosts,
    trustProxy: settings.trustProxy,
    zone: config.zone,
    trainingSets: {
      parquet,
      folder: settings.trainingSets?.folder ?? process.env[CLUSTER_FOLDER_VARIABLE],
    },
    clusterMetrics,
    connectors: connectorStates(config.connectors, secrets),
    ...(settings.console === false ? {} : { consoleFiles: readConsole }),
    log:
      log === false
        ? undefined
        : {
            write: (line) => {
              lines.write(line);
            },
            level: given.has("quiet") ? "warn" : undefined,
            ...(log === true ? {} : log),
          },
  });
  // of several processes one sends alerts
  const watch =
    cluster.isWorker && process.env[CLUSTER_ALERTS_VARIABLE] !== "true"
      ? null
      : await watchConfigured(config, {
          store,
          secrets,
          process: "serve",
          onWarning: (text) => {
            progress.warn(text);
          },
        });
  // what was pushed by a process that died is served as soon as it can be
  store.catchUp({ signal }).catch((error: unknown) => {
    if (!isRetryable(error) && !signal.aborted && !isTidemarkError(error, "STORE_MISSING"))
      progress.warn(error instanceof Error ? error.message : String(error));
  });
  /** Makes one step of the renewal. A failed step keeps what it would renew. */
  const attempt = async (what: string, step: () => void | Promise<void>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      progress.warn(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const renew = async (): Promise<void> => {
    await attempt("the certificate stays as it is", async () => {
      const texts = await tlsOf(settings, config.file);
      if (texts !== undefined) server.renewTls(texts);
    });
    await attempt("the tokens stay as they are", () => {
      const tokens = tokensOf(settings, secrets);
      if (tokens.length > 0) server.renewTokens(tokens);
    });
    await attempt("the audit log stays in the file that is open", () => {
      audit.reopen();
    });
    progress.done(
      "SIGHUP: read again what files hold; what environment variables hold needs a restart",
    );
  };
  return {
    server,
    renew: () => void renew(),
    async end() {
      await watch?.close();
      await server.close();
      lines.flush();
      audit.close();
    },
  };
}

function listen(
  server: FeatureServer,
  { host, port, anonymous, allowInsecure }: ServeSettings,
): Promise<string> {
  const shared = process.env[CLUSTER_PORT_VARIABLE];
  return server.listen({
    host,
    anonymous,
    // of several processes one warns
    allowInsecure: allowInsecure === true || (cluster.worker?.id ?? 1) > 1,
    ...(shared === undefined ? { port } : { port: Number(shared), shared: true }),
  });
}

function announce({ printResult }: CommandRun, address: string, processes: number): void {
  printResult({ address, processes, pid: process.pid }, [
    `listening at ${address}${processes === 1 ? "" : `, ${processes} processes`}`,
  ]);
}

/** The first process of several: it opens no store. */
async function runPrimary(run: CommandRun, settings: ServeSettings): Promise<number> {
  const { progress, signal } = run;
  await runCluster({
    workers: settings.workers,
    port: await freePort(settings),
    folder: settings.trainingSets?.folder ?? null,
    signal,
    limit: killAfterMs(settings),
    onListening: (address) => {
      announce(run, address, settings.workers);
    },
    onDeath: (pid, why) => {
      progress.warn(`process ${pid} ended (${why}); another takes its place`);
    },
    onKilled: (pid) => {
      progress.warn(`process ${pid} did not end in time and was killed`);
    },
  });
  return 0;
}

/** One of several. It ends when the first one says so, or is gone. */
async function runWorker(run: CommandRun, settings: ServeSettings): Promise<number> {
  const drainRequested = new AbortController();
  const pendingMetrics = new Map<number, (text: string) => void>();
  let ids = 0;
  const sendMessage = (message: WorkerMessage): void => {
    if (process.connected) process.send!(message);
  };
  let renew: () => void = () => undefined;
  let counters: FeatureServer["counters"] = async () => [];
  const count = async (id: number): Promise<void> => {
    sendMessage({ tidemark: "counters", id, counters: await counters() });
  };
  process.on("disconnect", () => {
    drainRequested.abort();
  });
  // a terminal that closes tells all; the first process says what to do
  process.on("SIGHUP", () => undefined);
  process.on("message", (message: unknown) => {
    if (!isClusterMessage<PrimaryMessage>(message)) return;
    if (message.tidemark === "drain") drainRequested.abort();
    else if (message.tidemark === "renew") renew();
    else if (message.tidemark === "counters") void count(message.id);
    else pendingMetrics.get(message.id)?.(message.text);
  });
  const clusterMetrics = (): Promise<string> =>
    new Promise((resolve) => {
      const id = ids++;
      pendingMetrics.set(id, (text) => {
        pendingMetrics.delete(id);
        resolve(text);
      });
      sendMessage({ tidemark: "metrics", id });
    });
  try {
    const started = await startServer(run, settings, clusterMetrics);
    const { server, end } = started;
    try {
      counters = () => server.counters();
      renew = () => {
        started.renew();
      };
      sendMessage({ tidemark: "listening", address: await listen(server, settings) });
      await untilAborted(AbortSignal.any([drainRequested.signal, run.signal]));
      await server.drain();
    } finally {
      await end();
    }
    return 0;
  } catch (error) {
    if (isTidemarkError(error))
      sendMessage({ tidemark: "failed", code: error.code, message: error.message });
    else throw error;
    return 1;
  } finally {
    cluster.worker!.disconnect(); // as process.disconnect, but what is left to do is done
  }
}
