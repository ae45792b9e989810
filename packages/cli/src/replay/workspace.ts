/** The directory of a replay's two stores. */
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TidemarkError } from "@tidemark/core";

export interface Workspace {
  /** The SQLite file of the online store. */
  readonly online: string;
  /** The directory of the history's Delta tables. */
  readonly lake: string;
  remove(): Promise<void>;
}

/**
 * Creates a temporary directory, or `keep`, which stays.
 * @throws KEEP_NOT_EMPTY when `keep` has files already.
 */
export async function createWorkspace(keep: string | undefined): Promise<Workspace> {
  const directory = keep ?? (await mkdtemp(join(tmpdir(), "tidemark-replay-")));
  if (keep !== undefined) {
    await mkdir(keep, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
      throw new TidemarkError(
        "KEEP_NOT_WRITABLE",
        `${keep}: the stores cannot be kept here: ${(cause as Error).message}; choose another ` +
          "--keep",
        { cause },
      );
    });
    const there = await readdir(keep);
    if (there.length > 0)
      throw new TidemarkError(
        "KEEP_NOT_EMPTY",
        `${keep}: there is ${there[0]} already; a replay begins with empty stores: choose a ` +
          "new directory for --keep",
      );
  }
  return {
    online: join(directory, "online.db"),
    lake: join(directory, "lake"),
    remove: async () => {
      if (keep === undefined) await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
