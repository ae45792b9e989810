/** The options of a client and of its calls. */
import type { TimeLimit } from "@tidemark/core";

/** The options of `createClient`. */
export interface ClientOptions {
  /** The server's address, such as `https://features.bank.example`. */
  readonly url: string;
  /**
   * The bearer token. A function is called before every request. It goes over https, or to this
   * machine, only.
   */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Sends the token over plain HTTP to another machine, in a private network. Default: false. */
  readonly allowInsecure?: boolean | undefined;
  /**
   * The time limit of one call with all its attempts. Materialization has no limit. Default: "5s".
   */
  readonly timeout?: TimeLimit | undefined;
  /**
   * How often a call is repeated if the server is unavailable or busy. Reads and pushes are
   * repeated, and materialization is not. Default: 2.
   */
  readonly retries?: number | undefined;
  /** The fetch function. Default: the global `fetch`, which keeps connections alive. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** The options of one call. */
export interface CallOptions {
  /** Aborts the call. */
  readonly signal?: AbortSignal | undefined;
}
