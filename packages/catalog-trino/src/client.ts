/**
 * Speaks Trino's client protocol: a statement is posted, and its results are fetched until no next
 * address is given.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { TidemarkError } from "@tidemark/core";

/** How a Trino coordinator is reached. */
export interface TrinoConnection {
  /** The coordinator's address, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** The user name. Default: `tidemark`. */
  readonly user?: string | undefined;
  /** The password, if the server requires one. Trino accepts passwords over https only. */
  readonly password?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface ResultPage {
  readonly nextUri?: string;
  readonly data?: readonly (readonly unknown[])[];
  readonly error?: { readonly message: string; readonly errorName: string };
}

/** The attempts when the server is busy; the pause between them in ms follows. */
const BUSY_ATTEMPTS = 50;
const BUSY_RETRY_DELAY = 100;
/**
 * The same for a coordinator without workers: it is starting, or a busy worker did not report. The
 * query has not begun then.
 */
const WORKER_ATTEMPTS = 30;
const WORKER_RETRY_DELAY = 1_000;

/**
 * Runs a statement and returns its rows. Whole numbers beyond 2^53 are bigints.
 *
 * @throws TRINO_UNREACHABLE when the address does not answer or is no Trino.
 * @throws TRINO_DENIED when Trino refuses the user.
 * @throws TRINO_QUERY_FAILED when the statement failed; the message is Trino's own.
 * @example
 * const trino = { url: "http://127.0.0.1:8080" };
 * const rows = await queryTrino(trino, "SELECT count(*) FROM lake.bank.transactions_versions");
 */
export async function queryTrino(
  connection: TrinoConnection,
  sql: string,
): Promise<readonly (readonly unknown[])[]> {
  const { url, signal } = connection;
  for (let attempt = 1; ; attempt++) {
    const { rows, error } = await fetchResults(connection, sql);
    if (error === undefined) return rows;
    if (error.errorName !== "NO_NODES_AVAILABLE" || attempt === WORKER_ATTEMPTS) {
      const { errorName, message } = error;
      throw new TidemarkError(
        "TRINO_QUERY_FAILED",
        `trino ${url}: ${message} (${errorName}, ` +
          `in ${sql.length > 200 ? `${sql.slice(0, 200)} …` : sql}); ` +
          "correct it, or look at the query in Trino's console",
      );
    }
    await sleep(WORKER_RETRY_DELAY, undefined, { signal });
  }
}

async function fetchResults(
  connection: TrinoConnection,
  sql: string,
): Promise<{
  readonly rows: readonly (readonly unknown[])[];
  readonly error: ResultPage["error"];
}> {
  const { url, signal } = connection;
  let page = await fetchPage(connection, new URL("/v1/statement", withPath(url)).href, sql);
  const rows: (readonly unknown[])[] = [];
  for (;;) {
    for (const row of page.data ?? []) rows.push(row);
    if (page.error !== undefined || page.nextUri === undefined) return { rows, error: page.error };
    const at = page.nextUri;
    page = await fetchPage(connection, at).catch(async (error: unknown) => {
      // otherwise the query would go on without a reader
      if (signal?.aborted === true)
        await fetch(at, {
          method: "DELETE",
          headers: requestHeaders(connection),
          signal: AbortSignal.timeout(2000),
        }).catch(() => undefined);
      throw error;
    });
  }
}

async function fetchPage(
  connection: TrinoConnection,
  at: string,
  sql?: string,
): Promise<ResultPage> {
  const { url, signal } = connection;
  const unreachable = (why: string, cause?: unknown): TidemarkError =>
    new TidemarkError(
      "TRINO_UNREACHABLE",
      `trino ${url}: ${why}; check the address, and that the coordinator runs`,
      { cause },
    );
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const response = await fetch(at, {
      headers: requestHeaders(connection),
      ...(sql === undefined ? {} : { method: "POST", body: sql }),
      ...(signal === undefined ? {} : { signal }),
    }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw unreachable("nobody answers", error);
    });
    const text = await response.text().catch((error: unknown) => {
      throw unreachable("its answer broke off", error);
    });
    if (response.ok) {
      const page = parsePage(text);
      if (page === null) throw unreachable("what answers there is no Trino");
      return page;
    }
    if (response.status === 401 || response.status === 403)
      throw new TidemarkError(
        "TRINO_DENIED",
        `trino ${url}: it does not let this user in: ${text.slice(0, 200)}; ` +
          "check the user and the password, which Trino takes over https only",
      );
    // the protocol defines these as busy: the same request may be repeated
    if (![429, 502, 503, 504].includes(response.status) || attempt === BUSY_ATTEMPTS)
      throw unreachable(`HTTP ${response.status}: ${text.slice(0, 200)}`);
    await sleep(BUSY_RETRY_DELAY, undefined, { signal });
  }
}

function withPath(url: string): string {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new TidemarkError(
      "TRINO_UNREACHABLE",
      `trino ${url}: this is no address; write http://host:port`,
    );
  return url;
}

function requestHeaders({ user = "tidemark", password }: TrinoConnection): Record<string, string> {
  return {
    "X-Trino-User": user,
    "X-Trino-Source": "tidemark",
    ...(password === undefined
      ? {}
      : { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` }),
  };
}

function parsePage(text: string): ResultPage | null {
  const exact = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === "number" &&
    !Number.isSafeInteger(value) &&
    /^-?\d+$/.test(context?.source ?? "")
      ? BigInt(context!.source!)
      : value;
  try {
    const page: unknown = JSON.parse(text, exact);
    return typeof page === "object" && page !== null && "id" in page ? (page as ResultPage) : null;
  } catch {
    return null;
  }
}
