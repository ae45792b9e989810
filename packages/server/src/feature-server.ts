/** Makes the server: the routes over a store, and the hooks that all routes share. */
import type { Server as TlsServer } from "node:tls";
import { TidemarkError, collectDefinitions } from "@tidemark/core";
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { apiRoutes } from "./api/routes.ts";
import { feastRoutes } from "./feast/routes.ts";
import { featureResolver } from "./features/feature-resolver.ts";
import { batchedReads } from "./features/request-batching.ts";
import { authentication, checkScope } from "./http/authentication.ts";
import { exactBody } from "./http/exact-body.ts";
import { healthOf } from "./http/health.ts";
import { fromFastifyError, plainError, statusOf, type ErrorForm } from "./http/http-errors.ts";
import { listenError, refuseOpenAddress } from "./http/listening.ts";
import { limitRequests } from "./http/request-limits.ts";
import { requestLog } from "./http/request-log.ts";
import type { Serving } from "./http/serving.ts";
import { shutDown } from "./http/shutdown.ts";
import { checkedTls } from "./http/tls.ts";
import type { ProcessCounters } from "./metrics/cluster-metrics.ts";
import { METRICS_TYPE, serverMetrics } from "./metrics/metrics.ts";
import { limitsOf } from "./options/limits.ts";
import {
  checkListenOptions,
  checkServerOptions,
  type ListenOptions,
  type ServerOptions,
  type TlsTexts,
} from "./options/server-options.ts";
import { shutdownOf, timeoutsOf } from "./options/timeouts.ts";

/** A server of features over HTTP. */
export interface FeatureServer {
  /** The Fastify instance, for routes of your own. */
  readonly app: FastifyInstance;
  /**
   * Listens and returns the address. Without tokens the server listens on this machine only, unless
   * `anonymous` is set.
   *
   * @throws SERVER_OPEN when other machines can reach the address, and there are neither tokens nor
   * `anonymous`.
   * @throws PORT_TAKEN when another process has the port, or this process may not use the port.
   * @throws SERVER_OPTIONS_INVALID when this machine does not have the address.
   * @throws OPTION_UNKNOWN when there is no such option.
   */
  listen(options?: ListenOptions): Promise<string>;
  /**
   * Stops the server without losing a request. The store stays open.
   *
   * 1. During the grace period the server still accepts requests, but its health check fails. Each
   *    answer closes its connection, so that callers connect to another server.
   * 2. Then the server accepts no more requests, and answers the requests in flight.
   * 3. After the timeout the server closes the connections of the remaining requests.
   *
   * The option `shutdown` sets the grace period and the timeout.
   */
  drain(): Promise<void>;
  /** Stops the server as `drain` does, without a grace period. */
  close(): Promise<void>;
  /** Returns the counters of this process. `clusterMetrics` adds those of several processes. */
  counters(): Promise<ProcessCounters>;
  /**
   * Uses another certificate for new connections.
   *
   * @throws SERVER_OPTIONS_INVALID when the certificate and the key do not belong together, or the
   * server has no TLS.
   */
  renewTls(texts: TlsTexts): void;
}

/**
 * Makes a server over a store that the caller opened.
 *
 * @throws OPTION_UNKNOWN when there is no such option. The message suggests the nearest name.
 * @throws DURATION_INVALID when a time limit is not a duration.
 * @throws SERVER_OPTIONS_INVALID when a limit, a token or a certificate is invalid.
 * @example
 * const server = await featureServer({ store, definitions });
 * await server.listen({ port: 6570 });
 */
export async function featureServer(options: ServerOptions): Promise<FeatureServer> {
  checkServerOptions(options);
  const definitions = collectDefinitions(options.definitions);
  const limits = limitsOf(options.limits);
  const timeouts = timeoutsOf(options.timeouts);
  const shutdown = shutdownOf(options.shutdown);
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
    headersTimeout: timeouts.headers,
    connectionsCheckingInterval: Math.min(1000, timeouts.headers),
  };
  const app = fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: timeouts.request,
    keepAliveTimeout: timeouts.keepAlive,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    ...(options.tls === undefined
      ? { http: connectionLimits }
      : { https: { ...connectionLimits, ...checkedTls(options.tls) } }),
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
  const inFlight = limitRequests(app, {
    maxInFlight: limits.requestsInFlight,
    timeout: timeouts.request,
  });
  const metrics = serverMetrics({
    store: options.store,
    inFlight: () => inFlight.count,
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
        `the server has no route ${request.method} ${request.url.split("?")[0]!.slice(0, 100)}; ` +
          "see the paths in /openapi.json",
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
    const error = fromFastifyError(given, limits.bodyBytes);
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

  let stopped: Promise<void> | null = null;

  return {
    app,
    async listen(given = {}) {
      checkListenOptions(given);
      const { host = "127.0.0.1", port = 6570, anonymous = false, shared = false } = given;
      if (authenticate === null && !anonymous) refuseOpenAddress(host);
      return app
        .listen({ host, port, ...(shared ? { reusePort: true } : {}) })
        .catch((cause: NodeJS.ErrnoException) => {
          throw listenError(cause, host, port);
        });
    },
    drain: () => (stopped ??= shutDown(app, serving, shutdown)),
    close: () => (stopped ??= shutDown(app, serving, { ...shutdown, gracePeriod: 0 })),
    counters: () => metrics.counters(),
    renewTls(texts) {
      if (options.tls === undefined)
        throw new TidemarkError(
          "SERVER_OPTIONS_INVALID",
          "server: it was made without TLS; give tls to featureServer first",
        );
      (app.server as unknown as TlsServer).setSecureContext({ ...checkedTls(texts) });
    },
  };
}
