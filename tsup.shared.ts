import { defineConfig } from "tsup";

/** One build for every library: ESM only, declarations bundled, for the oldest Node we support. */
export function library(entry: string[]): ReturnType<typeof defineConfig> {
  return defineConfig({
    entry,
    format: ["esm"],
    dts: true,
    clean: true,
    target: "node22",
    splitting: true,
    sourcemap: true,
    // Deno and edge runtimes know Node's modules by `node:` only.
    removeNodeProtocol: false,
    // The packages hold their sources, so the maps name them and do not repeat them.
    esbuildOptions: (options) => {
      options.sourcesContent = false;
    },
  });
}
