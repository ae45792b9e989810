/** A module of the user's, loaded as it is: TypeScript runs without a build. */
import { readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { registerHooks, type ResolveHookSync } from "node:module";
import { basename, dirname, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export type ModuleExports = Readonly<Record<string, unknown>>;

export type LoadedModule =
  | { readonly kind: "loaded"; readonly exports: ModuleExports }
  | { readonly kind: "not found"; readonly why: string }
  /** `why` says what is wrong, and in which line of which file as far as Node says so. */
  | { readonly kind: "broken"; readonly why: string; readonly cause: unknown };

let hooked = false;

export async function loadModule(file: string): Promise<LoadedModule> {
  const path = resolve(file);
  const found = await stat(path).catch(() => null);
  if (found === null) return { kind: "not found", why: "there is no such file" };
  if (!found.isFile()) return { kind: "not found", why: "this is no file" };
  // for good: what the module imports later, when a store is opened, is found as its first imports
  // are
  if (!hooked) registerHooks({ resolve: resolveTidemark });
  hooked = true;
  try {
    return { kind: "loaded", exports: (await import(pathToFileURL(path).href)) as ModuleExports };
  } catch (cause) {
    return { kind: "broken", why: failureText(cause, path), cause };
  }
}

/**
 * A file that lies where no Tidemark is installed gets the command's own; one that has its own
 * keeps it.
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
 * The first line of the stack that is the user's: in the file itself, then beside or below it, then
 * anywhere but in a package.
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

/** Node names the file that imports what is not there, and not the line. */
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
