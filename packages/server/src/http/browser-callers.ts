/**
 * Keeps web pages away from a server without tokens. A browser on the server's machine sends what
 * any page asks it to, and a page can give its own host name the address of the server.
 */
import type { IncomingHttpHeaders } from "node:http";
import { TidemarkError } from "@tidemark/core";
import { isLoopbackHost } from "@tidemark/core/internal";

/** What is checked of a request. */
export interface CheckedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly method?: string | undefined;
}

/** Refuses requests that a page of another site may have sent. */
export interface BrowserCallers {
  /** The address that the server listens at, and whether every caller may come there. */
  listensAt(host: string, anonymous: boolean): void;
  /**
   * Checks the host name and the origin of a request.
   *
   * @throws HOST_NOT_ALLOWED when the header `Host` names another host.
   * @throws ORIGIN_NOT_ALLOWED when a page of another origin sent the request.
   */
  check(request: CheckedRequest): void;
}

const SAFE_METHODS: readonly string[] = ["GET", "HEAD", "OPTIONS"];

/** Makes the check. `allowedHosts` are further names of the server, and hosts of allowed pages. */
export function browserCallers(allowedHosts: readonly string[] = []): BrowserCallers {
  const allowed = new Set(allowedHosts.map((host) => nameOf(host.toLowerCase())));
  let [listening, everyHost] = ["127.0.0.1", false];
  const isOwn = (name: string): boolean =>
    isLoopbackHost(name) || name === listening || allowed.has(name);
  return {
    listensAt(host, anonymous) {
      listening = nameOf(host.toLowerCase());
      // beyond this machine the server's names are not known, unless they were given
      everyHost = anonymous && !isLoopbackHost(listening) && allowed.size === 0;
    },
    check({ headers, method }) {
      const host = headers.host?.toLowerCase();
      if (host !== undefined && !everyHost && !isOwn(nameOf(host)))
        throw new TidemarkError(
          "HOST_NOT_ALLOWED",
          `the request: the server has no tokens, and is not called ${quoted(nameOf(host))}; ` +
            "add the name to allowedHosts of the server, or give the server tokens",
        );
      if (SAFE_METHODS.includes(method ?? "GET")) return;
      const { origin } = headers;
      const site = headers["sec-fetch-site"];
      // a browser's own word is better than the host, which a proxy may have changed
      const own =
        site === undefined
          ? origin === undefined || hostOf(origin) === host
          : site === "same-origin" || site === "none";
      const fromPage = !own && !(origin !== undefined && allowed.has(nameOf(hostOf(origin))));
      if (fromPage)
        throw new TidemarkError(
          "ORIGIN_NOT_ALLOWED",
          `the request: the server has no tokens, and a web page of ${quoted(
            origin ?? "another " + "site",
          )} sent it; add the page's host to allowedHosts of the server, or give the ` +
            "server tokens",
        );
    },
  };
}

/** Returns the host and port of an origin. An origin such as `null` has none. */
function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : "";
}

/** Returns a host without its port. */
function nameOf(host: string): string {
  return host
    .replace(/^(\[[^\]]*\]|[^:]*):\d*$/, "$1")
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
