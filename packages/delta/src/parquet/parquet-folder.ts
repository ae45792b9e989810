/** Finds the Parquet files behind a path: one file, or the files of a folder that Spark wrote. */
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { TidemarkError } from "@tidemark/core/internal/columns";
import { objectError } from "../local-objects.ts";

/**
 * Returns the path itself for a file, and the `.parquet` files of a folder by name.
 *
 * @throws OBJECTS_FAILED when there is no such file or folder, or the folder is no data set.
 */
export async function parquetParts(path: string, shown: string): Promise<readonly string[]> {
  const refuse = (what: string): TidemarkError =>
    new TidemarkError("OBJECTS_FAILED", `${shown}: ${what}`);
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const entries = await readdir(path, { withFileTypes: true });
    if (entries.some(({ name }) => name === "_delta_log"))
      throw refuse(
        `it is a Delta table; scan table ${JSON.stringify(basename(path))} of ` +
          "deltaOfflineStore(localObjects(…)) on the folder above, or write its rows as one " +
          "Parquet file",
      );
    const data = entries.filter(({ name }) => !/^[._]/.test(name));
    const folder = data.find((entry) => entry.isDirectory());
    if (folder !== undefined)
      throw refuse(
        `it has the folder ${folder.name}` +
          (folder.name.includes("=") ? ", whose column is in no file" : "") +
          "; write the rows without partition folders, as one file or one folder of files",
      );
    const names = data.map(({ name }) => name).filter((name) => name.endsWith(".parquet"));
    const other = data.find(({ name }) => !name.endsWith(".parquet"));
    if (other !== undefined)
      throw refuse(
        `${other.name} in it is no .parquet file; give a folder that holds nothing else`,
      );
    if (names.length === 0)
      throw refuse("it holds no .parquet file; give the folder with the rows");
    return names
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((name) => join(path, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new TidemarkError("OBJECTS_FAILED", `there is no file ${shown}; check its name`);
    throw objectError("Parquet file", shown, error);
  }
}
