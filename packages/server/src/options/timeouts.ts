/** The time limits of requests, of connections, and of a shutdown. */
import type { TimeLimit } from "@tidemark/core";
import { refuseUnknownOptions, timeLimitMillis, type OptionNames } from "@tidemark/core/internal";

/** The time limits of requests and connections, as durations such as "10s". */
export interface Timeouts {
  /**
   * The time limit of one request, from its head to its answer. Materialization has no time limit.
   * Default: "10s".
   */
  readonly request?: TimeLimit | undefined;
  /** The time limit for the arrival of a request's head. Default: "10s". */
  readonly headers?: TimeLimit | undefined;
  /**
   * How long a caller may take to receive an answer. Then the server closes the connection.
   * Default: "30s".
   */
  readonly answer?: TimeLimit | undefined;
  /** How long an idle connection stays open for the next request. Default: "72s". */
  readonly keepAlive?: TimeLimit | undefined;
  /** How long a training set is kept when it has ended. Default: "1h". */
  readonly trainingSet?: TimeLimit | undefined;
}

/** The two times of a shutdown, as durations such as "30s". */
export interface ShutdownOptions {
  /**
   * The shutdown grace period. The server still accepts requests, but its health check fails, so
   * that a load balancer sends the next requests elsewhere. "0s": no grace period. Default: "1s".
   */
  readonly gracePeriod?: TimeLimit | undefined;
  /** How long the server then answers the requests in flight. Default: "30s". */
  readonly timeout?: TimeLimit | undefined;
}

/** The time limits of a server in ms. */
export interface TimeoutsMs {
  readonly request: number;
  readonly headers: number;
  readonly answer: number;
  readonly keepAlive: number;
  readonly trainingSet: number;
}

/** The two times of a shutdown in ms. */
export interface ShutdownMs {
  readonly gracePeriod: number;
  readonly timeout: number;
}

const TIMEOUT_NAMES: OptionNames = {
  names: new Set<keyof Timeouts>(["request", "headers", "answer", "keepAlive", "trainingSet"]),
  renamed: {},
};
const SHUTDOWN_NAMES: OptionNames = {
  names: new Set<keyof ShutdownOptions>(["gracePeriod", "timeout"]),
  renamed: {},
};

/**
 * Reads the time limits of requests and connections.
 *
 * @throws OPTION_UNKNOWN when there is no time limit of a given name.
 * @throws DURATION_INVALID when a time limit is not a duration, or is zero or longer than 24 days.
 */
export function timeoutsOf(given: Timeouts = {}): TimeoutsMs {
  refuseUnknownOptions("featureServer: timeouts", given, TIMEOUT_NAMES);
  const {
    request = "10s",
    headers = "10s",
    answer = "30s",
    keepAlive = "72s",
    trainingSet = "1h",
  } = given;
  return {
    request: timeLimitMillis("featureServer: timeouts.request", request, 1),
    headers: timeLimitMillis("featureServer: timeouts.headers", headers, 1),
    answer: timeLimitMillis("featureServer: timeouts.answer", answer, 1),
    keepAlive: timeLimitMillis("featureServer: timeouts.keepAlive", keepAlive, 1),
    trainingSet: timeLimitMillis("featureServer: timeouts.trainingSet", trainingSet, 1),
  };
}

/**
 * Reads the times of a shutdown.
 *
 * @throws OPTION_UNKNOWN when there is no option of a given name.
 * @throws DURATION_INVALID when a time is not a duration, or is longer than 24 days.
 */
export function shutdownOf(given: ShutdownOptions = {}): ShutdownMs {
  refuseUnknownOptions("featureServer: shutdown", given, SHUTDOWN_NAMES);
  const { gracePeriod = "1s", timeout = "30s" } = given;
  return {
    gracePeriod: timeLimitMillis("featureServer: shutdown.gracePeriod", gracePeriod),
    timeout: timeLimitMillis("featureServer: shutdown.timeout", timeout),
  };
}
