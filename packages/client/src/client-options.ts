/** The server's address, and how it is called. */
import type { TimeLimit } from "@tidemark/core";

export interface ClientOptions {
  /** The server's address, such as `https://features.bank.example`. */
  readonly url: string;
  /** The bearer token. A function is called before every request. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /**
   * The time limit of one call with all its attempts. Materialization has no limit. Default: "5s".
   */
  readonly timeout?: TimeLimit | undefined;
  /**
   * How often a call is repeated if the server is unavailable or busy. Only reads and pushes are
   * repeated; a push has an id. Default: 2.
   */
  readonly retries?: number | undefined;
  /** The fetch function. Default: the global `fetch`, which keeps connections alive. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** Settings of one call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}
