/** Calls of Kafka Connect's REST API. */
import { setTimeout as sleep } from "node:timers/promises";
import { TidemarkError, type TimeLimit } from "@tidemark/core";
import { timeLimitMillis } from "@tidemark/core/internal";

/** How Kafka Connect is reached, and which connector is meant. */
export interface ConnectOptions {
  /** The address of Kafka Connect's REST API: `http://localhost:8083`. */
  readonly url: string;
  /** The connector's name. */
  readonly name: string;
  /** Headers of every request, such as an authorization. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
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
 * @throws CONNECT_UNREACHABLE when nothing answers at the address.
 * @throws CONNECTOR_REFUSED when Kafka Connect answers with another error.
 */
export async function callConnect(
  { url, name, headers = {}, signal, timeLimit }: ConnectOptions,
  method: string,
  path: string,
  body?: unknown,
): Promise<ConnectResponse> {
  const address = `${url.replace(/\/+$/, "")}${path}`;
  const deadline = performance.now() + timeLimitOf({ timeLimit });
  for (;;) {
    signal?.throwIfAborted();
    const response = await fetch(address, {
      method,
      headers: { "content-type": "application/json", accept: "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal ?? null,
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

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
