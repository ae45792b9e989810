/** Writes the metrics of a server in Prometheus' text format. */
import type { Store } from "@tidemark/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Counter, Gauge, Registry, type Metric } from "prom-client";
import { answerMetrics } from "./answer-metrics.ts";
import type { ProcessCounters } from "./cluster-metrics.ts";
import { processMetrics } from "./process-metrics.ts";
import { countAnswer, countsOf, durationValues, type RouteCounts } from "./route-counts.ts";
import type { TrainingSetCounts } from "../training-sets/job-types.ts";
import { servingLogMetrics } from "./serving-log-metrics.ts";
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
  const services = new Map<string, RouteCounts>();
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
  const durations = (name: string, help: string, label: string, of: typeof routes): void => {
    const metric = { name, help, type: "histogram", aggregator: "sum" } as const;
    own.registerMetric({
      name,
      get: async () => ({ ...metric, values: durationValues(name, label, of) }),
    } as unknown as Metric);
  };
  durations(
    "tidemark_http_request_duration_seconds",
    "Time from the head of a request to the end of its answer, by route",
    "route",
    routes,
  );
  durations(
    "tidemark_service_request_duration_seconds",
    "Time from the head of a request for a service to the end of its answer, by service",
    "service",
    services,
  );
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
  answerMetrics(store, own);
  servingLogMetrics(store, own);
  processMetrics(own);
  const stores = storeMetrics(store);

  return {
    answered(request, reply) {
      const route = request.routeOptions.url ?? "unknown";
      const { statusCode: status } = reply;
      const seconds = reply.elapsedTime / 1000;
      countAnswer(countsOf(routes, route), status, seconds, request.entityCount);
      const { service } = request;
      if (service !== null)
        countAnswer(countsOf(services, service), status, seconds, request.entityCount);
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
