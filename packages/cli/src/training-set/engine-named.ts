/** Finds an engine of the configuration. */
import { TidemarkError } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";
import type { SparkEngine } from "@tidemark/engine-spark";
import type { LoadedConfig } from "../config/config-file.ts";

/**
 * The engine of the configuration that has this name.
 *
 * @throws CONFIG_INVALID when there is none.
 */
export function engineNamed({ engines = {}, file }: LoadedConfig, name: string): SparkEngine {
  const names = Object.keys(engines);
  const engine = Object.hasOwn(engines, name) ? engines[name] : undefined;
  if (engine !== undefined) return engine as unknown as SparkEngine;
  throw new TidemarkError(
    "CONFIG_INVALID",
    `${file}: no engine is called "${name}"${didYouMean(name, names)}; add engines: ` +
      `{ ${name}: sparkEngine({ … }) }`,
  );
}
