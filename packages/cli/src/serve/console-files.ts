/** Reads the files of the console when a browser first asks for them. */
import type { ConsoleFiles } from "@tidemark/server";

export async function readConsole(): Promise<ConsoleFiles> {
  return (await import("@tidemark/ui")).consoleFiles();
}
