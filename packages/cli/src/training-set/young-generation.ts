/** The heap of a command that computes a training set. */
import { setFlagsFromString } from "node:v8";
import { threadsWithin } from "@tidemark/core/internal";

/**
 * Keeps the young generation of the heap as small as it is when a process starts, if the limit
 * (bytes) leaves no room for threads. A larger one would take up to 96 MiB. It saves time where
 * there is room.
 */
export function fitYoungGeneration(memoryLimit: number | undefined): void {
  if (threadsWithin(memoryLimit) === 0) setFlagsFromString("--semi-space-growth-factor=1");
}
