import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { library } from "../../tsup.shared.ts";
import { bundleConsole } from "./src/workspace/bundle.ts";

/** Writes the console beside the built code. */
async function writeConsole(): Promise<void> {
  for (const [path, { body }] of await bundleConsole(join(import.meta.dirname, "app"))) {
    const file = join(import.meta.dirname, "dist", "console", path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, body);
  }
}

export default { ...library(["src/index.ts"]), onSuccess: writeConsole };
