/** Watches a store, and tells a webhook when an alert fires and when it has ended. */
import { TidemarkError, type Store } from "@tidemark/core";
import { timeLimitMillis } from "@tidemark/core/internal";
import type { Alert, AlertThresholds, ThresholdMillis } from "./alert-types.ts";
import type { Condition } from "./condition.ts";
import { ConditionFinder, type WatchedState, type WatchingProcess } from "./conditions.ts";
import { WebhookSender, type SenderOptions, type Webhook } from "./webhook.ts";

/** The options of `watchStore`. */
export interface WatchOptions extends AlertThresholds {
  /** The store that is watched. It stays open. */
  readonly store: Store;
  readonly webhook: Webhook;
  /** Name of the namespace, for the messages. Default: "default". */
  readonly namespace?: string | undefined;
  /** "serve": the stream is left to a run that is alive. Default: "run". */
  readonly process?: WatchingProcess | undefined;
  /** How often the store is looked at. Default: "30s". */
  readonly interval?: AlertThresholds["lag"];
  /** Milliseconds of Unix time. Default: the clock of the machine. */
  readonly clock?: (() => number) | undefined;
  /** Told when the webhook does not answer. Default: the process warns. */
  readonly onWarning?: ((text: string) => void) | undefined;
  readonly fetch?: SenderOptions["fetch"];
  readonly sleep?: SenderOptions["sleep"];
}

/** A store that is watched. */
export interface Watch {
  /** Looks at the store now, and sends what has changed. */
  check(): Promise<void>;
  /** Waits until the webhook has taken everything. */
  idle(): Promise<void>;
  /** Ends the watch. What waits is sent once more. */
  close(): Promise<void>;
}

const DEFAULTS = {
  lag: "5m",
  notReady: "15m",
  stalled: "10m",
  runStopped: "2m",
  unavailable: "2m",
  growth: "15m",
} as const;

/** A condition that held at the last look. */
interface Held {
  readonly since: number;
  /** The alert as it was sent; null: the condition has not held for long enough. */
  readonly fired: Alert | null;
}

/**
 * Watches a store from now on, every 30 seconds. The webhook gets a POST with a JSON body when an
 * alert fires, and one when it has ended.
 *
 * @throws DURATION_INVALID when a threshold is no duration.
 * @throws SERVER_OPTIONS_INVALID when the address of the webhook is no HTTP address.
 * @example
 * const webhook = { url: "https://chat.example/hooks/4711" };
 * const watch = watchStore({ store, webhook, lag: "1m" });
 * process.once("SIGTERM", () => void watch.close());
 */
export function watchStore(options: WatchOptions): Watch {
  const { store, webhook, namespace = "default", process: watching = "run" } = options;
  const { clock = Date.now, onWarning = warn } = options;
  if (!URL.canParse(webhook.url) || !/^https?:$/.test(new URL(webhook.url).protocol))
    throw new TidemarkError(
      "SERVER_OPTIONS_INVALID",
      "alerts: the address of the webhook does not begin with http:// or https://; give it whole",
    );
  const limits = Object.fromEntries(
    Object.entries(DEFAULTS).map(([name, length]) => [
      name,
      timeLimitMillis(`alerts: ${name}`, options[name as keyof typeof DEFAULTS] ?? length),
    ]),
  ) as ThresholdMillis;
  const finder = new ConditionFinder(limits, watching);
  const sender = new WebhookSender(webhook, {
    namespace,
    clock,
    onWarning,
    fetch: options.fetch,
    sleep: options.sleep,
  });
  let held: ReadonlyMap<string, Held> = new Map();

  async function check(): Promise<void> {
    const state = await readState(store).catch(() => null);
    const now = clock();
    const changed: Alert[] = [];
    const next = new Map<string, Held>();
    for (const condition of finder.find(state, now)) {
      const id = `${condition.alert}/${condition.of}`;
      const { since = now, fired = null } = held.get(id) ?? {};
      const fires = fired === null && now - since >= condition.after;
      const alert = fires ? alertOf(id, condition, since) : fired;
      if (fires) changed.push(alert!);
      next.set(id, { since, fired: alert });
    }
    for (const [id, { fired }] of held) {
      if (fired === null || next.has(id)) continue;
      // while nothing can be read, nothing is known to have ended
      if (state === null) next.set(id, held.get(id)!);
      else changed.push({ ...fired, status: "resolved", endedAt: new Date(now).toISOString() });
    }
    held = next;
    sender.add(changed);
  }

  let checking: Promise<void> | null = null;
  const checkOnce = (): Promise<void> =>
    (checking ??= check().finally(() => {
      checking = null;
    }));
  const timer = setInterval(
    () => void checkOnce(),
    timeLimitMillis("alerts: interval", options.interval ?? "30s"),
  );
  // a watch keeps no process alive
  timer.unref();
  return {
    check: checkOnce,
    idle: () => sender.idle(),
    async close() {
      clearInterval(timer);
      await checking;
      await sender.close();
    },
  };
}

async function readState(store: Store): Promise<WatchedState> {
  const [sources, readiness, checks] = await Promise.all([
    store.status(),
    store.readiness().catch(() => []),
    store.checkResults().catch(() => ({ drift: [], expectations: [] })),
  ]);
  return { sources, readiness, checks };
}

function alertOf(id: string, condition: Condition, since: number): Alert {
  const { after: _, of: _of, ...alert } = condition;
  const startedAt = new Date(since).toISOString();
  return { id, ...alert, status: "firing", startedAt, endedAt: null };
}

function warn(text: string): void {
  process.emitWarning(text, { type: "TidemarkWarning", code: "WEBHOOK_FAILED" });
}
