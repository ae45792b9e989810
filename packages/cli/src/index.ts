export {
  replay,
  type ReplayOptions,
  type ReplayPath,
  type ReplayResult,
  type TimeUnits,
} from "./replay.ts";
export type { Comparison, Difference } from "./comparison.ts";
export {
  defineConfig,
  type Config,
  type ConfigInput,
  type OpeningChanges,
} from "./config/define-config.ts";
export { loadConfig, type LoadedConfig } from "./config/config-file.ts";
export { openConfigured, type Configured, type OpenOptions } from "./config/open-configured.ts";
export {
  env,
  file,
  redact,
  type Opening,
  type SecretReference,
  type SecretReferences,
  type Secrets,
} from "./config/secret.ts";
export type {
  DatabaseAddress,
  Day,
  IngestDay,
  IngestDone,
  IngestJob,
  IngestRow,
  RunIngest,
  TableIngest,
} from "./ingest/ingest-config.ts";
export type { ServerConfig, TokenConfig } from "./serve/server-config.ts";
