/** The file of answers. It appears when it is complete. */
import { open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { TidemarkError } from "@tidemark/core";

const BUFFER_CHARACTERS = 1 << 20;

export interface AnswersFile {
  write(line: string): Promise<void>;
  /** Gives the file its name. */
  finish(): Promise<void>;
  /** Removes the unfinished file. After `finish` it does nothing. */
  abandon(): Promise<void>;
}

/**
 * Opens the file before anything is computed.
 * @throws OUT_NOT_WRITABLE when the file cannot be written.
 */
export async function answersFile(path: string): Promise<AnswersFile> {
  const refused = (what: string, cause?: unknown): TidemarkError =>
    new TidemarkError("OUT_NOT_WRITABLE", `${path}: the answers cannot be written: ${what}`, {
      cause,
    });
  const directory = dirname(path);
  if ((await stat(directory).catch(() => null))?.isDirectory() !== true)
    throw refused(`there is no directory ${directory}; make it first, or choose another --out`);
  const existing = await stat(path).catch(() => null);
  if (existing?.isDirectory() === true) throw refused("this is a directory; give --out a file");
  const temporary = join(directory, `.${basename(path)}.${process.pid}.tmp`);
  let buffered: string[] = [];
  let size = 0;
  const opened = await open(temporary, "w", 0o600).catch((cause: unknown) => {
    throw refused((cause as Error).message, cause);
  });
  // a replaced file keeps the rights that somebody gave it
  if (existing !== null) await opened.chmod(existing.mode & 0o777).catch(() => undefined);
  let file: FileHandle | null = opened;
  const attempt = async (step: () => Promise<unknown>): Promise<void> => {
    await step().catch((cause: unknown) => {
      throw refused((cause as Error).message, cause);
    });
  };
  const flush = async (): Promise<void> => {
    await attempt(() => file!.writeFile(buffered.join("")));
    buffered = [];
    size = 0;
  };

  return {
    async write(line) {
      buffered.push(line, "\n");
      size += line.length + 1;
      if (size >= BUFFER_CHARACTERS) await flush();
    },
    async finish() {
      await flush();
      await attempt(() => file!.sync());
      await file!.close();
      file = null;
      await attempt(() => rename(temporary, path));
    },
    async abandon() {
      if (file === null) return;
      await file.close();
      file = null;
      await rm(temporary, { force: true });
    },
  };
}
