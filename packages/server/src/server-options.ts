/**
 * What a server is made of: a store, the definitions it serves, who may ask for what, and how much.
 */
import type { Store } from "@tidemark/core";
import type { Limits } from "./limits.ts";

/**
 * read: features and their descriptions · push: rows of pushed sources · operate: materialize,
 * metrics.
 */
export type Scope = "read" | "push" | "operate";

/**
 * Who may do what: the token itself, from a secret, or its SHA-256, which may lie in a file that
 * others read.
 */
export type ServerToken = {
  /** Who it is, for logs. */
  readonly name: string;
  readonly scopes: readonly Scope[];
} & (
  | { readonly token: string; readonly sha256?: undefined }
  | { readonly sha256: string; readonly token?: undefined }
);

export interface ServerOptions {
  readonly store: Store;
  /** The module of definitions that the store was opened with, or an object of them. */
  readonly definitions: { readonly [exported: string]: unknown };
  /** Whose days are materialized, an IANA name; "UTC" without it. */
  readonly zone?: string | undefined;
  /** Without tokens everybody may do everything: then listen on this machine only. */
  readonly tokens?: readonly ServerToken[] | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** PEM texts. */
  readonly tls?: TlsTexts | undefined;
  /** Where JSON lines about requests go; nowhere without it. */
  readonly log?: LogOptions | undefined;
  /**
   * The counters of all processes of a cluster as Prometheus text; those of this process without
   * it.
   */
  readonly clusterMetrics?: (() => Promise<string>) | undefined;
}

export interface TlsTexts {
  readonly cert: string;
  readonly key: string;
}

export interface LogOptions {
  readonly write: (line: string) => void;
  readonly level?: "debug" | "info" | "warn" | "error" | undefined;
  /** Entities of every request are written too. They are personal data: off without it. */
  readonly entities?: boolean | undefined;
}
