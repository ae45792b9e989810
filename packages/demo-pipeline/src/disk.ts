import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Sums the sizes of the files below a directory whose names begin with `prefix`. */
export async function bytesBelow(directory: string, prefix = ""): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && entry.name.startsWith(prefix))
      sum += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return sum;
}
