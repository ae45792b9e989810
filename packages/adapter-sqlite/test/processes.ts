/** Starts child processes for the tests, and reads the state they leave. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { OnlineStore } from "@tidemark/core/spi";

export interface Child {
  readonly process: ChildProcess;
  /** Lines of stdout so far. */
  readonly lines: string[];
  /** Called with every line. */
  onLine: ((line: string) => void) | null;
  /** The signal or the exit code, and stderr. */
  readonly ended: Promise<{ readonly how: string; readonly errors: string }>;
}

export function start(script: "writer" | "reader", args: readonly (string | number)[]): Child {
  const file = fileURLToPath(new URL(`children/${script}.ts`, import.meta.url));
  const process_ = spawn(
    process.execPath,
    ["--conditions=@tidemark/source", file, ...args.map(String)],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let [rest, errors] = ["", ""];
  const child: { -readonly [K in keyof Child]: Child[K] } = {
    process: process_,
    lines: [],
    onLine: null,
    ended: new Promise((resolve) => {
      process_.on("close", (code, signal) => {
        resolve({ how: signal ?? String(code), errors });
      });
    }),
  };
  process_.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  process_.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      child.lines.push(line);
      child.onLine?.(line);
    }
  });
  return child;
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
