/** Begins a snapshot generation in the online store. */
import type { OnlineStore } from "../spi.ts";
import { beginGenerationStep, generationStateOf } from "../rows/snapshot-generations.ts";

/**
 * Begins the generation, unless the store has it. Another process may begin it at the same time.
 */
export async function beginOnlineGeneration(
  online: OnlineStore,
  source: string,
  generation: number,
): Promise<void> {
  for (;;) {
    const metadata = await online.metadata(source);
    if (generationStateOf(metadata).generation >= generation) return;
    const step = beginGenerationStep(metadata, generation);
    if ((await online.write({ source, cells: [], positions: [], metadata: [step] })) === "done")
      return;
  }
}
