/** Reads a file of entity rows in batches: Parquet, CSV or JSON lines. */
import { stat } from "node:fs/promises";
import {
  jsonlEntities,
  parquetEntities,
  type EntityFile,
  type EntityFileOptions,
  type ReadParquet,
} from "@tidemark/core/internal";
import { loadDelta } from "../modules/optional-packages.ts";
import { usage } from "../terminal/options.ts";
import { csvEntities } from "./csv-entities.ts";

const readParquet: ReadParquet = async (file, options) =>
  (await loadDelta(`the Parquet file ${file}`)).readParquet(file, options);

/**
 * Opens the file and reads its columns. Errors name file and line.
 * @throws ENTITIES_NOT_FOUND when the file does not exist.
 * @throws ENTITIES_INVALID when the file has no such format.
 * @throws KEY_INVALID when a key is missing or has another type.
 * @throws TIME_INVALID when event_timestamp is missing or cannot be read.
 */
export async function entityFile(file: string, options: EntityFileOptions): Promise<EntityFile> {
  // Spark writes a folder of Parquet files under the name of one.
  if ((await stat(file).catch(() => null))?.isDirectory() === true)
    return parquetEntities(file, options, readParquet);
  const kind = /\.(?:(parquet)|(csv|jsonl)(?:\.gz)?)$/i.exec(file);
  if (kind === null)
    throw usage(
      `--entities ${file}: give a file that ends in .parquet, .csv, .jsonl, .csv.gz or ` +
        ".jsonl.gz, or a folder of Parquet files",
    );
  if (kind[1] !== undefined) return parquetEntities(file, options, readParquet);
  return kind[2]!.toLowerCase() === "csv"
    ? csvEntities(file, options)
    : jsonlEntities(file, options);
}
