/** Serves the metrics of `tidemark run`. */
import { isIP } from "node:net";
import type { RunProgress, Store } from "@tidemark/core";
import type { MetricsServer, RunCounts } from "@tidemark/server";
import type { RunMetricsConfig } from "../config/run-config.ts";
import type { Secrets } from "../config/secret.ts";
import { PORTS, usage, wholeNumberOf, type ParsedOptions } from "../terminal/options.ts";

/** Where the metrics of a run are served. */
export interface RunMetricsSettings extends RunMetricsConfig {
  readonly port: number;
}

/**
 * Reads the options `--metrics-port` and `--metrics-host`, which go before the configuration. null:
 * no metrics are served.
 *
 * @throws USAGE when the port is no port, or there is a host and no port.
 */
export function runMetricsSettings(
  given: ParsedOptions,
  configured: RunMetricsConfig = {},
): RunMetricsSettings | null {
  const port = wholeNumberOf(given, "metrics-port", PORTS) ?? configured.port;
  const host = given.text("metrics-host") ?? configured.host;
  if (host !== undefined && isIP(host) === 0 && !/^[\w.-]+$/.test(host))
    throw usage(`--metrics-host ${host} is no host name and no address`);
  if (port === undefined) {
    if (given.has("metrics-host"))
      throw usage("--metrics-host needs a port: give --metrics-port, such as 6571");
    return null;
  }
  return { ...configured, port, host };
}

/** Counts the changes of a run, and serves the metrics of the run and of its store. */
export interface RunMetrics {
  readonly address: string;
  onProgress(progress: RunProgress): void;
  close(): Promise<void>;
}

/**
 * Listens, and serves the metrics until it is closed.
 *
 * @throws PORT_TAKEN when another process has the port, or this process may not use it.
 * @throws SERVER_OPTIONS_INVALID when this machine does not have the address.
 * @throws SECRET_MISSING when the secret of the token is not set.
 */
export async function serveRunMetrics(
  { port, host, secret }: RunMetricsSettings,
  { name, store, secrets }: { name: string; store: Store; secrets: Secrets },
): Promise<RunMetrics> {
  let counts: RunCounts = { name, changes: 0, total: null, lastChangeAt: null };
  // a run without metrics does not load the server
  const { metricsServer } = await import("@tidemark/server");
  const tokens =
    secret === undefined
      ? undefined
      : [{ name: "metrics", scopes: ["operate"] as const, token: secrets[secret]! }];
  const server: MetricsServer = await metricsServer({
    store,
    runs: () => [counts],
    port,
    host,
    tokens,
    portOption: "--metrics-port",
  });
  return {
    address: server.address,
    onProgress({ changes, total }) {
      counts = {
        name,
        changes,
        total,
        lastChangeAt: changes > counts.changes ? Date.now() : counts.lastChangeAt,
      };
    },
    close: () => server.close(),
  };
}
