/** Counts in a store as a run does: after a retryable error it reads the position again. */
import { setTimeout as sleep } from "node:timers/promises";
import { isRetryable } from "@tidemark/core";
import type { OnlineStore } from "@tidemark/core/spi";
import { countOn, offsetOf } from "./counters.ts";

/** Counts until the position is at `end`. */
export async function countUp(
  store: OnlineStore,
  cells: number,
  end: number,
  onStep: (offset: number) => void = () => undefined,
): Promise<void> {
  let offset: number | null = null;
  while (offset === null || offset < end) {
    try {
      offset ??= await offsetOf(store, "p");
      if (offset >= end) break;
      if ((await countOn(store, cells, "p", offset)) === "conflict")
        throw new Error(`a conflict after ${offset}, though there is one writer`);
      onStep(++offset);
    } catch (error) {
      if (!isRetryable(error)) throw error;
      offset = null;
      await sleep(20);
    }
  }
}
