/** What a server is made of: a store, the definitions it serves, and who may ask for what. */
import type { Store } from "@tidemark/core";

/** read: features and their descriptions · push: rows of pushed sources · operate: materialize, metrics. */
export type Scope = "read" | "push" | "operate";

export interface ServerOptions {
  readonly store: Store;
  /** The module of definitions that the store was opened with, or an object of them. */
  readonly definitions: { readonly [exported: string]: unknown };
  /** By token, what it may do. Without tokens everybody may do everything: then listen on this machine only. */
  readonly tokens?: ReadonlyMap<string, readonly Scope[]> | undefined;
}
