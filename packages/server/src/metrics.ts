/** What the server counts, in Prometheus' form. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import type { Store } from "@tidemark/core";
import type { Counters } from "./cluster-metrics.ts";
import type { InFlight } from "./in-flight.ts";
import { storeMetrics } from "./store-metrics.ts";

export interface Metrics {
  answered(request: FastifyRequest, reply: FastifyReply): void;
  /** What this process has counted, for `clusterMetrics`. */
  counters(): Promise<Counters>;
  text(): Promise<string>;
}

export const METRICS_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE;

/** From a quarter of a millisecond, which a small request takes, to the limit of a long one. */
const SECONDS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** `cluster`: the counters of all processes as text, in place of those of this one. The state of the stores is the same for all, and asked once. */
export function serverMetrics({ store, inFlight, cluster }: { readonly store: Store; readonly inFlight: () => InFlight; readonly cluster: (() => Promise<string>) | undefined }): Metrics {
  const own = new Registry();
  const registers = [own];
  const requests = new Counter({ name: "tidemark_http_requests_total", help: "Requests answered, by route and status", labelNames: ["route", "status"], registers });
  const seconds = new Histogram({ name: "tidemark_http_request_seconds", help: "From the head of a request to the end of its answer", labelNames: ["route"], buckets: SECONDS, registers });
  const entities = new Counter({ name: "tidemark_http_entities_total", help: "Entity rows asked for, and rows pushed, by route", labelNames: ["route"], registers });
  new Gauge({ name: "tidemark_http_in_flight", help: "Requests that are worked on now", registers, collect() { this.set(inFlight().count); } });
  collectDefaultMetrics({ register: own });
  const stores = storeMetrics(store);

  return {
    answered(request, reply) {
      const route = request.routeOptions.url ?? "unknown";
      requests.inc({ route, status: reply.statusCode });
      seconds.observe({ route }, reply.elapsedTime / 1000);
      if (request.entityCount > 0) entities.inc({ route }, request.entityCount);
    },
    counters: () => own.getMetricsAsJSON(),
    text: async () => `${await (cluster?.() ?? own.metrics())}\n${await stores()}`,
  };
}
