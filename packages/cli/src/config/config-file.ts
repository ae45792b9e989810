/** Finds and loads the configuration file. */
import { resolve } from "node:path";
import { TidemarkError, collectDefinitions } from "@tidemark/core";
import { loadModule } from "../modules/load-module.ts";
import { configOf, type ConfigInput } from "./define-config.ts";

/** A configuration file that was read and checked. */
export interface LoadedConfig extends ConfigInput {
  /** The path as the user gave it, for messages. */
  readonly file: string;
  readonly path: string;
}

const DEFAULT_FILE = "tidemark.config.ts";

/**
 * Loads the configuration file: `tidemark.config.ts` of the working directory, or the given file.
 *
 * @throws CONFIG_NOT_FOUND when the file does not exist.
 * @throws CONFIG_NOT_LOADED when the file throws or is no module; the message names the line.
 * @throws CONFIG_INVALID when the file exports no valid configuration.
 * @throws DEFINITION_CONFLICT when the definitions contradict each other.
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
        (file === DEFAULT_FILE
          ? "go to the directory that has it, or name it with --config FILE"
          : "name the file that exports your defineConfig(…) with --config FILE"),
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
