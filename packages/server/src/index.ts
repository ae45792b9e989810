export { clusterMetrics, type Counters } from "./cluster-metrics.ts";
export {
  featureServer,
  notListening,
  type DrainOptions,
  type FeatureServer,
  type ListenOptions,
} from "./feature-server.ts";
export type { Limits } from "./limits.ts";
export type { LogOptions, Scope, ServerOptions, ServerToken, TlsTexts } from "./server-options.ts";
