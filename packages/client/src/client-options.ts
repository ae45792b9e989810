/** Where the server is, and how it is asked. */
export interface ClientOptions {
  /** Such as `https://features.bank.example`. */
  readonly url: string;
  /** Sent as a bearer token. */
  readonly token?: string | undefined;
  /** Of one request, in ms; 5,000 without it. */
  readonly timeout?: number | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
}
