/** The objects that every route uses, and the settings that a route declares. */
import type { Definitions, Store } from "@tidemark/core";
import type { SelectedFeature } from "@tidemark/core/spi";
import type { FeatureResolver } from "../features/feature-resolver.ts";
import type { Readiness } from "./readiness.ts";
import type { Limits } from "../options/limits.ts";
import type { AnswerLimits } from "../features/answer-limits.ts";
import type { OnlineReads } from "../features/request-batching.ts";
import type { AuditLog } from "./audit-log.ts";
import type { RequestLog } from "./request-log.ts";
import type { TrainingSets } from "../training-sets/job-types.ts";
import type { Scope, ServerOptions } from "../options/server-options.ts";

/** The objects that every route uses. */
export interface Serving {
  readonly store: Store;
  /** Reads from the store with request batching. */
  readonly reads: OnlineReads;
  /** Limits the answers of requests for features. */
  readonly answers: AnswerLimits;
  readonly definitions: Definitions;
  /** The names under which the module exports definitions, by the name of the definition. */
  readonly exported: {
    /** Sources and views. */
    readonly data: ReadonlyMap<string, string>;
    readonly services: ReadonlyMap<string, string>;
  };
  readonly resolver: FeatureResolver;
  /** Names the service whose features a request has; null: those of no service. */
  readonly serviceOf: (features: unknown, selection: readonly SelectedFeature[]) => string | null;
  readonly limits: Limits;
  /** Says whether the server may get requests. */
  readonly readiness: () => Promise<Readiness>;
  readonly log: RequestLog;
  readonly audit: AuditLog;
  /** The training sets. null: the server answers none. */
  readonly trainingSets: TrainingSets | null;
  /** Asks for the states of the connectors. undefined: there are no connectors. */
  readonly connectors: ServerOptions["connectors"];
  /** The zone of the days that are materialized. */
  readonly zone: string;
  /** True after the server was told to stop. Then `/ready` answers 503. */
  draining: boolean;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /**
     * The scope that the caller's token must have. "any": a token with any scope. null: the route
     * needs no token, as the health check. Default: "operate".
     */
    readonly scope?: Scope | "any" | null;
    /** True if requests of the route have no time limit. */
    readonly unbounded?: boolean;
    /** True if the answer is a file. Then its time limit counts from the last byte received. */
    readonly file?: boolean;
    /** True if a body may have Python's NaN and Infinity. */
    readonly python?: boolean;
    /** True if requests of the route take no place in flight, as the health check. */
    readonly uncounted?: boolean;
  }
  interface FastifyRequest {
    /** Aborts when the request reaches its time limit, or when its caller disconnects. */
    readonly ending: AbortSignal;
    /** The number of entities or rows of the request. The route sets it for logs and metrics. */
    entityCount: number;
    /** The name of the requested service; null: the request names no service, or an unknown one. */
    service: string | null;
    /** The name of the caller's token. null: the server has no tokens. */
    caller: string | null;
    /** The scopes of the caller's token. null: the server has no tokens. */
    scopes: readonly Scope[] | null;
    /** Whether the caller may see personal values: its token has the scope, or none is needed. */
    seesPersonal: boolean;
  }
}
