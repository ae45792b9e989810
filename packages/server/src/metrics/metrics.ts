/** Writes the metrics of a server in Prometheus' text format. */
import type { Store } from "@tidemark/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Counter, Gauge, Registry, collectDefaultMetrics, type Metric } from "prom-client";
import type { ProcessCounters } from "./cluster-metrics.ts";
import { countAnswer, histogramValues, routeCounts, type RouteCounts } from "./route-counts.ts";
import type { TrainingSetCounts } from "../training-sets/job-types.ts";
import { storeMetrics } from "./store-metrics.ts";

/** The metrics of a server. */
export interface Metrics {
  /** Counts an answered request. */
  answered(request: FastifyRequest, reply: FastifyReply): void;
  /** Returns the counters of this process, for `clusterMetrics`. */
  counters(): Promise<ProcessCounters>;
  /** Returns all metrics as Prometheus text. */
  text(): Promise<string>;
}

/** The content type of Prometheus text. */
export const METRICS_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE;

/**
 * Makes the metrics. `inFlight` returns the number of requests in flight. `cluster` returns the
 * counters of all processes as text; without it the text has the counters of this process.
 */
export function serverMetrics({
  store,
  inFlight,
  cluster,
  trainingSets = null,
}: {
  readonly store: Store;
  readonly inFlight: () => number;
  readonly cluster: (() => Promise<string>) | undefined;
  readonly trainingSets?: TrainingSetCounts | null | undefined;
}): Metrics {
  const routes = new Map<string, RouteCounts>();
  const own = new Registry();
  const registers = [own];
  new Counter({
    name: "tidemark_http_requests_total",
    help: "Answered requests, by route and status",
    labelNames: ["route", "status"],
    registers,
    collect() {
      this.reset();
      for (const [route, { statuses }] of routes)
        for (const [status, count] of statuses) this.inc({ route, status }, count);
    },
  });
  const seconds = {
    name: "tidemark_http_request_duration_seconds",
    help: "Time from the head of a request to the end of its answer, by route",
    type: "histogram",
    aggregator: "sum",
  } as const;
  own.registerMetric({
    name: seconds.name,
    get: async () => ({ ...seconds, values: histogramValues(seconds.name, routes) }),
  } as unknown as Metric);
  new Counter({
    name: "tidemark_http_entities_total",
    help: "Entities and pushed rows of all requests, by route",
    labelNames: ["route"],
    registers,
    collect() {
      this.reset();
      for (const [route, { entities }] of routes) if (entities > 0) this.inc({ route }, entities);
    },
  });
  new Gauge({
    name: "tidemark_http_requests_in_flight",
    help: "Requests that have arrived and are not answered yet",
    registers,
    collect() {
      this.set(inFlight());
    },
  });
  if (trainingSets !== null) trainingSetMetrics(trainingSets, registers);
  collectDefaultMetrics({ register: own });
  // these gauges are called _total, as only counters are; the sums of their namesakes say the same
  for (const kind of ["resources", "handles", "requests"])
    own.removeSingleMetric(`nodejs_active_${kind}_total`);
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

/** Registers the metrics of training sets. */
function trainingSetMetrics(counts: TrainingSetCounts, registers: Registry[]): void {
  new Gauge({
    name: "tidemark_training_sets_running",
    help: "Training sets that are received or computed",
    registers,
    collect() {
      this.set(counts.running);
    },
  });
  new Counter({
    name: "tidemark_training_sets_total",
    help: "Training sets that have ended, by how they ended",
    labelNames: ["state"],
    registers,
    collect() {
      this.reset();
      for (const [state, count] of Object.entries(counts.ended)) this.inc({ state }, count);
    },
  });
  new Counter({
    name: "tidemark_training_set_rows_total",
    help: "Rows of the training sets that are done",
    registers,
    collect() {
      this.reset();
      this.inc(counts.rows);
    },
  });
}
