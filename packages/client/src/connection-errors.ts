/** Explains why a call did not reach a server, or reached something else, with the next step. */
import { TidemarkError, type ErrorCode } from "@tidemark/core";

/** The ports that `fetch` refuses in every runtime, by the Fetch standard. */
const BLOCKED_PORTS: ReadonlySet<number> = new Set(
  (
    "0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 " +
    "109 110 111 113 115 117 119 123 135 137 139 143 161 179 389 427 465 512 513 514 " +
    "515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 " +
    "1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 " +
    "10080"
  )
    .split(" ")
    .map(Number),
);

/**
 * Refuses an address whose port `fetch` refuses.
 *
 * @throws PORT_BLOCKED when the port is on the list of the Fetch standard.
 */
export function refuseBlockedPort(base: string): void {
  const { port } = new URL(base);
  if (port !== "" && BLOCKED_PORTS.has(Number(port))) throw portBlocked(base);
}

function portBlocked(where: string, cause?: unknown): TidemarkError {
  return new TidemarkError(
    "PORT_BLOCKED",
    `${where}: fetch refuses this port in every browser and in Node, whatever runs there; ` +
      "start the server on another port, such as Tidemark's 6570, or put a proxy before it",
    { cause },
  );
}

/** What a system error means: the code, the sentence, and whether a retry may help. */
type Explained = readonly [ErrorCode, string, boolean];

const UNREACHABLE: Explained = [
  "SERVER_UNAVAILABLE",
  "no way leads to the machine; check the url, the network and its firewalls",
  true,
];
const BROKEN: Explained = [
  "SERVER_UNAVAILABLE",
  "the connection broke before the answer was complete; repeat the call, and read the log of " +
    "the server and of the proxies before it",
  true,
];
const CERTIFICATE: Explained = [
  "SERVER_TLS_FAILED",
  "the certificate is not trusted here; give Node its authority with NODE_EXTRA_CA_CERTS, or " +
    "install a certificate of a known authority",
  false,
];
const NOT_TLS: Explained = [
  "SERVER_TLS_FAILED",
  "one side speaks TLS and the other does not; check http:// and https:// in the url",
  false,
];

const EXPLAINED: Readonly<Record<string, Explained>> = {
  ECONNREFUSED: [
    "SERVER_UNAVAILABLE",
    "nothing listens there; start tidemark serve, and check the host and the port of the url",
    true,
  ],
  ENOTFOUND: [
    "SERVER_NAME_UNKNOWN",
    "no machine has this name; check the host of the url, and the DNS of this machine",
    false,
  ],
  EAI_AGAIN: [
    "SERVER_NAME_UNKNOWN",
    "the name could not be looked up now; check the DNS of this machine, and repeat the call",
    true,
  ],
  ETIMEDOUT: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  UND_ERR_CONNECT_TIMEOUT: UNREACHABLE,
  ECONNRESET: BROKEN,
  EPIPE: BROKEN,
  UND_ERR_SOCKET: BROKEN,
  DEPTH_ZERO_SELF_SIGNED_CERT: CERTIFICATE,
  SELF_SIGNED_CERT_IN_CHAIN: CERTIFICATE,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT: CERTIFICATE,
  CERT_HAS_EXPIRED: [
    "SERVER_TLS_FAILED",
    "the certificate of the server has expired; renew it, and check the clock of this machine",
    false,
  ],
  CERT_NOT_YET_VALID: [
    "SERVER_TLS_FAILED",
    "the certificate of the server is not valid yet; check the clock of this machine",
    false,
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "SERVER_TLS_FAILED",
    "the certificate is for another name; use a name of the certificate in the url",
    false,
  ],
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  EPROTO: NOT_TLS,
  HPE_INVALID_CONSTANT: NOT_TLS,
};

/** Explains a failed `fetch`. Node gives the reason as the cause of its error, a browser none. */
export function connectionError(where: string, error: unknown): TidemarkError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = reasonOf(cause);
  if (why === "bad port") return portBlocked(where, error);
  if (why === "unexpected redirect")
    return new TidemarkError(
      "ANSWER_INVALID",
      `${where}: the server redirects, and a token must not follow; give createClient the url ` +
        "that the redirect leads to",
      { cause: error },
    );
  const code = codeOf(cause);
  const explained =
    code === undefined || !Object.hasOwn(EXPLAINED, code) ? undefined : EXPLAINED[code];
  if (explained !== undefined) {
    const [errorCode, next, retryable] = explained;
    return new TidemarkError(errorCode, `${where}: ${next} (${why})`, { cause: error, retryable });
  }
  // a browser says "Failed to fetch", "Load failed" or "NetworkError …", and no reason to any page
  if (cause === error && error instanceof TypeError)
    return new TidemarkError(
      "FETCH_FAILED",
      `${where}: the browser sent no request, or hides the answer (${why}). Check in this order: ` +
        "the server runs; the page has the server's origin, or a proxy answers for both (the " +
        "server allows no other origins: CORS); a page of https calls an https url; no extension " +
        "blocks the call. The browser's console names the reason",
      { cause: error, retryable: true },
    );
  return new TidemarkError(
    "SERVER_UNAVAILABLE",
    `${where}: the server cannot be reached (${why}); check that it runs, and check the url`,
    { cause: error, retryable: true },
  );
}

function codeOf(cause: unknown): string | undefined {
  const { code, errors } = cause as { readonly code?: unknown; readonly errors?: unknown };
  if (typeof code === "string") return code;
  // a name with several addresses fails with one error for each
  return Array.isArray(errors) && errors.length > 0 ? codeOf(errors[0]) : undefined;
}

function reasonOf(cause: unknown): string {
  if (cause instanceof Error && cause.message !== "") return cause.message;
  return codeOf(cause) ?? String(cause);
}

/** What a status means when a proxy answers in the server's place. */
const OF_PROXIES: Readonly<Record<number, string>> = {
  401: "a proxy asks for a login; give it what it asks for, or call the server itself",
  403: "a proxy or firewall refuses the call; ask its operators",
  404: "the path of the url is not the server's; check the url",
  413: "a proxy takes no body of this size; request less at a time, or raise its limit",
  429: "a proxy limits the calls; repeat the call later",
  502: "a proxy did not reach the server; check that the server runs, and where the proxy looks",
  503: "a proxy has no server to ask; check that the server runs and is healthy",
  504: "the server took longer than a proxy waits; request less, or raise the proxy's timeout",
};

/** Makes the error of an answer that no Tidemark server wrote. */
export function foreignAnswer(
  where: string,
  { status, headers }: Pick<Response, "status" | "headers">,
  text: string,
  options: { readonly cause?: unknown; readonly retryable?: boolean } = {},
): TidemarkError {
  const type = headers.get("content-type")?.slice(0, 60) ?? "without a type";
  const start = text.replace(/\s+/g, " ").trim().slice(0, 60);
  const next =
    OF_PROXIES[status] ?? "check the url, and the proxies before the server, or log in to them";
  return new TidemarkError(
    "ANSWER_INVALID",
    `${where}: the answer has status ${status} and is not from a Tidemark server ` +
      `(${type}: ${JSON.stringify(start)}); ${next}`,
    options,
  );
}
