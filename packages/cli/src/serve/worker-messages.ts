/** The messages between the primary process of a cluster and its workers. */
import type { ProcessCounters } from "@tidemark/server";

/** A message of a worker. */
export type WorkerMessage =
  | { readonly tidemark: "listening"; readonly address: string }
  | { readonly tidemark: "failed"; readonly code: string; readonly message: string }
  | { readonly tidemark: "metrics"; readonly id: number }
  | { readonly tidemark: "counters"; readonly id: number; readonly counters: ProcessCounters };
/** A message of the primary process. */
export type PrimaryMessage =
  | { readonly tidemark: "drain" }
  | { readonly tidemark: "renew" }
  | { readonly tidemark: "counters"; readonly id: number }
  | { readonly tidemark: "metrics"; readonly id: number; readonly text: string };

export function isClusterMessage<M extends WorkerMessage | PrimaryMessage>(
  message: unknown,
): message is M {
  return typeof message === "object" && message !== null && Object.hasOwn(message, "tidemark");
}
