/** Calls of Kafka Connect's REST API. */
import { setTimeout as sleep } from "node:timers/promises";
import { TidemarkError, type TimeLimit } from "@tidemark/core";
import {
  hasUserInfo,
  isInsecureAddress,
  refuseInsecureAddress,
  timeLimitMillis,
  withoutUserInfo,
} from "@tidemark/core/internal";

/** How Kafka Connect is reached, and which connector is meant. */
export interface ConnectOptions {
  /** The address of Kafka Connect's REST API: `http://localhost:8083`. */
  readonly url: string;
  /** The connector's name. */
  readonly name: string;
  /**
   * Headers of every request, such as an authorization. They go to `url` only, and over https or on
   * this machine only.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sends headers and passwords over plain HTTP to another machine, in a private network. */
  readonly allowInsecure?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The time until waiting ends with an error. Default: "1m". */
  readonly timeLimit?: TimeLimit | undefined;
}

/** An answer of Kafka Connect. */
export interface ConnectResponse {
  readonly status: number;
  /** The body as parsed JSON; null: it is not JSON. */
  readonly body: unknown;
}

/** The time limit of a call, ms. */
export function timeLimitOf({ timeLimit = "1m" }: Pick<ConnectOptions, "timeLimit">): number {
  return timeLimitMillis("timeLimit of a connector", timeLimit);
}

/** Gives the path of the connector in the REST API. */
export function connectorPath({ name }: ConnectOptions, path: string): string {
  return `/connectors/${encodeURIComponent(name)}${path}`;
}

/**
 * Calls the REST API. While the workers rebalance (409) the call is repeated. A 404 is an answer
 * and no error.
 *
 * @throws CONNECT_UNREACHABLE when nothing answers at the address, or it redirects to another.
 * @throws CREDENTIALS_UNENCRYPTED when headers would go over plain HTTP to another machine.
 * @throws CONNECTOR_REFUSED when Kafka Connect answers with another error.
 */
export async function callConnect(
  options: ConnectOptions,
  method: string,
  path: string,
  body?: unknown,
): Promise<ConnectResponse> {
  const { url, name, headers = {}, signal, timeLimit } = options;
  checkUrl(options);
  const address = `${url.replace(/\/+$/, "")}${path}`;
  const deadline = performance.now() + timeLimitOf({ timeLimit });
  for (;;) {
    signal?.throwIfAborted();
    const response = await fetch(address, {
      method,
      headers: { "content-type": "application/json", accept: "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal ?? null,
      // the body can hold the password of the database
      redirect: "manual",
    }).catch((cause: unknown) => {
      if (signal?.aborted === true) throw cause;
      throw new TidemarkError(
        "CONNECT_UNREACHABLE",
        `connector ${name}: nothing answers at ${url}; check the address of Kafka Connect's ` +
          "REST API, and that a worker runs",
        { cause },
      );
    });
    const text = await response.text();
    if (response.status >= 300 && response.status < 400)
      throw new TidemarkError(
        "CONNECT_UNREACHABLE",
        `connector ${name}: ${url} redirects to another address; give the address of Kafka ` +
          "Connect's REST API itself",
      );
    if (response.status === 409 && performance.now() < deadline) {
      await sleep(500, undefined, { signal });
      continue;
    }
    const answer = { status: response.status, body: jsonOrNull(text) };
    if (response.ok || response.status === 404) return answer;
    const message = (answer.body as { readonly message?: unknown } | null)?.message;
    throw new TidemarkError(
      "CONNECTOR_REFUSED",
      `connector ${name}: Kafka Connect answered ${response.status} to ${method}: ` +
        `${typeof message === "string" ? message.trim() : text.slice(0, 500)}`,
    );
  }
}

/** Refuses an address that errors would print with its password, and headers in the clear. */
function checkUrl({ url, name, headers = {}, allowInsecure = false }: ConnectOptions): void {
  const who = `connector ${name}`;
  if (hasUserInfo(url))
    throw new TidemarkError(
      "CONNECT_UNREACHABLE",
      `${who}: the address ${withoutUserInfo(url)} is given with a user or a password; give ` +
        'them as headers: { authorization: "Basic …" }',
    );
  if (!allowInsecure && URL.canParse(url) && Object.keys(headers).length > 0)
    refuseInsecureAddress(who, "the headers", url);
}

/** Warns of the password of the database, which Kafka Connect needs in its settings. */
export function warnOfInsecurePassword({ url, name, allowInsecure }: ConnectOptions): void {
  if (allowInsecure === true || !URL.canParse(url) || !isInsecureAddress(url)) return;
  process.emitWarning(
    `connector ${name}: the password of the database goes to ${withoutUserInfo(url)} over plain ` +
      "HTTP, where others can read it; give an https address, or set allowInsecure: true if the " +
      "network is private",
    { type: "TidemarkWarning", code: "CREDENTIALS_UNENCRYPTED" },
  );
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
