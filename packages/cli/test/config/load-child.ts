/**
 * Loads each configuration that is named, as the command does, and prints what came of it: a JSON
 * text per line.
 */
import { isTidemarkError } from "@tidemark/core";
import { loadConfig } from "../../src/config/config-file.ts";

for (const path of process.argv.slice(2)) {
  const outcome = await loadConfig(path).then(
    ({ namespace, definitions }) => `${namespace}: ${Object.keys(definitions).join()}`,
    (error: unknown) =>
      isTidemarkError(error) ? `${error.code}: ${error.message}` : String(error),
  );
  console.log(JSON.stringify(outcome));
}
