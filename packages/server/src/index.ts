export { clusterMetrics, type Counters } from "./cluster-metrics.ts";
export { featureServer, type DrainOptions, type FeatureServer } from "./feature-server.ts";
export type { Limits } from "./limits.ts";
export type { LogOptions, Scope, ServerOptions, ServerToken, TlsTexts } from "./server-options.ts";
