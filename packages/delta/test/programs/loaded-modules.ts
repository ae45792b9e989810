/** Imports a module of this package and prints the files of core that were loaded with it. */
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const loaded: string[] = [];
registerHooks({
  load(url, context, nextLoad) {
    loaded.push(url);
    return nextLoad(url, context);
  },
});
await import(pathToFileURL(join(import.meta.dirname, "../../src", process.argv[2]!)).href);
for (const url of loaded) {
  const inCore = url.split("/packages/core/src/")[1];
  if (inCore !== undefined) console.log(inCore);
}
