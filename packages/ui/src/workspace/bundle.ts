/** Bundles the console with Vite. Users install the bundle, and need neither Vite nor Preact. */
import { consoleFile, type ConsoleFiles } from "../files/console-file.ts";

/** Bundles the console in memory. `app` is the folder of its sources. */
export async function bundleConsole(app: string): Promise<ConsoleFiles> {
  const { build } = await import("vite");
  const built = (await build({
    configFile: false,
    logLevel: "warn",
    root: app,
    base: "./",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: { write: false, target: "es2023", modulePreload: { polyfill: false } },
  })) as { readonly output: readonly BuiltFile[] };
  return new Map(
    built.output.map((file) => {
      const body = file.type === "chunk" ? file.code : file.source;
      const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
      return [file.fileName, consoleFile(file.fileName, bytes)] as const;
    }),
  );
}

type BuiltFile =
  | { readonly type: "chunk"; readonly fileName: string; readonly code: string }
  | { readonly type: "asset"; readonly fileName: string; readonly source: string | Uint8Array };
