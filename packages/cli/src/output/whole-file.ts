/** Writes a small file whole: a reader sees the old content or the new. */
import { rename, rm, writeFile } from "node:fs/promises";
import { TidemarkError } from "@tidemark/core";

/**
 * Writes the text. A file that is there is replaced.
 *
 * @throws OUT_NOT_WRITABLE when the file cannot be written.
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text);
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new TidemarkError(
      "OUT_NOT_WRITABLE",
      `${file}: cannot be written (${(cause as Error).message}); name a file in a folder that ` +
        "exists and may be written",
      { cause },
    );
  }
}
