/** The heap of a command that computes a training set. */
import { setFlagsFromString } from "node:v8";

/**
 * Keeps the young generation of the heap as small as it is when a process starts. Rows lie in
 * arrays outside the heap, so a larger one would take up to 96 MiB and save no time.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
