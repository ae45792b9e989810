/** Keeps credentials off connections that other machines can read. */
import { TidemarkError } from "./errors.ts";

/** Returns whether a host name or an address is that of this machine, such as `localhost`. */
export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "::1" ||
    /^(::ffff:)?127(\.\d{1,3}){3}$/.test(name)
  );
}

/** Returns whether everything between this machine and the address can read what is sent. */
export function isInsecureAddress(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol !== "https:" && !isLoopbackHost(hostname);
}

/** Returns the address without a user name and a password, for messages. */
export function withoutUserInfo(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#\s]*@/i, "$1");
}

/** Returns whether an address holds a user name or a password, which errors would print. */
export function hasUserInfo(url: string): boolean {
  return withoutUserInfo(url) !== url;
}

/**
 * Refuses to send credentials over plain HTTP to another machine. `who` names the caller, and
 * `what` names the credentials.
 *
 * @throws CREDENTIALS_UNENCRYPTED when the address is of another machine and not https.
 */
export function refuseInsecureAddress(who: string, what: string, url: string): void {
  if (!isInsecureAddress(url)) return;
  throw new TidemarkError(
    "CREDENTIALS_UNENCRYPTED",
    `${who}: ${what} would go to ${withoutUserInfo(url)} over plain HTTP, where others can read ` +
      "it; give an https address, or set allowInsecure: true if the network is private",
  );
}
