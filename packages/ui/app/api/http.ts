/** Calls the JSON API of the server that the page came from. */

/** An error that the server answered, or a server that did not answer. */
export class ApiError extends Error {
  readonly code: string;
  /** The status of HTTP; 0: there was no answer. */
  readonly status: number;

  constructor(code: string, message: string, status: number) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const TOKEN = "tidemark-token";

/** The bearer token of this tab; null: none was given. */
function storedToken(): string | null {
  return sessionStorage.getItem(TOKEN);
}

/** Keeps the token until the tab is closed. */
export function storeToken(token: string | null): void {
  if (token === null) sessionStorage.removeItem(TOKEN);
  else sessionStorage.setItem(TOKEN, token);
}

/** Sends a request. With a body it is a POST. `path` is below the server's root, as `v1/status`. */
async function send(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const token = storedToken();
  const headers: Record<string, string> = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
  };
  const response = await fetch(new URL(`../${path}`, document.baseURI), {
    method: body === undefined ? "GET" : "POST",
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw new ApiError("NO_ANSWER", "The server does not answer.", 0);
  });
  if (response.ok) return response;
  const text = await response.text();
  const { code, message } = jsonIn(text) as { code?: string; message?: string };
  throw new ApiError(
    code ?? `HTTP_${response.status}`,
    message ?? (text || response.statusText),
    response.status,
  );
}

function jsonIn(text: string): object {
  try {
    return JSON.parse(text) as object;
  } catch {
    return {};
  }
}

/** Asks for JSON. */
export async function ask<T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return (await (await send(path, body, signal)).json()) as T;
}

/** Asks for text. */
export async function askText(path: string, body?: unknown, signal?: AbortSignal): Promise<string> {
  return (await send(path, body, signal)).text();
}
