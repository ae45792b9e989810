/** Reads the entity rows of a body. */
import { TidemarkError } from "@tidemark/core";
import {
  jsonlEntities,
  keysNeeded,
  parquetEntities,
  type EntityFile,
  type OptionText,
  type ReadParquet,
} from "@tidemark/core/internal";
import type { Limits } from "../options/limits.ts";
import { BODY } from "./body-errors.ts";
import type { TrainingSetRequest } from "./job-types.ts";
import type { RowsFormat } from "./receive-rows.ts";

const queryOption: OptionText = (name, value) => `${name}=${value ?? "…"}`;

/**
 * Opens the entity rows that a body has left in a file.
 *
 * @throws TOO_MANY_ROWS when there are more rows than `limits.trainingSetRows` allows.
 */
export async function entityRows(
  format: RowsFormat,
  path: string,
  { features, zone, timeUnit }: TrainingSetRequest,
  {
    signal,
    limits,
    readParquet,
  }: { readonly signal: AbortSignal; readonly limits: Limits; readonly readParquet: ReadParquet },
): Promise<EntityFile> {
  const reading = { keys: keysNeeded(features), zone, timeUnit, optionText: queryOption, signal };
  const file =
    format === "parquet"
      ? await parquetEntities(path, reading, readParquet)
      : await jsonlEntities(path, reading);
  if (file.rows !== null && file.rows > limits.trainingSetRows)
    throw new TidemarkError(
      "TOO_MANY_ROWS",
      `${BODY} has ${file.rows} rows, and limits.trainingSetRows of the server allows ` +
        `${limits.trainingSetRows}; send several requests`,
    );
  return file;
}
