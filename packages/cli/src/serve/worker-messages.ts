/** What the processes of a cluster say to each other, beside what Node does. */

/** From a process that answers requests. */
export type FromWorker = { readonly tidemark: "listening"; readonly address: string } | { readonly tidemark: "failed"; readonly code: string; readonly message: string } | { readonly tidemark: "metrics"; readonly id: number };
/** From the first process. */
export type FromPrimary = { readonly tidemark: "drain" } | { readonly tidemark: "renew" } | { readonly tidemark: "metrics"; readonly id: number; readonly text: string };

export function isOurs<M extends FromWorker | FromPrimary>(message: unknown): message is M {
  return typeof message === "object" && message !== null && Object.hasOwn(message, "tidemark");
}
