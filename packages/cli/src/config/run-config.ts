/** The settings of `tidemark run`, and their check. */
import type { RunOptions } from "@tidemark/core";
import { TidemarkError } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";
import type { SecretReferences } from "./secret.ts";

/** Where `tidemark run` serves its metrics. */
export interface RunMetricsConfig<S extends SecretReferences = SecretReferences> {
  /** The port; 0: a free port. Default: no metrics are served. */
  readonly port?: number | undefined;
  /** The address to listen at. Default: 127.0.0.1. */
  readonly host?: string | undefined;
  /** The name of the secret with the token that callers must send. Default: none is needed. */
  readonly secret?: (keyof S & string) | undefined;
}

/** Settings of `tidemark run` and `tidemark resnapshot`. */
export interface RunConfig<S extends SecretReferences = SecretReferences> {
  /**
   * The share of a new source's first rows that may be unusable, from 0 to 1. More than that ends
   * the run with `SOURCE_MISMATCH`. Default: 0.5. "ignore": the rows are not judged.
   */
  readonly mismatch?: RunOptions["mismatch"];
  /** Where `tidemark run` serves its metrics. Default: nowhere. */
  readonly metrics?: RunMetricsConfig<S> | undefined;
}

const MEMBERS = ["mismatch", "metrics"];
const METRICS_MEMBERS = ["port", "host", "secret"];

/**
 * Checks the member `run`.
 *
 * @throws CONFIG_INVALID when a member is unknown or has the wrong form.
 */
export function checkRun(value: unknown, secrets: readonly string[]): void {
  if (value === undefined) return;
  const { mismatch, metrics } = membersOf("run", value, MEMBERS);
  const isShare = typeof mismatch === "number" && mismatch >= 0 && mismatch <= 1;
  if (mismatch !== undefined && mismatch !== "ignore" && !isShare)
    throw invalid('run.mismatch must be a share from 0 to 1, such as 0.5, or "ignore"');
  if (metrics === undefined) return;
  const { port, host, secret } = membersOf("run.metrics", metrics, METRICS_MEMBERS);
  const isPort = Number.isSafeInteger(port) && (port as number) >= 0 && (port as number) <= 65_535;
  if (port !== undefined && !isPort)
    throw invalid("run.metrics.port must be a whole number from 0 to 65535");
  if (host !== undefined && (typeof host !== "string" || host === ""))
    throw invalid("run.metrics.host must be a host name or an address");
  if (secret !== undefined && !secrets.includes(secret as string))
    throw invalid(
      `run.metrics.secret is none of secrets (${secrets.join(", ") || "there are none"}); add ` +
        'one, as in secrets: { metrics: env("METRICS_TOKEN") }',
    );
}

function membersOf(
  what: string,
  value: unknown,
  members: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(`${what} must be an object`);
  const other = Object.keys(value).find((name) => !members.includes(name));
  if (other !== undefined) {
    const next = didYouMean(other, members) || `; the members are ${members.join(", ")}`;
    throw invalid(`${what} has no member "${other}"${next}`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function invalid(what: string): TidemarkError {
  return new TidemarkError("CONFIG_INVALID", `tidemark.config.ts: ${what}`);
}
