/** Checks the address at which a server listens, and explains its errors. */
import { TidemarkError } from "@tidemark/core";
import { isLoopbackHost } from "@tidemark/core/internal";

/**
 * Refuses an address beyond this machine for a server without tokens.
 *
 * @throws SERVER_OPEN when other machines can reach the address.
 */
export function refuseOpenAddress(host: string): void {
  if (isLoopbackHost(host)) return;
  throw new TidemarkError(
    "SERVER_OPEN",
    `server: it has no tokens, so everyone who reaches ${host} could do everything; ` +
      "give it tokens, listen at 127.0.0.1, or allow this with anonymous: true",
  );
}

/**
 * Warns that tokens come over plain HTTP from other machines. The text is null if none can come so.
 */
export function insecureTokensText(host: string): string | null {
  return isLoopbackHost(host)
    ? null
    : `server: tokens come to ${host} over plain HTTP, where others can read them; give the ` +
        "server tls, or set allowInsecure: true if a proxy with TLS is before it";
}

/**
 * Explains a system error of an address, with the next step. An unknown error is returned
 * unchanged. `option` is the option of the command that gives the port.
 *
 * @example
 * process.on("uncaughtException", (error: NodeJS.ErrnoException) => {
 *   console.error(listenError(error, "127.0.0.1", 6570).message);
 * });
 */
export function listenError(
  cause: NodeJS.ErrnoException,
  host: string,
  port: number,
  option = "--port",
): Error {
  switch (cause.code) {
    case "EADDRINUSE":
      return new TidemarkError(
        "PORT_TAKEN",
        `server: another process listens on port ${port} of ${host}; ` +
          `choose another port with ${option} or in the configuration`,
        { cause },
      );
    case "EACCES":
      return new TidemarkError(
        "PORT_TAKEN",
        `server: this process may not listen on port ${port} of ${host}; ` +
          `choose a port from 1024 on with ${option} or in the configuration`,
        { cause },
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new TidemarkError(
        "SERVER_OPTIONS_INVALID",
        `server: this machine has no address ${host}; ` +
          "listen at an address of this machine, such as 127.0.0.1 or 0.0.0.0",
        { cause },
      );
    default:
      return cause;
  }
}
