/** Bundles a module for browsers with Vite, as a user's project does. */
import { gzipSync } from "node:zlib";

/** A bundle, and its size. */
export interface BrowserBundle {
  readonly code: string;
  /** Minified and compressed by gzip. */
  readonly kilobytes: number;
  /** What Vite warned of, such as a module of Node that browsers lack. */
  readonly warnings: readonly string[];
}

/** Bundles an entry. `conditions` choose among the files that a package exports. */
export async function browserBundle(
  entry: string,
  conditions: readonly string[] = [],
): Promise<BrowserBundle> {
  // Vite takes long to load, and every check would wait for it
  const { build, createLogger } = await import("vite");
  const warnings: string[] = [];
  const warn = (message: string): void => {
    warnings.push(message);
  };
  const [built] = (await build({
    configFile: false,
    customLogger: { ...createLogger("warn"), info: () => undefined, warn, warnOnce: warn },
    resolve: { conditions: [...conditions, "browser", "module", "import", "default"] },
    build: { write: false, target: "es2023", minify: true, lib: { entry, formats: ["es"] } },
  })) as readonly { readonly output: readonly { readonly code?: string }[] }[];
  const code = built!.output.map((file) => file.code ?? "").join("\n");
  return { code, kilobytes: gzipSync(code).length / 1000, warnings };
}
