/**
 * Sends alerts to a webhook, until it takes them. Of each alert only the newest state waits, so the
 * memory is bounded by the number of sources.
 */
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Alert } from "./alert-types.ts";

/** Where alerts go. */
export interface Webhook {
  /** The address; it may hold a secret, so no message shows more than its host. */
  readonly url: string;
  /** Sent as `Authorization: Bearer TOKEN`. Default: no header. */
  readonly token?: string | undefined;
}

/** The body of a request to a webhook. */
export interface WebhookBody {
  readonly version: 1;
  /** All alerts in one text, for a chat. */
  readonly text: string;
  readonly namespace: string;
  readonly host: string;
  readonly sentAt: string;
  readonly alerts: readonly Alert[];
}

/** The surroundings of a sender, for tests. */
export interface SenderOptions {
  readonly namespace: string;
  readonly clock: () => number;
  readonly onWarning: (text: string) => void;
  readonly fetch?: typeof fetch | undefined;
  readonly sleep?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

/** How long a webhook may take to answer, ms. */
const ANSWER_TIME = 10_000;
const [FIRST_DELAY, LONGEST_DELAY] = [1_000, 300_000];
/** The most alerts of one request. */
const MOST_ALERTS = 100;

/** Sends alerts one request after another. */
export class WebhookSender {
  private readonly webhook: Webhook;
  private readonly options: SenderOptions;
  /** By their ids, in the order in which they began to wait. */
  private readonly waiting = new Map<string, Alert>();
  private readonly stopped = new AbortController();
  private sending: Promise<void> | null = null;

  constructor(webhook: Webhook, options: SenderOptions) {
    this.webhook = webhook;
    this.options = options;
  }

  /** Adds alerts; a newer state of an alert replaces one that waits. */
  add(alerts: readonly Alert[]): void {
    for (const alert of alerts) this.waiting.set(alert.id, alert);
    if (this.waiting.size === 0 || this.stopped.signal.aborted) return;
    this.sending ??= this.sendAll().finally(() => {
      this.sending = null;
    });
  }

  /** Waits until nothing waits any more. */
  async idle(): Promise<void> {
    while (this.sending !== null) await this.sending;
  }

  /** Ends the retries. What waits is tried once more. */
  async close(): Promise<void> {
    this.stopped.abort();
    await this.sending;
    if (this.waiting.size > 0) await this.sendOnce();
  }

  private async sendAll(): Promise<void> {
    const { sleep: wait = pause } = this.options;
    for (let delay = FIRST_DELAY; this.waiting.size > 0 && !this.stopped.signal.aborted;) {
      const retryAfter = await this.sendOnce();
      if (retryAfter === null) {
        delay = FIRST_DELAY;
        continue;
      }
      // some of the delay is random, so that many processes do not ask together
      const length = Math.max(retryAfter, delay * (0.5 + Math.random() / 2));
      await wait(Math.min(length, LONGEST_DELAY), this.stopped.signal);
      delay = Math.min(delay * 2, LONGEST_DELAY);
    }
  }

  /**
   * Sends what waits. null: it was taken, or refused for good. Otherwise the least time until the
   * next attempt, ms.
   */
  private async sendOnce(): Promise<number | null> {
    const sent = [...this.waiting.values()].slice(0, MOST_ALERTS);
    const done = (): void => {
      for (const alert of sent)
        if (this.waiting.get(alert.id) === alert) this.waiting.delete(alert.id);
    };
    try {
      const { status, headers } = await this.post(sent);
      if (status >= 200 && status < 300) {
        done();
        return null;
      }
      const isTemporary = status === 408 || status === 429 || status >= 500;
      this.warn(`answered ${status}${isTemporary ? "; it is asked again" : ""}`);
      if (!isTemporary) {
        done();
        return null;
      }
      const seconds = Number(headers.get("retry-after") ?? 0);
      return Number.isFinite(seconds) ? seconds * 1000 : 0;
    } catch (error) {
      const { cause, message } = error as { readonly cause?: unknown; readonly message: string };
      const code = (cause as { readonly code?: string } | undefined)?.code;
      this.warn(`could not be reached (${code ?? message}); it is asked again`);
      return 0;
    }
  }

  private async post(alerts: readonly Alert[]): Promise<Response> {
    const { namespace, clock, fetch: ask = fetch } = this.options;
    const { url, token } = this.webhook;
    const body: WebhookBody = {
      version: 1,
      text: alerts.map(textOf).join("\n"),
      namespace,
      host: hostname(),
      sentAt: new Date(clock()).toISOString(),
      alerts,
    };
    const response = await ask(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
      // another address would get what the operator meant for this one
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_TIME),
    });
    await response.body?.cancel();
    return response;
  }

  private warn(what: string): void {
    this.options.onWarning(`alerts: the webhook at ${new URL(this.webhook.url).host} ${what}`);
  }
}

function textOf({ status, summary, nextStep, severity }: Alert): string {
  return status === "resolved"
    ? `Tidemark, resolved: ${summary}`
    : `Tidemark, ${severity}: ${summary}; ${nextStep}`;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
