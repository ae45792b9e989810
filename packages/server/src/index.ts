export { clusterMetrics, type ProcessCounters } from "./metrics/cluster-metrics.ts";
export {
  featureServer,
  listenError,
  type DrainOptions,
  type FeatureServer,
  type ListenOptions,
} from "./feature-server.ts";
export type { Limits } from "./options/limits.ts";
export type {
  LogOptions,
  Scope,
  ServerOptions,
  ServerToken,
  TlsTexts,
} from "./options/server-options.ts";
