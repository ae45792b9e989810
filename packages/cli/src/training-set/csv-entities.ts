/** Reads entity rows from a CSV file. */
import { TidemarkError } from "@tidemark/core";
import type { ColumnSpec, Value } from "@tidemark/core/spi";
import { csvHeader, csvRecords, fieldsOf } from "../input/csv.ts";
import { timeOfText } from "../input/read-time.ts";
import { ENTITIES_CODES } from "../input/text-file.ts";
import { checkEntityColumns, entityColumnNamed, TIME_COLUMN, toBatches } from "./entity-columns.ts";
import type { EntityFile, EntityFileOptions } from "./entity-file-types.ts";
import { keyFromText, keyMissing } from "./key-values.ts";

export async function csvEntities(file: string, options: EntityFileOptions): Promise<EntityFile> {
  const names = await csvHeader(file, ENTITIES_CODES, options.signal);
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
