/** Where the server is, and how it is asked. */
export interface ClientOptions {
  /** Such as `https://features.bank.example`. */
  readonly url: string;
  /** Sent as a bearer token; a function is asked before every request. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /**
   * Of one call with all its attempts, in ms; 5,000 without it. Materializing is not bounded by it.
   */
  readonly timeout?: number | undefined;
  /**
   * How often a call that changes nothing (a read, or a push, which has an id) is made again where
   * the server was away or busy; 2 without it.
   */
  readonly retries?: number | undefined;
  /** The global one without it, which keeps connections alive. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}
