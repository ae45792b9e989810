/** The limits of one request, of one connection, and of all requests together. */
import { TidemarkError } from "@tidemark/core";
import { refuseUnknownOptions, type OptionNames } from "@tidemark/core/internal";

/**
 * The limits of a server. A request beyond a limit gets an error that names the limit. Each process
 * of `tidemark serve` has its own limits.
 */
export interface Limits {
  /** The greatest size of a body in bytes. Default: 1 MiB. */
  readonly bodyBytes: number;
  /**
   * The greatest size in bytes of all bodies together whose requests wait for their end. Default:
   * 256 MiB.
   */
  readonly bodyBytesInFlight: number;
  /** The greatest number of entities of one request. Default: 10,000. */
  readonly entities: number;
  /** The greatest number of features of one request, other names included. Default: 1,000. */
  readonly features: number;
  /** The greatest number of values of one request: entities × features. Default: 1,000,000. */
  readonly values: number;
  /** The greatest number of values of all requests that are computed now. Default: 4,000,000. */
  readonly valuesInFlight: number;
  /** The greatest size of one value of an entity key in bytes. Default: 4,096. */
  readonly keyBytes: number;
  /** The greatest size of an answer in bytes. Default: 64 MiB. */
  readonly answerBytes: number;
  /** The greatest number of rows of one push. Default: 10,000. */
  readonly rows: number;
  /**
   * The greatest number of requests in flight: requests that have arrived and are not answered yet.
   * Health, metrics and the OpenAPI document do not count. Default: 512.
   */
  readonly requestsInFlight: number;
  /**
   * The greatest number of requests of one connection that wait for their answer (pipelining).
   * Default: 100.
   */
  readonly requestsPerConnection: number;
  /** The greatest number of open connections. Default: 10,000. */
  readonly connections: number;
  /** The greatest number of training sets that are received or computed at once. Default: 2. */
  readonly trainingSets: number;
  /** The greatest size of the entity rows of a training set in bytes. Default: 1 GiB. */
  readonly trainingSetBytes: number;
  /** The greatest number of entity rows of a training set. Default: 10,000,000. */
  readonly trainingSetRows: number;
  /**
   * The greatest number of training sets that are kept when they have ended. The oldest is removed
   * for a further one. Default: 20.
   */
  readonly trainingSetsKept: number;
}

const DEFAULT_LIMITS: Limits = {
  bodyBytes: 1024 * 1024,
  bodyBytesInFlight: 256 * 1024 * 1024,
  entities: 10_000,
  features: 1_000,
  values: 1_000_000,
  valuesInFlight: 4_000_000,
  keyBytes: 4_096,
  answerBytes: 64 * 1024 * 1024,
  rows: 10_000,
  requestsInFlight: 512,
  requestsPerConnection: 100,
  connections: 10_000,
  trainingSets: 2,
  trainingSetBytes: 1024 * 1024 * 1024,
  trainingSetRows: 10_000_000,
  trainingSetsKept: 20,
};
const LIMIT_NAMES: OptionNames = { names: new Set(Object.keys(DEFAULT_LIMITS)), renamed: {} };

/**
 * Returns the given limits, with the defaults for the rest.
 *
 * @throws OPTION_UNKNOWN when there is no limit of a given name.
 * @throws SERVER_OPTIONS_INVALID when a limit is not a whole number above zero.
 */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  refuseUnknownOptions("featureServer: limits", given, LIMIT_NAMES);
  const limits = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < 1 || value > 2 ** 31 - 1)
      throw new TidemarkError(
        "SERVER_OPTIONS_INVALID",
        `featureServer: limits.${name} is ${String(value)}; ` +
          "give a whole number from 1 to 2147483647",
      );
    limits[name as keyof Limits] = value;
  }
  return limits;
}
