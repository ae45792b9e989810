/** A file that appears under its name when it is complete. */
import { link, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { TidemarkError } from "@tidemark/core";

export interface AtomicFile {
  /** The path to write to. */
  readonly temporary: string;
  /**
   * Gives the file its name.
   * @throws OUT_EXISTS when another file has taken the name meanwhile.
   */
  commit(): Promise<void>;
  /** Removes the unfinished file. After `commit` it does nothing. */
  abandon(): Promise<void>;
}

/**
 * Milliseconds without a write after which another process's temporary file counts as abandoned.
 */
const ABANDONED_AFTER = 10 * 60_000;

/**
 * Opens the file before anything is computed. Removes temporary files that killed processes left
 * beside it.
 * @throws OUT_EXISTS when the file exists and `force` is not set.
 * @throws OUT_NOT_WRITABLE when the file cannot be written.
 * @throws OUT_IS_INPUT when the file is the input.
 */
export async function atomicFile(
  out: string,
  {
    force,
    input,
    writer = String(process.pid),
  }: {
    readonly force: boolean;
    readonly input: string;
    /** A name that no other writer of the file has at the time. Default: the process id. */
    readonly writer?: string | undefined;
  },
): Promise<AtomicFile> {
  const refused = (what: string, cause?: unknown): TidemarkError =>
    new TidemarkError("OUT_NOT_WRITABLE", `${out}: it cannot be written: ${what}`, { cause });
  const exists = (): TidemarkError =>
    new TidemarkError(
      "OUT_EXISTS",
      `${out}: the file exists; add --force to replace it, or choose another --out`,
    );
  const directory = dirname(out);
  if ((await stat(directory).catch(() => null))?.isDirectory() !== true)
    throw refused(`there is no directory ${directory}; make it first, or choose another --out`);
  const existing = await stat(out).catch(() => null);
  if (existing?.isDirectory() === true) throw refused("this is a directory; give --out a file");
  const source = await stat(input).catch(() => null);
  if (
    existing !== null &&
    source !== null &&
    existing.ino === source.ino &&
    existing.dev === source.dev
  )
    throw new TidemarkError(
      "OUT_IS_INPUT",
      `${out}: this is the file of the entity rows, which would be lost; choose another --out`,
    );
  if (existing !== null && !force) throw exists();
  const name = `.${basename(out)}.tidemark-`;
  await removeAbandoned(directory, name);
  const temporary = join(directory, `${name}${writer}`);
  const attempt = async (step: Promise<unknown>): Promise<void> => {
    await step.catch((cause: unknown) => {
      throw refused((cause as Error).message, cause);
    });
  };
  // a new file is its owner's alone; a replaced file keeps the rights that somebody gave it
  const mode = existing === null ? 0o600 : existing.mode & 0o777;
  await attempt(
    open(temporary, "w", 0o600).then((file) => file.chmod(mode).finally(() => file.close())),
  );
  let committed = false;
  return {
    temporary,
    async commit() {
      const file = await open(temporary, "r+");
      await file.sync().finally(() => file.close());
      if (force) await attempt(rename(temporary, out));
      else {
        await link(temporary, out).catch((cause: unknown) => {
          throw (cause as NodeJS.ErrnoException).code === "EEXIST"
            ? exists()
            : refused((cause as Error).message, cause);
        });
        await rm(temporary);
      }
      committed = true;
    },
    async abandon() {
      if (!committed) await removeAbandoned(directory, `${name}${writer}`, 0);
    },
  };
}

async function removeAbandoned(
  directory: string,
  name: string,
  age = ABANDONED_AFTER,
): Promise<void> {
  for (const file of await readdir(directory).catch(() => [])) {
    if (!file.startsWith(name)) continue;
    const path = join(directory, file);
    const info = await stat(path).catch(() => null);
    if (info !== null && Date.now() - info.mtimeMs >= age)
      await rm(path, { force: true }).catch(() => undefined);
  }
}
