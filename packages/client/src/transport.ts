/** Makes one call to the server, with its time limit, its retries and its errors. */
import { TidemarkError } from "@tidemark/core";
import {
  refuseInsecureAddress,
  refuseUnknownOptions,
  timeLimitMillis,
  withoutUserInfo,
  type OptionNames,
} from "@tidemark/core/internal";
import type { ClientOptions } from "./client-options.ts";
import { connectionError, foreignAnswer, refuseBlockedPort } from "./connection-errors.ts";

/** A call to the server. */
export interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** The body as JSON text. */
  readonly body?: string | undefined;
  /** True if the call may be repeated. */
  readonly repeatable: boolean;
  /** True if the call has no time limit. */
  readonly unbounded?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a call and returns the answer's parsed JSON. An aborted signal throws its reason. An error
 * of the server has the server's code.
 *
 * @throws SERVER_UNAVAILABLE when the server cannot be reached.
 * @throws SERVER_NAME_UNKNOWN when no machine has the server's name.
 * @throws SERVER_TLS_FAILED when the certificate is not accepted, or one side does not use TLS.
 * @throws FETCH_FAILED when a browser sends no request, or hides the answer, and says no reason.
 * @throws SERVER_TIMED_OUT when the server does not answer in time.
 * @throws ANSWER_INVALID when the answer is not the JSON of a Tidemark server.
 */
export type Transport = (call: Call) => Promise<unknown>;

/** The longest delay before a retry in ms. */
const MAX_RETRY_DELAY = 2_000;

const CLIENT_NAMES: OptionNames = {
  names: new Set<keyof ClientOptions>([
    "url",
    "token",
    "allowInsecure",
    "timeout",
    "retries",
    "fetch",
  ]),
  renamed: {},
};

/**
 * Makes the calls of a client.
 *
 * @throws OPTION_UNKNOWN when there is no such option. The message suggests the nearest name.
 * @throws DURATION_INVALID when `timeout` is not a duration.
 * @throws CLIENT_OPTIONS_INVALID when the url or a number is invalid.
 * @throws PORT_BLOCKED when `fetch` refuses the port of the url.
 * @throws CREDENTIALS_UNENCRYPTED when the token would go over plain HTTP to another machine.
 */
export function transport(options: ClientOptions): Transport {
  refuseUnknownOptions("createClient", options, CLIENT_NAMES);
  const { url, token, timeout = "5s", retries = 2, fetch: customFetch } = options;
  const base = baseUrl(url);
  if (customFetch === undefined) refuseBlockedPort(base);
  if (token !== undefined && options.allowInsecure !== true)
    refuseInsecureAddress("createClient", "the token", base);
  const limit = timeLimitMillis("createClient: timeout", timeout, 1);
  checkCount("retries", retries, 0);

  return async ({ method, path, body, repeatable, unbounded = false, signal }) => {
    signal?.throwIfAborted();
    const timedOut = unbounded ? undefined : AbortSignal.timeout(limit);
    const ending = [signal, timedOut].filter((one) => one !== undefined);
    const callSignal = ending.length === 0 ? null : AbortSignal.any(ending);
    const where = `${method} ${base}${path}`;
    const attempt = async (): Promise<unknown> => {
      const bearer = typeof token === "function" ? await token() : token;
      const headers: Record<string, string> = {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      };
      const response = await (customFetch ?? globalThis.fetch)(`${base}${path}`, {
        method,
        headers,
        body: body ?? null,
        signal: callSignal,
        redirect: "error",
      });
      const text = await response.text();
      if (!response.ok) throw errorOfResponse(where, response, text);
      return parseAnswer(where, response, text);
    };
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt();
      } catch (error) {
        signal?.throwIfAborted();
        if (timedOut?.aborted === true)
          throw new TidemarkError(
            "SERVER_TIMED_OUT",
            `${where}: no answer within ${timeout}; ` +
              "request fewer entities or features, or give createClient a longer timeout",
            { cause: error, retryable: true },
          );
        const known = error instanceof TidemarkError ? error : connectionError(where, error);
        if (!repeatable || !known.retryable || attempts > retries) throw known;
        await abortableSleep(
          Math.min(
            retryAfterMs(error) ?? 50 * 2 ** attempts * (0.5 + Math.random()),
            MAX_RETRY_DELAY,
          ),
          callSignal,
        );
      }
    }
  };
}

function baseUrl(url: string): string {
  const found = URL.canParse(url) ? new URL(url) : null;
  if (
    found === null ||
    !/^https?:$/.test(found.protocol) ||
    found.search !== "" ||
    found.hash !== ""
  ) {
    throw new TidemarkError(
      "CLIENT_OPTIONS_INVALID",
      `createClient: url ${JSON.stringify(withoutUserInfo(url))} is not the address of a server; ` +
        `write it as "https://features.bank.example"`,
    );
  }
  if (found.username !== "" || found.password !== "")
    throw new TidemarkError(
      "CLIENT_OPTIONS_INVALID",
      "createClient: the url holds a password; give a token instead",
    );
  return `${found.origin}${found.pathname.replace(/\/+$/, "")}`;
}

function checkCount(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > 2 ** 31 - 1)
    throw new TidemarkError(
      "CLIENT_OPTIONS_INVALID",
      `createClient: ${name} is ${String(value)}; give a whole number from ${least} on`,
    );
}

/** The seconds of the header `Retry-After`, by the error of the answer. */
const retryAfter = new WeakMap<object, number>();

function retryAfterMs(error: unknown): number | undefined {
  const seconds = typeof error === "object" && error !== null ? retryAfter.get(error) : undefined;
  return seconds === undefined ? undefined : seconds * 1000;
}

function errorOfResponse(where: string, response: Response, text: string): TidemarkError<string> {
  const { status, headers } = response;
  const serverError = errorIn(text);
  // a retry does not help: a backfill takes longer than all retries
  const retryable = [502, 503, 504].includes(status) && serverError?.code !== "NEEDS_BACKFILL";
  const error =
    serverError === null
      ? foreignAnswer(where, response, text, { retryable })
      : new TidemarkError<string>(serverError.code, serverError.message, { retryable });
  const seconds = Number(headers.get("retry-after") ?? NaN);
  if (seconds >= 0) retryAfter.set(error, seconds);
  return error;
}

function errorIn(text: string): { readonly code: string; readonly message: string } | null {
  try {
    const { code, message } = JSON.parse(text) as {
      readonly code?: unknown;
      readonly message?: unknown;
    };
    return typeof code === "string" && typeof message === "string" ? { code, message } : null;
  } catch {
    return null;
  }
}

function parseAnswer(where: string, response: Response, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw foreignAnswer(where, response, text, { cause });
  }
}

function abortableSleep(ms: number, signal: AbortSignal | null): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
    if (signal?.aborted === true) done();
  });
}
