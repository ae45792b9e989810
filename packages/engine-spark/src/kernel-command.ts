/** Finds the program of the kernel. */
import { fileURLToPath } from "node:url";

/** A program and its arguments. */
export interface KernelCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/**
 * Returns the file of the kernel of this package. Built, it is one file without imports.
 *
 * @example
 * const file = kernelFile(); // node_modules/@tidemark/engine-spark/dist/kernel.js
 */
export function kernelFile(): string {
  const isSource = import.meta.url.endsWith(".ts");
  return fileURLToPath(new URL(isSource ? "./kernel.ts" : "./kernel.js", import.meta.url));
}

/** The flags of Node that the kernel needs: none, unless it is run from its source. */
export function kernelFlags(): readonly string[] {
  return kernelFile().endsWith(".ts") ? ["--conditions=@tidemark/source"] : [];
}

/** This Node with the kernel of this package. */
export function kernelCommand(): KernelCommand {
  return { program: process.execPath, args: [...kernelFlags(), kernelFile()] };
}
