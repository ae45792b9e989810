/** How much one request, and all of them together, may take. */
import { TidemarkError } from "@tidemark/core";

export interface Limits {
  /** Of a body; 1 MiB. */
  readonly bodyBytes: number;
  /** Entity rows of one request; 10,000. */
  readonly entities: number;
  /** Features of one request; 1,000. */
  readonly features: number;
  /** Rows of one push; 10,000. */
  readonly rows: number;
  /** Requests that are worked on at one time, beyond which a request is told to come again; 512. */
  readonly inFlight: number;
  /**
   * Of one request from its head to its answer, ms; 10,000. Materialization is not bounded by it.
   */
  readonly requestMs: number;
  /** Within which the head of a request must have arrived, ms; 10,000. */
  readonly headersMs: number;
  /** How long a connection is kept for the next request, ms; 72,000. */
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
 * The limits given, and the usual ones for the rest; one that is no whole number above zero is
 * `SERVER_OPTIONS_INVALID`.
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
        `server: limit ${name} must be a whole number from 1 to 2147483647, and is ` +
          `${String(value)}`,
      );
    limits[name as keyof Limits] = value;
  }
  return limits;
}
