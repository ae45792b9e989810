/** Reads entity rows from a CSV file. */
import { TidemarkError } from "@tidemark/core";
import type { ColumnSpec, Value } from "@tidemark/core/spi";
import { csvHeader, csvRecords, fieldsOf, looksLikeValue, NAME_COLUMNS } from "../input/csv.ts";
import {
  checkEntityColumns,
  ENTITIES_CODES,
  entityColumnNamed,
  keyFromText,
  keyMissing,
  neededColumns,
  TIME_COLUMN,
  timeOfText,
  toBatches,
  type EntityFile,
  type EntityFileOptions,
} from "@tidemark/core/internal";

export async function csvEntities(file: string, options: EntityFileOptions): Promise<EntityFile> {
  const names = await csvHeader(file, ENTITIES_CODES, options.signal);
  refuseRowAsHeader(names, neededColumns(options.keys), file);
  checkEntityColumns(names, null, file, options.keys);
  const columns = names.map(
    (name): ColumnSpec =>
      entityColumnNamed(name, options.keys) ?? {
        name,
        database: name,
        type: "string",
        nullable: true,
      },
  );
  async function* rows(signal: AbortSignal): AsyncGenerator<readonly Value[]> {
    let head = true;
    for await (const records of csvRecords(file, ENTITIES_CODES, signal)) {
      for (const record of records) {
        const { line } = record;
        const fields = fieldsOf(record, names, file, ENTITIES_CODES);
        if (!head)
          yield columns.map((column, c) =>
            csvValue(column, fields[c]!, options, () => `${file}:${line}: ${column.name}`),
          );
        head = false;
      }
    }
  }
  return {
    columns,
    rows: null,
    unsupportedColumns: [],
    flooredColumns: new Set(),
    batches: ({ signal = options.signal } = {}) => toBatches(columns, rows(signal)),
  };
}

/** @throws ENTITIES_INVALID when the first line names no columns, but holds a row. */
function refuseRowAsHeader(
  names: readonly string[],
  needed: readonly string[],
  file: string,
): void {
  const isNeeded = (name: string): boolean =>
    needed.some((one) => one.toLowerCase() === name.toLowerCase());
  if (names.some(looksLikeValue) && !names.some(isNeeded))
    throw new TidemarkError(
      "ENTITIES_INVALID",
      `${file}:1: the first line looks like a row; ${NAME_COLUMNS}: ${needed.join(", ")} and any ` +
        "others",
    );
}

function csvValue(
  column: ColumnSpec,
  field: string | null,
  options: EntityFileOptions,
  location: () => string,
): Value {
  if (column.nullable) return field;
  if (column.name !== TIME_COLUMN) {
    if (field === null) throw keyMissing(location);
    return keyFromText(column, field, location);
  }
  if (field === null)
    throw new TidemarkError("TIME_INVALID", `${location()} is empty; give every row a time`);
  return timeOfText(field, options, location);
}
