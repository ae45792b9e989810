/** Sends the alerts of the configuration while a command runs. */
import type { Store } from "@tidemark/core";
import type { Watch } from "@tidemark/server";
import { webhookOf } from "../config/alerts-config.ts";
import type { LoadedConfig } from "../config/config-file.ts";
import type { Secrets } from "../config/secret.ts";

/** What is watched, and by which command. */
interface Watched {
  readonly store: Store;
  readonly secrets: Secrets;
  readonly process: "run" | "serve";
  readonly onWarning: (text: string) => void;
}

/**
 * Starts to watch the store. null: the configuration has no alerts.
 *
 * @throws SECRET_MISSING when the secret of the webhook is not set.
 * @throws SERVER_OPTIONS_INVALID when the secret is no address.
 */
export async function watchConfigured(
  { alerts, namespace }: LoadedConfig,
  { store, secrets, process, onWarning }: Watched,
): Promise<Watch | null> {
  if (alerts === undefined) return null;
  const { webhook: _, token: _token, ...thresholds } = alerts;
  // a command without alerts does not load the server
  const { watchStore } = await import("@tidemark/server");
  const webhook = webhookOf(alerts, secrets);
  return watchStore({ ...thresholds, store, webhook, namespace, process, onWarning });
}
