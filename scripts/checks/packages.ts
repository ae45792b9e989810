import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./step.ts";

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly homepage?: string;
  readonly bugs?: Readonly<Record<string, string>>;
  readonly license?: string;
  readonly repository?: Readonly<Record<string, string>>;
  readonly engines?: Readonly<Record<string, string>>;
  readonly publishConfig?: Readonly<Record<string, string | boolean>>;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
}

export interface Package {
  readonly directory: string;
  readonly manifest: Manifest;
}

/** Returns the packages that users install. */
export function publishedPackages(): Package[] {
  const home = join(root, "packages");
  return readdirSync(home)
    .toSorted()
    .map((name) => {
      const directory = join(home, name);
      return {
        directory,
        manifest: JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Manifest,
      };
    })
    .filter(({ manifest }) => manifest.private !== true);
}

/**
 * Returns the entry points of a package that a user may import: `@tidemark/core`,
 * `@tidemark/core/spi`, …
 */
export function entryPoints({ name, exports = {} }: Manifest): string[] {
  return Object.keys(exports)
    .filter((path) => path !== "./package.json")
    .map((path) => name + path.slice(1));
}
