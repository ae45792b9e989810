/** The package as this repository sees it: the console is bundled when it is asked for. */
import { join } from "node:path";
import type { ConsoleFiles } from "../files/console-file.ts";
import { bundleConsole } from "./bundle.ts";

export type { ConsoleFile, ConsoleFiles } from "../files/console-file.ts";

let bundled: Promise<ConsoleFiles> | null = null;

/**
 * Bundles the console from its sources, once in a process.
 *
 * @example
 * const server = await featureServer({ store, definitions, consoleFiles });
 */
export async function consoleFiles(): Promise<ConsoleFiles> {
  return (bundled ??= bundleConsole(join(import.meta.dirname, "..", "..", "app")));
}
