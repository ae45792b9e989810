/** Names the commit of a project's definitions. */
import { execFile } from "node:child_process";

/** Milliseconds after which git is not waited for. */
const GIT_TIMEOUT = 5_000;

/**
 * Returns the commit of the directory, followed by `-dirty` if tracked files differ from it.
 * undefined: the directory is in no git repository, or there is no git.
 */
export async function commitOf(directory: string): Promise<string | undefined> {
  const args = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"];
  return new Promise((resolve) => {
    execFile("git", args, { cwd: directory, timeout: GIT_TIMEOUT }, (error, stdout) => {
      const commit = stdout.trim();
      resolve(error === null && /^[0-9a-f]{40,64}(-dirty)?$/.test(commit) ? commit : undefined);
    });
  });
}
