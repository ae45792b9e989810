/** The time limits of requests, of connections, and of a shutdown. */
import { TidemarkError, type Duration } from "@tidemark/core";
import { durationMicros, refuseUnknownOptions, type OptionNames } from "@tidemark/core/internal";

/** The time limits of requests and connections, as durations such as "10s". */
export interface Timeouts {
  /**
   * The time limit of one request, from its head to its answer. Materialization has no time limit.
   * Default: "10s".
   */
  readonly request?: Duration | undefined;
  /** The time limit for the arrival of a request's head. Default: "10s". */
  readonly headers?: Duration | undefined;
  /** How long an idle connection stays open for the next request. Default: "72s". */
  readonly keepAlive?: Duration | undefined;
}

/** The two times of a shutdown, as durations such as "30s". */
export interface ShutdownOptions {
  /**
   * The shutdown grace period. The server still accepts requests, but its health check fails, so
   * that a load balancer sends the next requests elsewhere. "0s": no grace period. Default: "1s".
   */
  readonly gracePeriod?: Duration | undefined;
  /** How long the server then answers the requests in flight. Default: "30s". */
  readonly timeout?: Duration | undefined;
}

/** The time limits of a server in ms. */
export interface TimeoutsMs {
  readonly request: number;
  readonly headers: number;
  readonly keepAlive: number;
}

/** The two times of a shutdown in ms. */
export interface ShutdownMs {
  readonly gracePeriod: number;
  readonly timeout: number;
}

const TIMEOUT_NAMES: OptionNames = {
  names: new Set<keyof Timeouts>(["request", "headers", "keepAlive"]),
  renamed: {},
};
const SHUTDOWN_NAMES: OptionNames = {
  names: new Set<keyof ShutdownOptions>(["gracePeriod", "timeout"]),
  renamed: {},
};
/** The longest delay of a timer in ms. */
const MAX_DELAY = 2 ** 31 - 1;

/**
 * Reads the time limits of requests and connections.
 *
 * @throws OPTION_UNKNOWN when there is no time limit of a given name.
 * @throws DURATION_INVALID when a time limit is not a duration.
 * @throws SERVER_OPTIONS_INVALID when a time limit is longer than 24 days.
 */
export function timeoutsOf(given: Timeouts = {}): TimeoutsMs {
  refuseUnknownOptions("featureServer: timeouts", given, TIMEOUT_NAMES);
  const { request = "10s", headers = "10s", keepAlive = "72s" } = given;
  return {
    request: delayOf("timeouts.request", request),
    headers: delayOf("timeouts.headers", headers),
    keepAlive: delayOf("timeouts.keepAlive", keepAlive),
  };
}

/**
 * Reads the times of a shutdown.
 *
 * @throws OPTION_UNKNOWN when there is no option of a given name.
 * @throws DURATION_INVALID when a time is not a duration.
 * @throws SERVER_OPTIONS_INVALID when a time is longer than 24 days.
 */
export function shutdownOf(given: ShutdownOptions = {}): ShutdownMs {
  refuseUnknownOptions("featureServer: shutdown", given, SHUTDOWN_NAMES);
  const { gracePeriod = "1s", timeout = "30s" } = given;
  return {
    gracePeriod: gracePeriod === "0s" ? 0 : delayOf("shutdown.gracePeriod", gracePeriod),
    timeout: delayOf("shutdown.timeout", timeout),
  };
}

function delayOf(name: string, duration: Duration): number {
  const ms = durationMicros(`featureServer: ${name}`, duration) / 1000;
  if (ms > MAX_DELAY)
    throw new TidemarkError(
      "SERVER_OPTIONS_INVALID",
      `featureServer: ${name} "${duration}" is longer than a timer can wait; give at most "24d"`,
    );
  return ms;
}
