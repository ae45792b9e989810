/** Defines the limits of one request, and of all requests together. */
import { TidemarkError } from "@tidemark/core";

/** What a server accepts at once. */
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
   * The greatest number of requests at one time. Further requests are told to come again. Default:
   * 512.
   */
  readonly inFlight: number;
  /**
   * The time limit of one request from its head to its answer, in ms. Materialization is not
   * limited. Default: 10,000.
   */
  readonly requestMs: number;
  /** The time in which the head of a request must arrive, in ms. Default: 10,000. */
  readonly headersMs: number;
  /** How long a connection is kept for the next request, in ms. Default: 72,000. */
  readonly keepAliveMs: number;
}

const DEFAULTS: Limits = {
  bodyBytes: 1 << 20,
  entities: 10_000,
  features: 1_000,
  rows: 10_000,
  inFlight: 512,
  requestMs: 10_000,
  headersMs: 10_000,
  keepAliveMs: 72_000,
};

/**
 * Returns the given limits, with the defaults for the rest.
 *
 * @throws SERVER_OPTIONS_INVALID when a limit is no whole number above zero.
 */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  const limits = { ...DEFAULTS };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(DEFAULTS, name))
      throw new TidemarkError(
        "SERVER_OPTIONS_INVALID",
        `server: there is no limit "${name}"; the limits are ${Object.keys(DEFAULTS).join(", ")}`,
      );
    if (!Number.isSafeInteger(value) || value < 1 || value > 2 ** 31 - 1)
      throw new TidemarkError(
        "SERVER_OPTIONS_INVALID",
        `server: limit ${name} must be a whole number from 1 to 2147483647, ` +
          `and is ${String(value)}`,
      );
    limits[name as keyof Limits] = value;
  }
  return limits;
}
