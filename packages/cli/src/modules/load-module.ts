/** Loads a module of the user. TypeScript needs no build. */
import { readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { registerHooks, type ResolveHookSync } from "node:module";
import { basename, dirname, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export type ModuleExports = Readonly<Record<string, unknown>>;

export type LoadedModule =
  | { readonly kind: "loaded"; readonly exports: ModuleExports }
  | { readonly kind: "not found"; readonly why: string }
  /** The module threw. `why` has the error, with file and line if Node knows them. */
  | { readonly kind: "broken"; readonly why: string; readonly cause: unknown };

let hooked = false;

export async function loadModule(file: string): Promise<LoadedModule> {
  const path = resolve(file);
  const found = await stat(path).catch(() => null);
  if (found === null) return { kind: "not found", why: "there is no such file" };
  if (!found.isFile()) return { kind: "not found", why: "this is no file" };
  // The hook stays, because the module may import more when a store opens.
  if (!hooked) registerHooks({ resolve: resolveTidemark });
  hooked = true;
  try {
    return { kind: "loaded", exports: (await import(pathToFileURL(path).href)) as ModuleExports };
  } catch (cause) {
    return { kind: "broken", why: failureText(cause, path), cause };
  }
}

/**
 * Resolves Tidemark's packages for a file outside of any project with the command's own copies. A
 * project with its own copies keeps them.
 */
const resolveTidemark: ResolveHookSync = (specifier, context, next) => {
  if (!specifier.startsWith("@tidemark/")) return next(specifier, context);
  try {
    return next(specifier, context);
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    return next(specifier, { ...context, parentURL: import.meta.url });
  }
};

function failureText(cause: unknown, path: string): string {
  if (!(cause instanceof Error)) return `it threw ${String(cause)}`;
  const code =
    "code" in cause && typeof cause.code === "string" && !cause.message.includes(cause.code)
      ? ` (${cause.code})`
      : "";
  const location = locationOfImport(cause.message) ?? locationInStack(cause.stack ?? "", path);
  const where =
    location === null
      ? ""
      : location.file === path
        ? `, in line ${location.line}`
        : `, in line ${location.line} of ${relative(".", location.file)}`;
  return `${cause.message}${code}${where}`;
}

interface SourceLocation {
  readonly file: string;
  readonly line: number;
}

/**
 * The first location in the stack that belongs to the user: in the file, else beside or below it,
 * else outside of packages.
 */
function locationInStack(stack: string, path: string): SourceLocation | null {
  const locations = [...stack.matchAll(/(file:\/\/[^\s()]+?|\/[^\s():]+):(\d+)/g)].map(
    ([, name, line]): SourceLocation => ({
      file: name!.startsWith("file:") ? fileURLToPath(name!) : name!,
      line: Number(line),
    }),
  );
  const own = locations.filter(({ file }) => !file.split(sep).includes("node_modules"));
  return (
    own.find(({ file }) => file === path) ??
    own.find(({ file }) => file.startsWith(dirname(path) + sep)) ??
    own[0] ??
    null
  );
}

/** The location of a failed import. Node names the file and not the line. */
function locationOfImport(message: string): SourceLocation | null {
  const [, missing, importer] =
    /^Cannot find (?:package|module) '([^']+)' imported from (\S+)/.exec(message) ?? [];
  if (missing === undefined || importer === undefined) return null;
  const file = importer.startsWith("file:") ? fileURLToPath(importer) : importer;
  try {
    const at = readFileSync(file, "utf8")
      .split("\n")
      .findIndex(
        (line) =>
          /\b(?:import|from)\b/.test(line) &&
          line.includes(missing.startsWith("/") ? basename(missing) : missing),
      );
    return at < 0 ? null : { file, line: at + 1 };
  } catch {
    return null;
  }
}
