/** Writes the server's counters in Prometheus' format. */
import type { Store } from "@tidemark/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Counter, Gauge, Registry, collectDefaultMetrics, type Metric } from "prom-client";
import type { ProcessCounters } from "./cluster-metrics.ts";
import type { RequestCount } from "../http/request-limits.ts";
import { countAnswer, histogramValues, routeCounts, type RouteCounts } from "./route-counts.ts";
import { storeMetrics } from "./store-metrics.ts";

export interface Metrics {
  answered(request: FastifyRequest, reply: FastifyReply): void;
  /** The counters of this process, for `clusterMetrics`. */
  counters(): Promise<ProcessCounters>;
  text(): Promise<string>;
}

export const METRICS_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE;

/**
 * Writes the metrics. `cluster` returns the counters of all processes as text, in place of this
 * process' counters. The state of the stores is the same for all processes, and read once.
 */
export function serverMetrics({
  store,
  inFlight,
  cluster,
}: {
  readonly store: Store;
  readonly inFlight: () => RequestCount;
  readonly cluster: (() => Promise<string>) | undefined;
}): Metrics {
  const routes = new Map<string, RouteCounts>();
  const own = new Registry();
  const registers = [own];
  new Counter({
    name: "tidemark_http_requests_total",
    help: "Requests answered, by route and status",
    labelNames: ["route", "status"],
    registers,
    collect() {
      this.reset();
      for (const [route, { statuses }] of routes)
        for (const [status, count] of statuses) this.inc({ route, status }, count);
    },
  });
  const seconds = {
    name: "tidemark_http_request_seconds",
    help: "From the head of a request to the end of its answer",
    type: "histogram",
    aggregator: "sum",
  } as const;
  own.registerMetric({
    name: seconds.name,
    get: async () => ({ ...seconds, values: histogramValues(seconds.name, routes) }),
  } as unknown as Metric);
  new Counter({
    name: "tidemark_http_entities_total",
    help: "Entity rows asked for, and rows pushed, by route",
    labelNames: ["route"],
    registers,
    collect() {
      this.reset();
      for (const [route, { entities }] of routes) if (entities > 0) this.inc({ route }, entities);
    },
  });
  new Gauge({
    name: "tidemark_http_in_flight",
    help: "Requests that are worked on now",
    registers,
    collect() {
      this.set(inFlight().count);
    },
  });
  collectDefaultMetrics({ register: own });
  const stores = storeMetrics(store);

  return {
    answered(request, reply) {
      const route = request.routeOptions.url ?? "unknown";
      let counts = routes.get(route);
      if (counts === undefined) routes.set(route, (counts = routeCounts()));
      countAnswer(counts, reply.statusCode, reply.elapsedTime / 1000, request.entityCount);
    },
    counters: () => own.getMetricsAsJSON(),
    text: async () => `${await (cluster?.() ?? own.metrics())}\n${await stores()}`,
  };
}
