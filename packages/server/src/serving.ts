/** What every route works with, and what it says of itself. */
import type { Definitions, Store } from "@tidemark/core";
import type { FeatureResolver } from "./catalogue.ts";
import type { Health } from "./health.ts";
import type { Limits } from "./limits.ts";
import type { OnlineReads } from "./merged-reads.ts";
import type { RequestLog } from "./request-log.ts";
import type { Scope } from "./server-options.ts";

export interface Serving {
  readonly store: Store;
  readonly reads: OnlineReads;
  readonly definitions: Definitions;
  readonly resolver: FeatureResolver;
  readonly limits: Limits;
  readonly healthy: Health;
  readonly log: RequestLog | null;
  /** Whose days are materialized. */
  readonly zone: string;
  /** The process is about to end: it answers what comes, and says that it is not healthy. */
  draining: boolean;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /**
     * What a token must allow. Every route says it; "nobody is asked" is null, for health checks
     * and descriptions.
     */
    readonly scope?: Scope | null;
    /** The request may take as long as it takes. */
    readonly unbounded?: boolean;
  }
  interface FastifyRequest {
    /** Aborted when the time of the request is over or its caller has gone. */
    readonly ending: AbortSignal;
    /** How many entities or rows it asks for, for logs and metrics. A route sets it. */
    entityCount: number;
    /** The name of the token. */
    caller: string | null;
  }
}
