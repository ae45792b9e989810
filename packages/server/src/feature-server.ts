/** Makes the server: the routes over a store, and the hooks that all routes share. */
import type { Server as TlsServer } from "node:tls";
import { TidemarkError, collectDefinitions } from "@tidemark/core";
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { apiRoutes } from "./api/routes.ts";
import { consoleRoutes } from "./console/console-routes.ts";
import { feastRoutes } from "./feast/routes.ts";
import { answerLimits } from "./features/answer-limits.ts";
import { featureResolver } from "./features/feature-resolver.ts";
import { batchedReads } from "./features/request-batching.ts";
import { auditLog } from "./http/audit-log.ts";
import { authentication, checkScope } from "./http/authentication.ts";
import { browserCallers } from "./http/browser-callers.ts";
import { answerClientError } from "./http/client-errors.ts";
import {
  fromFastifyError,
  hasTextForCallers,
  isAbort,
  plainError,
  publicError,
  statusOf,
  type ErrorForm,
} from "./http/http-errors.ts";
import { insecureTokensText, listenError, refuseOpenAddress } from "./http/listening.ts";
import { errorText, exportedNames, serviceNamer } from "@tidemark/core/internal";
import { probeRoutes } from "./http/probe-routes.ts";
import { proxiesOf } from "./http/proxies.ts";
import { readinessOf } from "./http/readiness.ts";
import { bodyParser } from "./http/request-body.ts";
import { requestIds } from "./http/request-ids.ts";
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
  type ServerToken,
  type TlsTexts,
} from "./options/server-options.ts";
import { shutdownOf, timeoutsOf } from "./options/timeouts.ts";
import { trainingSets } from "./training-sets/training-sets.ts";

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
   * 1. During the grace period the server still accepts requests, but `/ready` answers 503. Each
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
  /**
   * Uses these tokens in place of the present ones, from the next request on.
   *
   * @throws SERVER_OPTIONS_INVALID when a token is invalid, there is none, or the server was made
   * without tokens.
   */
  renewTokens(tokens: readonly ServerToken[]): void;
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
  const browsers = authenticate === null ? browserCallers(options.allowedHosts) : null;
  const log = requestLog(options.log);
  const audit = auditLog(options.audit, options.log);
  const serving: Serving = {
    store: options.store,
    reads: batchedReads(options.store),
    answers: answerLimits(limits),
    definitions,
    exported: {
      data: exportedNames(options.definitions),
      services: exportedNames(options.definitions, ["service"]),
    },
    resolver: featureResolver(definitions),
    serviceOf: serviceNamer(definitions),
    limits,
    readiness: readinessOf(options.store),
    log,
    audit,
    trainingSets:
      options.trainingSets === undefined
        ? null
        : trainingSets(options.store, options.trainingSets, { limits, timeouts, log }),
    connectors: options.connectors,
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
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => {
      answerError(error, request, reply as FastifyReply);
    },
    requestTimeout: timeouts.request,
    keepAliveTimeout: timeouts.keepAlive,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    genReqId: requestIds(),
    trustProxy: proxiesOf(options.trustProxy),
    ...(options.tls === undefined
      ? { http: connectionLimits }
      : { https: { ...connectionLimits, ...checkedTls(options.tls) } }),
    // with TLS the type differs, but every member used here is the same
  }) as FastifyInstance;
  app.decorateRequest("entityCount", 0);
  app.decorateRequest("service", null);
  app.decorateRequest("caller", null);
  app.decorateRequest("scopes", null);
  app.decorateRequest("seesPersonal", authenticate === null);
  app.decorateRequest("audited", false);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", bodyParser(limits));
  const inFlight = limitRequests(app, {
    maxInFlight: limits.requestsInFlight,
    maxPerConnection: limits.requestsPerConnection,
    timeout: timeouts.request,
    answerTimeout: timeouts.answer,
  });
  app.addHook("onRequest", (request, reply, done) => {
    if (serving.draining) reply.header("connection", "close");
    const scope = request.routeOptions.config.scope;
    try {
      browsers?.check(request);
      if (authenticate !== null && scope !== null && request.routeOptions.url !== undefined) {
        const caller = authenticate.callerOf(request.headers.authorization);
        request.caller = caller.name;
        request.seesPersonal = caller.scopes.includes("personal");
        request.scopes = caller.scopes;
        // a route without a scope needs the strongest scope
        if (scope !== "any") checkScope(caller, scope ?? "operate");
      }
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  });
  app.server.maxConnections = limits.connections;
  const metrics = serverMetrics({
    store: options.store,
    inFlight: () => inFlight.count,
    cluster: options.clusterMetrics,
    trainingSets: serving.trainingSets?.counts ?? null,
  });
  app.addHook("onResponse", (request, reply, done) => {
    metrics.answered(request, reply);
    log.answered(request, reply);
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
  app.get("/metrics", { config: { scope: "operate", uncounted: true } }, async (_request, reply) =>
    reply.type(METRICS_TYPE).send(await metrics.text()),
  );
  await app.register((scope) => feastRoutes(scope, serving, answerError));
  await app.register((scope) => apiRoutes(scope, serving));
  await app.register((scope) => probeRoutes(scope, serving));
  const { consoleFiles } = options;
  if (consoleFiles !== undefined) await app.register((scope) => consoleRoutes(scope, consoleFiles));

  function answerError(
    given: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
    form: ErrorForm = plainError,
  ): FastifyReply {
    const error = fromFastifyError(given);
    const known = statusOf(error);
    const { status, body } = form(error, known, publicError(error, known, request.id));
    audit.refused(request, error);
    if (status >= 500 && !hasTextForCallers(error)) {
      // a caller that goes away is no failure of the server
      const gone = request.raw.socket.destroyed && isAbort(error);
      const members = {
        request: request.id,
        route: request.routeOptions.url ?? null,
        ...(request.caller === null ? {} : { caller: request.caller }),
      };
      if (gone) log.write("info", "the caller closed its connection before its answer", members);
      else log.write("error", "a request failed", { ...members, error: errorText(error) });
    }
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
      browsers?.listensAt(host, anonymous);
      if (authenticate !== null && options.tls === undefined && given.allowInsecure !== true) {
        const text = insecureTokensText(host);
        if (text !== null)
          process.emitWarning(text, { type: "TidemarkWarning", code: "CREDENTIALS_UNENCRYPTED" });
      }
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
    renewTokens(tokens) {
      if (authenticate === null)
        throw new TidemarkError(
          "SERVER_OPTIONS_INVALID",
          "server: it was made without tokens; give tokens to featureServer first",
        );
      authenticate.renew(tokens);
    },
  };
}
