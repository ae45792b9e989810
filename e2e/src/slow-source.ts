import type { ChangeSource } from "@tidemark/core/spi";
import { setTimeout as sleep } from "node:timers/promises";

/** As if the stores took their time: so many ms before each batch. */
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
