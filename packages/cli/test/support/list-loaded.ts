/** Preloaded by `--import`: writes the modules that the process loaded to `TIDEMARK_LOADED`. */
import { writeFileSync } from "node:fs";
import { registerHooks } from "node:module";

const urls: string[] = [];
registerHooks({
  load(url, context, next) {
    urls.push(url);
    return next(url, context);
  },
});
process.on("exit", () => {
  writeFileSync(process.env["TIDEMARK_LOADED"]!, urls.join("\n"));
});
