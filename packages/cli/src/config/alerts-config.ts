/** The settings of alerts, and their check. */
import { TidemarkError } from "@tidemark/core";
import { didYouMean, timeLimitMillis } from "@tidemark/core/internal";
import type { AlertThresholds, Webhook } from "@tidemark/server";
import type { SecretReferences, Secrets } from "./secret.ts";

/** Where `tidemark run` and `tidemark serve` send alerts, and when these fire. */
export interface AlertsConfig<
  S extends SecretReferences = SecretReferences,
> extends AlertThresholds {
  /** The address: a URL, or the name of the secret that holds it. */
  readonly webhook:
    | { readonly url: string; readonly secret?: undefined }
    | { readonly secret: keyof S & string; readonly url?: undefined };
  /** The name of the secret that is sent as bearer token. Default: none is sent. */
  readonly token?: (keyof S & string) | undefined;
  /** How often the stores are looked at. Default: "30s". */
  readonly interval?: AlertThresholds["lag"];
}

const DURATIONS = [
  "lag",
  "notReady",
  "stalled",
  "runStopped",
  "unavailable",
  "growth",
  "interval",
] as const;
const MEMBERS: readonly string[] = ["webhook", "token", ...DURATIONS];

/**
 * Checks the member `alerts`. Messages do not show an address, because it may hold a secret.
 *
 * @throws CONFIG_INVALID when a member is unknown or has the wrong form.
 * @throws DURATION_INVALID when a threshold is no duration.
 */
export function checkAlerts(value: unknown, secrets: readonly string[]): void {
  if (value === undefined) return;
  if (!isObject(value)) throw invalid("alerts must be an object: { webhook: { secret } }");
  const other = Object.keys(value).find((name) => !MEMBERS.includes(name));
  if (other !== undefined) {
    const next = didYouMean(other, MEMBERS) || `; the members are ${MEMBERS.join(", ")}`;
    throw invalid(`alerts has no member "${other}"${next}`);
  }
  const { webhook, token } = value;
  const { url, secret, ...rest } = isObject(webhook) ? webhook : {};
  if ((url === undefined) === (secret === undefined) || Object.keys(rest).length > 0)
    throw invalid(
      "alerts.webhook must be { secret }, the name of a secret with the address, or " +
        '{ url: "https://…" }',
    );
  if (url !== undefined && !isHttp(url))
    throw invalid("alerts.webhook.url must be an address that begins with https:// or http://");
  for (const [name, given] of [
    ["webhook.secret", secret],
    ["token", token],
  ])
    if (given !== undefined && !secrets.includes(given as string))
      throw invalid(
        `alerts.${name as string} is none of secrets ` +
          `(${secrets.join(", ") || "there are none"}); ` +
          'add one, as in secrets: { hook: env("ALERT_WEBHOOK") }',
      );
  for (const name of DURATIONS)
    if (value[name] !== undefined) timeLimitMillis(`alerts: ${name}`, value[name] as "1s");
}

/**
 * Reads the secrets of the webhook.
 *
 * @throws SECRET_MISSING when a secret is not set.
 */
export function webhookOf({ webhook, token }: AlertsConfig, secrets: Secrets): Webhook {
  return {
    url: webhook.url ?? secrets[webhook.secret]!,
    token: token === undefined ? undefined : secrets[token]!,
  };
}

function isHttp(value: unknown): boolean {
  return (
    typeof value === "string" && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(what: string): TidemarkError {
  return new TidemarkError("CONFIG_INVALID", `tidemark.config.ts: ${what}`);
}
