/** Reads entity rows from a file of JSON lines. */
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import { ExactNumber, exactJson } from "./exact-json.ts";
import { optionOf, timeOfNumber, timeOfText } from "./read-time.ts";
import { ENTITIES_CODES, fileLines } from "./text-file.ts";
import { checkEntityColumns, entityColumnNamed, TIME_COLUMN, toBatches } from "./entity-columns.ts";
import type { EntityFile, EntityFileOptions } from "./entity-file-types.ts";
import { jsonlColumns, type JsonColumn } from "./jsonl-columns.ts";
import { jsonObject } from "./json-object.ts";
import { keyFromJson, keyMissing } from "./key-values.ts";

/**
 * Opens the file. Errors name file and line.
 *
 * @throws ENTITIES_INVALID when a line is no JSON object.
 * @throws KEY_INVALID when a key is missing or has another type.
 * @throws TIME_INVALID when event_timestamp is missing or cannot be read.
 */
export async function jsonlEntities(file: string, options: EntityFileOptions): Promise<EntityFile> {
  // The file is read twice, because only all values of a column tell its type.
  const found = await jsonlColumns(file, options.signal);
  checkEntityColumns(
    found.columns.map(({ name }) => name),
    found.columns.map(({ type }) => type),
    file,
    options.keys,
  );
  const columns = found.columns.map(
    ({ name, type }): ColumnSpec =>
      entityColumnNamed(name, options.keys) ?? { name, database: name, type, nullable: true },
  );
  const known = new Map(found.columns.map((column) => [column.name, column]));
  async function* rows(signal: AbortSignal): AsyncGenerator<readonly Value[]> {
    for await (const lines of fileLines(file, ENTITIES_CODES, signal)) {
      for (const { text, line } of lines) {
        const row = jsonObject(text, `${file}:${line}`, ENTITIES_CODES);
        if (Object.keys(row).some((name) => !known.has(name)))
          throw new TidemarkError(
            "ENTITIES_INVALID",
            `${file}:${line}: the file has changed while it was read; run again when it ` +
              "is complete",
          );
        yield columns.map((column) =>
          jsonValue(
            Object.hasOwn(row, column.name) ? row[column.name] : null,
            column,
            known.get(column.name)!,
            options,
            () => `${file}:${line}: ${column.name}`,
          ),
        );
      }
    }
  }
  return {
    columns,
    rows: found.rows,
    unsupportedColumns: [],
    flooredColumns: new Set(),
    batches: ({ signal = options.signal } = {}) => toBatches(columns, rows(signal)),
  };
}

function jsonValue(
  given: unknown,
  column: ColumnSpec,
  { type }: JsonColumn,
  options: EntityFileOptions,
  location: () => string,
): Value {
  if (column.name === TIME_COLUMN) return timeOfJson(given, options, location);
  if (!column.nullable) {
    if (given === null) throw keyMissing(location);
    return keyFromJson(column, given, location);
  }
  if (given === null) return null;
  if (type === "int64")
    return given instanceof ExactNumber ? given.whole()! : BigInt(given as number);
  if (type === "float64") return Number(given instanceof ExactNumber ? given.digits : given) + 0;
  return type === "json" ? exactJson(given) : (given as string | boolean);
}

function timeOfJson(given: unknown, options: EntityFileOptions, location: () => string): number {
  if (typeof given === "string") return timeOfText(given, options, location);
  const whole =
    given instanceof ExactNumber
      ? given.whole()
      : typeof given === "number" && Number.isSafeInteger(given)
        ? BigInt(given)
        : null;
  if (whole !== null) return timeOfNumber(whole, options, location);
  throw new TidemarkError(
    "TIME_INVALID",
    given === null
      ? `${location()} is empty; give every row a time`
      : `${location()} is no time; write it as "2026-01-31T09:30:00.125Z", or as whole numbers ` +
          `with ${optionOf(options, "timeUnit")}`,
  );
}
