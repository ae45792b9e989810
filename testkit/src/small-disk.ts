/** Mounts small file systems in memory, which a test can fill or make read-only. */
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import type { Need } from "./suite-needing.ts";

/** Mounts a file system of this size over an empty folder, while `use` runs. */
export async function onSmallDisk<T>(
  folder: string,
  size: string,
  use: () => Promise<T>,
): Promise<T> {
  system("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder);
  try {
    return await use();
  } finally {
    system("umount", folder);
  }
}

/** Mounts the file system of a folder again, with options such as `size=64m` or `ro`. */
export function remount(folder: string, options: string): void {
  system("mount", "-o", `remount,${options}`, folder);
}

/** Needs the right to mount a file system. */
export function smallDisks(): Need {
  return {
    missing: canMount() ? null : "no right to mount a small disk; run the tests as root on Linux",
  };
}

function canMount(): boolean {
  if (process.platform !== "linux" || process.geteuid!() !== 0) return false;
  try {
    system("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", tmpdir());
    return true;
  } catch {
    return false;
  }
}

function system(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: "ignore" });
}
