export type { Alert, AlertName, AlertThresholds } from "./alerts/alert-types.ts";
export type { WatchingProcess } from "./alerts/conditions.ts";
export { watchStore, type Watch, type WatchOptions } from "./alerts/watch.ts";
export type { Webhook, WebhookBody } from "./alerts/webhook.ts";
export { definitionsJson, type DefinitionsJson } from "./api/definitions-json.ts";
export type { LineageEdge, LineageFeature, LineageJson, LineageNode } from "./api/lineage-json.ts";
export { clusterMetrics, type ProcessCounters } from "./metrics/cluster-metrics.ts";
export { featureServer, type FeatureServer } from "./feature-server.ts";
export { listenError } from "./http/listening.ts";
export {
  metricsServer,
  type MetricsServer,
  type MetricsServerOptions,
} from "./metrics/metrics-server.ts";
export type { RunCounts } from "./metrics/run-metrics.ts";
export type { ConnectorState, ConnectorTaskState } from "./options/connector-state.ts";
export type { Limits } from "./options/limits.ts";
export type {
  AuditOptions,
  ConsoleFiles,
  ListenOptions,
  LogOptions,
  ParquetFunctions,
  Scope,
  ServerOptions,
  ServerToken,
  TlsTexts,
  TrainingSetsOptions,
} from "./options/server-options.ts";
export type { ShutdownOptions, Timeouts } from "./options/timeouts.ts";
