/** Starts the programs of `children/`, and reads the state they leave. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OnlineStore } from "@tidemark/core/spi";
import { type Child, startNode } from "@tidemark/testkit/child-process";

export function start(script: "writer" | "reader", args: readonly (string | number)[]): Child {
  return startNode(join(import.meta.dirname, `children/${script}.ts`), args);
}

export async function inDirectory<T>(run: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "tidemark-sqlite-"));
  try {
    return await run(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Reads the counters that `writer.ts` counts in. */
export async function counters(store: OnlineStore, cells: number): Promise<number[]> {
  const keys = Array.from({ length: cells }, (_, i) => new TextEncoder().encode(`counter ${i}`));
  return (await store.read(keys)).map((cell) =>
    cell === null ? 0 : Number(new TextDecoder().decode(cell.value.subarray(0, 12))),
  );
}
