/** Reads the built console, which lies beside the built code of this package. */
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { consoleFile, type ConsoleFiles } from "./console-file.ts";

/**
 * Reads the files of the console. A server calls it when a browser first asks.
 *
 * @example
 * const server = await featureServer({ store, definitions, consoleFiles });
 */
export async function consoleFiles(): Promise<ConsoleFiles> {
  const folder = fileURLToPath(new URL("./console/", import.meta.url));
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
  return new Map(
    await Promise.all(
      paths.map(async (path) => {
        const name = path.split(sep).join("/");
        return [name, consoleFile(name, await readFile(join(folder, path)))] as const;
      }),
    ),
  );
}
