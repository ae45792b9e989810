/** Warns of passwords that go to Kafka's brokers unencrypted. */
import { isLoopbackHost } from "@tidemark/core/internal";

/** Mechanisms of SASL that send the password or the token itself. */
const PLAIN_MECHANISMS: readonly string[] = ["plain", "oauthbearer"];

/** Warns if the password would go to another machine without TLS. `who` names the source. */
export function warnOfUnencryptedLogin(
  who: string,
  {
    brokers,
    ssl,
    sasl,
  }: {
    readonly brokers: unknown;
    readonly ssl?: unknown;
    readonly sasl?: { readonly mechanism?: unknown } | undefined;
  },
): void {
  if (ssl !== undefined && ssl !== false) return;
  if (!PLAIN_MECHANISMS.includes(String(sasl?.mechanism ?? "").toLowerCase())) return;
  const away = Array.isArray(brokers)
    ? brokers.map(String).find((broker) => !isLoopbackHost(broker.replace(/:\d+$/, "")))
    : "the brokers";
  if (away === undefined) return;
  process.emitWarning(
    `${who}: the password goes to ${away} unencrypted, where others can read it; set ssl: true, ` +
      "or use the mechanism scram-sha-512, which does not send the password",
    { type: "TidemarkWarning", code: "CREDENTIALS_UNENCRYPTED" },
  );
}
