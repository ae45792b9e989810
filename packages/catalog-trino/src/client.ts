/**
 * Speaks Trino's client protocol: a statement is posted, and its results are fetched until no next
 * address is given.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { TidemarkError } from "@tidemark/core";
import { hasUserInfo, refuseInsecureAddress, withoutUserInfo } from "@tidemark/core/internal";

/** How a Trino coordinator is reached. */
export interface TrinoConnection {
  /** The coordinator's address, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** The user name. Default: `tidemark`. */
  readonly user?: string | undefined;
  /**
   * The password, if the server requires one. It goes to `url` only, and over https or on this
   * machine only.
   */
  readonly password?: string | undefined;
  /** Sends the password over plain HTTP to another machine too. Default: false. */
  readonly allowInsecure?: boolean | undefined;
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
 * @throws TRINO_UNREACHABLE when the address does not answer, is no Trino, or sends the client to
 * another address.
 * @throws CREDENTIALS_UNENCRYPTED when the password would go over plain HTTP to another machine.
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
  const { origin } = checkedUrl(connection);
  let page = await fetchPage(connection, `${origin}/v1/statement`, sql);
  const rows: (readonly unknown[])[] = [];
  for (;;) {
    for (const row of page.data ?? []) rows.push(row);
    if (page.error !== undefined || page.nextUri === undefined) return { rows, error: page.error };
    const at = page.nextUri;
    // the coordinator's answer says where the user and the password go next
    if (!URL.canParse(at) || new URL(at).origin !== origin)
      throw unreachable(
        url,
        `the results are at ${originOf(at)}, and the user and the password go to ${origin} only`,
        "give the address that the coordinator has for its clients, or let it use the address " +
          "that its proxy forwards (http-server.process-forwarded=true)",
      );
    page = await fetchPage(connection, at).catch(async (error: unknown) => {
      // otherwise the query would go on without a reader
      if (signal?.aborted === true)
        await fetch(at, {
          method: "DELETE",
          headers: requestHeaders(connection),
          redirect: "manual",
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
  const next = "check the address, and that the coordinator runs";
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const response = await fetch(at, {
      headers: requestHeaders(connection),
      redirect: "manual",
      ...(sql === undefined ? {} : { method: "POST", body: sql }),
      ...(signal === undefined ? {} : { signal }),
    }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw unreachable(url, "nobody answers", next, error);
    });
    const text = await response.text().catch((error: unknown) => {
      throw unreachable(url, "its answer broke off", next, error);
    });
    if (response.ok) {
      const page = parsePage(text);
      if (page === null) throw unreachable(url, "what answers there is no Trino", next);
      return page;
    }
    if (response.status === 401 || response.status === 403)
      throw new TidemarkError(
        "TRINO_DENIED",
        `trino ${url}: it does not let this user in: ${text.slice(0, 200)}; ` +
          "check the user and the password; Trino takes a password over https only",
      );
    if (response.status >= 300 && response.status < 400)
      throw unreachable(
        url,
        `it redirects to ${originOf(response.headers.get("location") ?? "", at)}`,
        "give that address, if it is the coordinator's",
      );
    // the protocol defines these as busy: the same request may be repeated
    if (![429, 502, 503, 504].includes(response.status) || attempt === BUSY_ATTEMPTS)
      throw unreachable(url, `HTTP ${response.status}: ${text.slice(0, 200)}`, next);
    await sleep(BUSY_RETRY_DELAY, undefined, { signal });
  }
}

function unreachable(url: string, why: string, next: string, cause?: unknown): TidemarkError {
  return new TidemarkError("TRINO_UNREACHABLE", `trino ${url}: ${why}; ${next}`, { cause });
}

/** Checks the address, and that the password may go there. */
function checkedUrl({ url, password, allowInsecure = false }: TrinoConnection): URL {
  const shown = withoutUserInfo(url);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw unreachable(shown, "this is no address", "write https://host:port");
  if (hasUserInfo(url))
    throw unreachable(shown, "the address holds a user or a password", "give them as options");
  if (password !== undefined && !allowInsecure)
    refuseInsecureAddress(`trino ${url}`, "the password", url);
  return new URL(url);
}

function originOf(address: string, base?: string): string {
  return URL.canParse(address, base) ? new URL(address, base).origin : "no address";
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
