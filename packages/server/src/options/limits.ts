/** The limits of one request, and of all requests together. */
import { TidemarkError } from "@tidemark/core";
import { refuseUnknownOptions, type OptionNames } from "@tidemark/core/internal";

/** The limits of a server. A request beyond a limit gets an error. */
export interface Limits {
  /** The greatest size of a body in bytes. Default: 1 MiB. */
  readonly bodyBytes: number;
  /** The greatest number of entities of one request. Default: 10,000. */
  readonly entities: number;
  /** The greatest number of features of one request. Default: 1,000. */
  readonly features: number;
  /** The greatest number of rows of one push. Default: 10,000. */
  readonly rows: number;
  /**
   * The greatest number of requests in flight: requests that have arrived and are not answered yet.
   * Default: 512.
   */
  readonly requestsInFlight: number;
}

const DEFAULTS: Limits = {
  bodyBytes: 1 << 20,
  entities: 10_000,
  features: 1_000,
  rows: 10_000,
  requestsInFlight: 512,
};
const LIMIT_NAMES: OptionNames = { names: new Set(Object.keys(DEFAULTS)), renamed: {} };

/**
 * Returns the given limits, with the defaults for the rest.
 *
 * @throws OPTION_UNKNOWN when there is no limit of a given name.
 * @throws SERVER_OPTIONS_INVALID when a limit is not a whole number above zero.
 */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  refuseUnknownOptions("featureServer: limits", given, LIMIT_NAMES);
  const limits = { ...DEFAULTS };
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
