/** Serves metrics alone, for a process that answers no features, such as a runner. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isTidemarkError, type Store } from "@tidemark/core";
import { Registry } from "prom-client";
import { authentication, checkScope } from "../http/authentication.ts";
import { browserCallers } from "../http/browser-callers.ts";
import { listenError } from "../http/listening.ts";
import type { ServerToken } from "../options/server-options.ts";
import { answerMetrics } from "./answer-metrics.ts";
import { METRICS_TYPE } from "./metrics.ts";
import { processMetrics } from "./process-metrics.ts";
import { runMetrics, type RunCounts } from "./run-metrics.ts";
import { servingLogMetrics } from "./serving-log-metrics.ts";
import { storeMetrics } from "./store-metrics.ts";

/** The options of `metricsServer`. */
export interface MetricsServerOptions {
  /** The store whose state the metrics show. It stays open. */
  readonly store: Store;
  /** The runs of this process. Default: none. */
  readonly runs?: (() => readonly RunCounts[]) | undefined;
  readonly port: number;
  /** The address to listen at. Default: 127.0.0.1. */
  readonly host?: string | undefined;
  /** Tokens with the scope `operate`, which callers must send. Default: none is needed. */
  readonly tokens?: readonly ServerToken[] | undefined;
  /** The option of the command that gives the port, for messages. */
  readonly portOption?: string | undefined;
}

/** A server of metrics that listens. */
export interface MetricsServer {
  readonly address: string;
  close(): Promise<void>;
}

/** The longest time that a connection may stay without a request, ms. */
const KEEP_ALIVE = 75_000;
const MAX_CONNECTIONS = 64;

/**
 * Serves `GET /metrics` and `GET /health`, until it is closed.
 *
 * @throws PORT_TAKEN when another process has the port, or this process may not use the port.
 * @throws SERVER_OPTIONS_INVALID when this machine lacks the address, or a token is invalid.
 * @example
 * const server = await metricsServer({ store, port: 6571 });
 * console.log(`${server.address}/metrics`);
 */
export async function metricsServer({
  store,
  runs = () => [],
  port,
  host = "127.0.0.1",
  tokens,
  portOption,
}: MetricsServerOptions): Promise<MetricsServer> {
  const authenticate = authentication(tokens);
  // without tokens, the page of a browser on this machine is no caller
  const browsers = authenticate === null ? browserCallers() : null;
  browsers?.listensAt(host, true);
  const own = new Registry();
  runMetrics(runs, own);
  answerMetrics(store, own);
  servingLogMetrics(store, own);
  processMetrics(own);
  const stores = storeMetrics(store);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path] = request.url!.split("?");
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return send(response, 405, "write GET /metrics\n");
    }
    if (path === "/health") return send(response, 200, "ok\n");
    if (path !== "/metrics") return send(response, 404, "write GET /metrics or GET /health\n");
    try {
      browsers?.check(request);
      if (authenticate !== null)
        checkScope(authenticate.callerOf(request.headers.authorization), "operate");
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      const isUnknown = error.code === "TOKEN_MISSING" || error.code === "TOKEN_UNKNOWN";
      if (isUnknown) response.setHeader("www-authenticate", "Bearer");
      return send(response, isUnknown ? 401 : 403, `${error.message}\n`);
    }
    const text = `${await own.metrics()}\n${await stores()}`;
    send(response, 200, text, METRICS_TYPE);
  }

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE }, (request, response) => {
    answer(request, response).catch(() => {
      if (!response.headersSent) send(response, 500, "the metrics could not be read\n");
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(listenError(cause, host, port, portOption));
    });
    server.listen({ host, port }, resolve);
  });
  // a server of metrics keeps no process alive
  server.unref();
  const { port: bound } = server.address() as AddressInfo;
  return {
    address: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function send(response: ServerResponse, status: number, text: string, type = "text/plain"): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(text);
}
