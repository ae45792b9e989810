import type { ChangeSource } from "@tidemark/core/spi";
import { setTimeout as sleep } from "node:timers/promises";

/** Delays each batch by some ms, as slow stores would. */
export function slowSource(
  source: ChangeSource,
  pause: number,
  onTaken: (count: number) => void = () => undefined,
): ChangeSource {
  return {
    name: source.name,
    shared: source.shared,
    async *changes(options) {
      for await (const batch of source.changes(options)) {
        await sleep(pause);
        yield batch;
        onTaken(batch.changes.length);
      }
    },
  };
}
