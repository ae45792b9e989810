/** Makes the server: routes over one store, and the hooks that all routes share. */
import { setTimeout as sleep } from "node:timers/promises";
import { createSecureContext, type Server as TlsServer } from "node:tls";
import { TidemarkError, collectDefinitions, isTidemarkError } from "@tidemark/core";
import {
  fastify,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";
import { apiRoutes } from "./api/routes.ts";
import { featureResolver } from "./features/feature-resolver.ts";
import type { ProcessCounters } from "./metrics/cluster-metrics.ts";
import { exactBody } from "./http/exact-body.ts";
import { feastRoutes } from "./feast/routes.ts";
import { statusOf, type ErrorForm } from "./http/http-errors.ts";
import { healthOf } from "./http/health.ts";
import { limitRequests } from "./http/request-limits.ts";
import { limitsOf } from "./options/limits.ts";
import { batchedReads } from "./features/request-batching.ts";
import { METRICS_TYPE, serverMetrics } from "./metrics/metrics.ts";
import { requestLog } from "./http/request-log.ts";
import type { ServerOptions, TlsTexts } from "./options/server-options.ts";
import type { Serving } from "./http/serving.ts";
import { checkScope, authentication } from "./http/authentication.ts";

/** A server that answers requests for features over HTTP. */
export interface FeatureServer {
  readonly app: FastifyInstance;
  /**
   * Listens and returns the address. Without tokens the server listens on this machine only, unless
   * `anonymous` is set.
   *
   * @throws SERVER_OPEN when the address is reachable from outside, and there are neither tokens
   * nor `anonymous`.
   * @throws PORT_TAKEN when another process has the port.
   */
  listen(options?: ListenOptions): Promise<string>;
  /**
   * Stops the server without losing a request. The store stays open: it is the caller's.
   *
   * 1. For `shutdownGracePeriod` ms the server goes on, but reports itself as unhealthy. Each
   *    connection is closed with its next answer, so that callers go elsewhere.
   * 2. Then the server accepts no more requests, and answers the requests that it has begun.
   * 3. After `limit` ms the server gives up the remaining requests.
   */
  drain(options?: DrainOptions): Promise<void>;
  /** Stops the server as `drain` does, without a grace period. */
  close(): Promise<void>;
  /** Returns the counters of this process. `clusterMetrics` combines those of several processes. */
  counters(): Promise<ProcessCounters>;
  /** Uses another certificate for new connections. */
  renewTls(texts: TlsTexts): void;
}

/** Where a server listens. */
export interface ListenOptions {
  /** The address to listen at. Default: "127.0.0.1". */
  readonly host?: string | undefined;
  /** The port; 0 for a free one. Default: 6566. */
  readonly port?: number | undefined;
  readonly anonymous?: boolean | undefined;
  /**
   * Lets other processes listen at the same port; the system distributes the connections. Not every
   * system supports it.
   */
  readonly shared?: boolean | undefined;
}

/** How a server ends. */
export interface DrainOptions {
  /** The shutdown grace period in ms. Default: 0. */
  readonly shutdownGracePeriod?: number | undefined;
  /** How long the server finishes begun requests, in ms. Default: 30,000. */
  readonly limit?: number | undefined;
}

/**
 * Makes a server over a store that the caller opened.
 *
 * @throws SERVER_OPTIONS_INVALID when a limit, a token or a certificate is invalid.
 * @example
 * const server = await featureServer({ store, definitions });
 * await server.listen({ port: 6566 });
 */
export async function featureServer(options: ServerOptions): Promise<FeatureServer> {
  const definitions = collectDefinitions(options.definitions);
  const limits = limitsOf(options.limits);
  const authenticate = authentication(options.tokens);
  const log = requestLog(options.log);
  const serving: Serving = {
    store: options.store,
    reads: batchedReads(options.store),
    definitions,
    resolver: featureResolver(definitions),
    limits,
    healthy: healthOf(options.store, definitions),
    log,
    zone: options.zone ?? "UTC",
    draining: false,
  };

  const connectionLimits = {
    headersTimeout: limits.headersMs,
    connectionsCheckingInterval: Math.min(1000, limits.headersMs),
  };
  const app = fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    ...(options.tls === undefined
      ? { http: connectionLimits }
      : { https: { ...connectionLimits, ...tlsTexts(options.tls) } }),
    // with TLS the type differs, but every member used here is the same
  }) as FastifyInstance;
  app.decorateRequest("entityCount", 0);
  app.decorateRequest("caller", null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(["application/json"], { parseAs: "buffer" }, (_request, body, done) => {
    try {
      done(null, (body as Buffer).length === 0 ? undefined : exactBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  app.addHook("onRequest", (request, reply, done) => {
    if (serving.draining) reply.header("connection", "close");
    const scope = request.routeOptions.config.scope;
    if (authenticate !== null && scope !== null && request.routeOptions.url !== undefined) {
      try {
        const caller = authenticate(request.headers.authorization);
        request.caller = caller.name;
        checkScope(caller, scope ?? "operate"); // a route without a scope needs the strongest scope
      } catch (error) {
        done(error as Error);
        return;
      }
    }
    done();
  });
  const inFlight = limitRequests(app, limits);
  const metrics = serverMetrics({
    store: options.store,
    inFlight: () => inFlight,
    cluster: options.clusterMetrics,
  });
  app.addHook("onResponse", (request, reply, done) => {
    metrics.answered(request, reply);
    log?.answered(request, reply);
    done();
  });
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    answerError(
      new TidemarkError(
        "ROUTE_UNKNOWN",
        `there is no ${request.method} ${request.url.split("?")[0]!.slice(0, 100)} here`,
      ),
      request,
      reply,
    ),
  );
  app.get("/metrics", { config: { scope: "operate" } }, async (_request, reply) =>
    reply.type(METRICS_TYPE).send(await metrics.text()),
  );
  await app.register((scope) => feastRoutes(scope, serving, answerError));
  await app.register((scope) => apiRoutes(scope, serving));

  function answerError(
    given: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
    form: ErrorForm = plainError,
  ): FastifyReply {
    const error = knownError(given, limits.bodyBytes);
    const { status, body } = form(error, statusOf(error));
    if (status === 500)
      log?.write("error", "a request failed", {
        route: request.routeOptions.url ?? null,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    if (status === 401) reply.header("www-authenticate", "Bearer");
    if (status === 503) reply.header("retry-after", "1");
    return reply.code(status).header("content-type", "application/json; charset=utf-8").send(body);
  }

  let draining: Promise<void> | null = null;
  async function drain(shutdownGracePeriod: number, limit: number): Promise<void> {
    serving.draining = true;
    if (shutdownGracePeriod > 0) await sleep(shutdownGracePeriod);
    const left = setTimeout(() => {
      app.server.closeAllConnections();
    }, limit);
    if (app.server.listening) {
      // setImmediate runs after the loop's phase that accepts connections: waiting connections are
      // in, and no new one is accepted
      await new Promise<void>((resolve) => {
        setImmediate(() => {
          app.server.close(() => {
            resolve();
          });
        });
      });
    }
    await app.close().finally(() => {
      clearTimeout(left);
    });
  }

  return {
    app,
    async listen({ host = "127.0.0.1", port = 6566, anonymous = false, shared = false } = {}) {
      if (authenticate === null && !anonymous && !isLoopback(host)) {
        throw new TidemarkError(
          "SERVER_OPEN",
          `server: it has no tokens, and at ${host} everybody could ask it; give it tokens, ` +
            "listen at 127.0.0.1, or say that everybody may ask with anonymous: true",
        );
      }
      return app
        .listen({ host, port, ...(shared ? { reusePort: true } : {}) })
        .catch((cause: NodeJS.ErrnoException) => {
          throw listenError(cause, host, port);
        });
    },
    drain: ({ shutdownGracePeriod = 0, limit = 30_000 } = {}) =>
      (draining ??= drain(shutdownGracePeriod, limit)),
    close: () => (draining ??= drain(0, 30_000)),
    counters: () => metrics.counters(),
    renewTls(texts) {
      if (options.tls === undefined)
        throw new TidemarkError(
          "SERVER_OPTIONS_INVALID",
          "server: it was made without TLS; give tls to featureServer first",
        );
      (app.server as unknown as TlsServer).setSecureContext({ ...tlsTexts(texts) });
    },
  };
}

/** Checks the certificate here and not at the first connection. */
function tlsTexts({ cert, key }: TlsTexts): TlsTexts {
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new TidemarkError(
      "SERVER_OPTIONS_INVALID",
      `server: its TLS certificate and key do not work together: ${(cause as Error).message}; ` +
        "give both as PEM texts",
      { cause },
    );
  }
  return { cert, key };
}

const plainError: ErrorForm = (error, status) => {
  const { code, message } = isTidemarkError(error)
    ? error
    : { code: "INTERNAL", message: "the server failed at this request; its log says why" };
  return { status, body: JSON.stringify({ code, message }) };
};

/**
 * Explains a system error of an address, with the next step. An unknown error is returned
 * unchanged.
 *
 * @example
 * process.on("uncaughtException", (error: NodeJS.ErrnoException) => {
 *   console.error(listenError(error, "127.0.0.1", 6566).message);
 * });
 */
export function listenError(cause: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (cause.code) {
    case "EADDRINUSE":
      return new TidemarkError(
        "PORT_TAKEN",
        `server: another process listens on port ${port} of ${host}; ` +
          "choose another with --port or in the configuration, or end that process",
        { cause },
      );
    case "EACCES":
      return new TidemarkError(
        "PORT_TAKEN",
        `server: this process may not listen on port ${port} of ${host}; ` +
          "choose one from 1024 on with --port or in the configuration",
        { cause },
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new TidemarkError(
        "SERVER_OPTIONS_INVALID",
        `server: this machine has no address ${host}; ` +
          "listen at one of its own, such as 127.0.0.1 or 0.0.0.0",
        { cause },
      );
    default:
      return cause;
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Turns errors that Fastify finds before the route runs into Tidemark's errors. */
function knownError(error: unknown, bodyBytes: number): unknown {
  if (isTidemarkError(error)) return error;
  switch ((error as FastifyError).code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new TidemarkError(
        "BODY_TOO_LARGE",
        `the body is larger than ${bodyBytes} bytes; ` +
          "ask for fewer entities or rows at a time, or raise the limit bodyBytes of the server",
      );
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new TidemarkError(
        "MEDIA_TYPE_UNKNOWN",
        "the body is not JSON; send it with the header Content-Type: application/json",
      );
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
      return new TidemarkError(
        "REQUEST_INVALID",
        "the body is not as long as its Content-Length says",
      );
    default: {
      // other refusals of Fastify are the caller's fault too
      const { statusCode, message } = error as Partial<FastifyError>;
      return statusCode !== undefined && statusCode >= 400 && statusCode < 500
        ? new TidemarkError("REQUEST_INVALID", `the request: ${message}`)
        : error;
    }
  }
}
