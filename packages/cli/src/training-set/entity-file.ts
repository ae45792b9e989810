/** Reads a file of entity rows in batches: Parquet, CSV or JSON lines. */
import { stat } from "node:fs/promises";
import { usage } from "../terminal/options.ts";
import { csvEntities } from "./csv-entities.ts";
import type { EntityFile, EntityFileOptions } from "./entity-file-types.ts";
import { jsonlEntities } from "./jsonl-entities.ts";
import { parquetEntities } from "./parquet-entities.ts";

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
    return parquetEntities(file, options);
  const kind = /\.(?:(parquet)|(csv|jsonl)(?:\.gz)?)$/i.exec(file);
  if (kind === null)
    throw usage(
      `--entities ${file}: give a file that ends in .parquet, .csv, .jsonl, .csv.gz or ` +
        ".jsonl.gz, or a folder of Parquet files",
    );
  if (kind[1] !== undefined) return parquetEntities(file, options);
  return kind[2]!.toLowerCase() === "csv"
    ? csvEntities(file, options)
    : jsonlEntities(file, options);
}
