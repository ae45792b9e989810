/** The file of the configuration. */
import { resolve } from "node:path";
import { TidemarkError, collectDefinitions } from "@tidemark/core";
import { loadModule } from "../modules/load-module.ts";
import { configOf, type ConfigInput } from "./define-config.ts";

/** A configuration file that was read and checked. */
export interface LoadedConfig extends ConfigInput {
  /** As it was given, for messages. */
  readonly file: string;
  readonly path: string;
}

const DEFAULT_FILE = "tidemark.config.ts";

/**
 * Loads `tidemark.config.ts` of the working directory, or the file given. Throws
 * `CONFIG_NOT_FOUND`, `CONFIG_NOT_LOADED` with the line at fault, `CONFIG_INVALID`, and
 * `DEFINITION_CONFLICT` where the definitions contradict each other.
 *
 * @example
 * const { store, close } = await openConfigured(await loadConfig("bank/tidemark.config.ts"));
 */
export async function loadConfig(file: string | undefined = DEFAULT_FILE): Promise<LoadedConfig> {
  const loaded = await loadModule(file);
  if (loaded.kind === "not found")
    throw new TidemarkError(
      "CONFIG_NOT_FOUND",
      `${file}: ${loaded.why}; ` +
        `${file === DEFAULT_FILE ? "go to the directory that has it, or name it with --config FILE" : "name the file that exports your defineConfig(…) with --config FILE"}`,
    );
  if (loaded.kind === "broken")
    throw new TidemarkError("CONFIG_NOT_LOADED", `${file}: it does not load: ${loaded.why}`, {
      cause: loaded.cause,
    });
  const config = configOf(loaded.exports["default"]);
  if (config === undefined)
    throw new TidemarkError(
      "CONFIG_INVALID",
      `${file}: its default export is no configuration; write export default defineConfig({ … })`,
    );
  const { entities, sources, views, services } = collectDefinitions(config.definitions);
  if (entities.size + sources.size + views.size + services.size === 0) {
    throw new TidemarkError(
      "CONFIG_INVALID",
      `${file}: definitions holds no definition; import * as definitions from the module that ` +
        "exports your entities, sources, views and services",
    );
  }
  return { ...config, file, path: resolve(file) };
}
