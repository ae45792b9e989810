export {
  replay,
  type ReplayOptions,
  type ReplayPath,
  type ReplayResult,
  type TimeUnits,
} from "./replay/replay.ts";
export type { Comparison, AnswerDifference } from "./replay/answer-comparison.ts";
export {
  defineConfig,
  type AuditConfig,
  type Config,
  type ConfigInput,
  type OpenChangesContext,
} from "./config/define-config.ts";
export { loadConfig, type LoadedConfig } from "./config/config-file.ts";
export { openConfigured, type Configured, type OpenOptions } from "./config/open-configured.ts";
export {
  env,
  file,
  redact,
  type OpenContext,
  type SecretReference,
  type SecretReferences,
  type Secrets,
} from "./config/secret.ts";
export type {
  DatabaseAddress,
  Day,
  LoadDay,
  LoadResult,
  LoadJob,
  LoadRow,
  CustomLoadJob,
  TableLoadJob,
} from "./config/load-jobs.ts";
export type { AlertsConfig } from "./config/alerts-config.ts";
export type { ConnectorConfig } from "./config/connectors-config.ts";
export type { ServerConfig, TokenConfig } from "./config/server-config.ts";
