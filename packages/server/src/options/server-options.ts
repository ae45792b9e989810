/** The options of a server: a store, the definitions it serves, authentication, and limits. */
import type { Store } from "@tidemark/core";
import type { Limits } from "./limits.ts";

/**
 * What a token allows.
 *
 * - read: features and their descriptions.
 * - push: rows of push sources.
 * - operate: materialization and metrics.
 */
export type Scope = "read" | "push" | "operate";

/**
 * A token and its scopes. The token is given itself, from a secret, or as its SHA-256, which may
 * lie in a readable file.
 */
export type ServerToken = {
  /** The name of the caller, for logs. */
  readonly name: string;
  readonly scopes: readonly Scope[];
} & (
  | { readonly token: string; readonly sha256?: undefined }
  | { readonly sha256: string; readonly token?: undefined }
);

/** Settings of `featureServer`. */
export interface ServerOptions {
  readonly store: Store;
  /** The module of definitions that the store was opened with, or an object of them. */
  readonly definitions: { readonly [exported: string]: unknown };
  /** The zone of the days that are materialized, an IANA name. Default: "UTC". */
  readonly zone?: string | undefined;
  /**
   * The accepted tokens. Without tokens every caller may do everything, and the server listens on
   * this machine only.
   */
  readonly tokens?: readonly ServerToken[] | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** The certificate and its key as PEM texts. */
  readonly tls?: TlsTexts | undefined;
  /** Where JSON lines about requests are written. Default: nowhere. */
  readonly log?: LogOptions | undefined;
  /**
   * Returns the counters of all processes of a cluster as Prometheus text. Default: the counters of
   * this process.
   */
  readonly clusterMetrics?: (() => Promise<string>) | undefined;
}

/** The texts of a certificate and its key, in PEM. */
export interface TlsTexts {
  readonly cert: string;
  readonly key: string;
}

/** What a server logs of its requests. */
export interface LogOptions {
  readonly write: (line: string) => void;
  readonly level?: "debug" | "info" | "warn" | "error" | undefined;
  /** Writes the entities of every request too. They are personal data. Default: false. */
  readonly entities?: boolean | undefined;
}
