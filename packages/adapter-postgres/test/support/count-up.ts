/** Counts in a store as a run does: after a retryable error it reads the position again. */
import { setTimeout as sleep } from "node:timers/promises";
import { isRetryable } from "@tidemark/core";
import type { OnlineStore } from "@tidemark/core/spi";
import { countOn, offsetOf } from "./counters.ts";

export interface CountedUp {
  /** The codes of the errors on the way. */
  readonly codes: Set<string>;
  /** The last step whose `write` returned. */
  readonly acknowledged: number;
}

/** Counts until the position is at `end`. */
export async function countUp(
  store: OnlineStore,
  cells: number,
  end: number,
  onStep: (offset: number) => void = () => undefined,
): Promise<CountedUp> {
  const codes = new Set<string>();
  let [offset, acknowledged]: [number | null, number] = [null, -1];
  while (offset === null || offset < end) {
    try {
      offset ??= await offsetOf(store, "p");
      if (offset >= end) break;
      if ((await countOn(store, cells, "p", offset)) === "conflict")
        throw new Error(`a conflict after ${offset}, though there is one writer`);
      acknowledged = ++offset;
      onStep(offset);
    } catch (error) {
      if (!isRetryable(error)) throw error;
      codes.add((error as { readonly code: string }).code);
      offset = null;
      await sleep(20);
    }
  }
  return { codes, acknowledged };
}
