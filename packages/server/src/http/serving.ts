/** Holds what every route uses, and what a route declares. */
import type { Definitions, Store } from "@tidemark/core";
import type { FeatureResolver } from "../features/feature-resolver.ts";
import type { Health } from "./health.ts";
import type { Limits } from "../options/limits.ts";
import type { OnlineReads } from "../features/request-batching.ts";
import type { RequestLog } from "./request-log.ts";
import type { Scope } from "../options/server-options.ts";

export interface Serving {
  readonly store: Store;
  readonly reads: OnlineReads;
  readonly definitions: Definitions;
  readonly resolver: FeatureResolver;
  readonly limits: Limits;
  readonly healthy: Health;
  readonly log: RequestLog | null;
  /** The zone of the days that are materialized. */
  readonly zone: string;
  /** True while the process is about to end: it still answers, and reports itself as unhealthy. */
  draining: boolean;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /**
     * The scope that a token must have. null means that no token is needed, as for health checks
     * and descriptions.
     */
    readonly scope?: Scope | null;
    /** True if the request has no time limit. */
    readonly unbounded?: boolean;
  }
  interface FastifyRequest {
    /** Aborted when the time of the request is over or its caller has disconnected. */
    readonly ending: AbortSignal;
    /** The number of entities or rows of the request, for logs and metrics. A route sets it. */
    entityCount: number;
    /** The name of the token. */
    caller: string | null;
  }
}
