/** The entity keys of a request, checked against what its features need. */
import { valueAt, vectorBuilder, vectorOf, type Batch, type Vector } from "../columns/batch.ts";
import { TidemarkError } from "../errors.ts";
import { fromUser } from "../define/user-values.ts";
import { neededColumns } from "../define/base-features.ts";
import type { ColumnSpec, NeededColumn, SelectedFeature, Value } from "../specs.ts";
import { keyConverter, type KeyConverter } from "./key-values.ts";
import type { EntityColumns } from "./request-types.ts";

/** The keys of one entity by name. */
export type KeyValues = Readonly<Record<string, Value>>;

/** Reads the keys of rows that hold these columns and nothing else. */
export interface KeyReader {
  readonly needed: readonly NeededColumn[];
  readonly read: (row: unknown, i: number) => KeyValues;
}

const readers = new WeakMap<readonly SelectedFeature[], KeyReader>();

/** Returns the reader of the keys of a selection. It is made once per selection. */
export function keysReader(selection: readonly SelectedFeature[]): KeyReader {
  let reader = readers.get(selection);
  if (reader === undefined) {
    const needed = keysNeeded(selection);
    readers.set(selection, (reader = { needed, read: keyReader(needed, { extra: false }) }));
  }
  return reader;
}

/** The keys and the request data by name, for all views of a selection. */
export function keysNeeded(selection: readonly SelectedFeature[]): readonly NeededColumn[] {
  return [
    ...new Map(selection.flatMap(neededColumns).map((column) => [column.name, column])).values(),
  ];
}

/** Names what a caller gives, for messages. */
function titleOf({ name, request }: NeededColumn): string {
  return `${request === true ? "request data" : "key"} ${name}`;
}

/**
 * Makes a reader of the keys of rows. With `extra` a row may hold more than the keys.
 *
 * @throws KEY_INVALID from the reader, when a key is missing, superfluous or of another type.
 */
export function keyReader(
  needed: readonly NeededColumn[],
  options: { readonly extra: boolean },
): KeyReader["read"] {
  const names = needed.map((column) => column.name);
  return (row, i) => {
    if (typeof row !== "object" || row === null)
      throw new TidemarkError(
        "KEY_INVALID",
        `entity row ${i}: it is ${row === null ? "null" : `a ${typeof row}`}; give an object ` +
          `with ${names.join(", ")}`,
      );
    const given = row as Readonly<Record<string, unknown>>;
    const values: Record<string, Value> = Object.create(null) as Record<string, Value>;
    for (const column of needed) {
      if (given[column.name] === undefined) {
        throw new TidemarkError(
          "KEY_INVALID",
          `entity row ${i}: ${titleOf(column)} is missing (it has ` +
            `${Object.keys(given).join(", ") || "nothing"}); give ${names.join(", ")}`,
        );
      }
      values[column.name] = fromUser(
        given[column.name],
        column,
        `entity row ${i}: ${titleOf(column)}`,
        "KEY_INVALID",
      );
    }
    if (!options.extra) {
      const superfluous = Object.keys(given).find((name) => !names.includes(name));
      if (superfluous !== undefined)
        throw new TidemarkError(
          "KEY_INVALID",
          `entity row ${i}: ${superfluous} is no key of what is asked; give only ` +
            `${names.join(", ")}`,
        );
    }
    return values;
  };
}

export function isEntityColumns(input: unknown): input is EntityColumns {
  return (
    typeof input === "object" &&
    input !== null &&
    typeof (input as Partial<EntityColumns>).batches === "function"
  );
}

/** Keys that were read from rows, as columns. */
export function keyColumns(needed: readonly NeededColumn[], keys: readonly KeyValues[]): Batch {
  const vectors = needed.map((column) => vectorOf(column, keys, (key) => key[column.name]!));
  return { length: keys.length, columns: needed, vectors };
}

/** Takes the keys out of a batch of entity rows. `before` is the number of the rows before it. */
export type ColumnKeyReader = (batch: Batch, before: number) => Batch;

/**
 * Makes a reader of keys that come as columns. `names` lists what the columns must hold, for the
 * error. A column that holds what its key needs is passed on as it is.
 *
 * @throws KEY_INVALID when a key's column is missing or of another type, or when a key is null.
 */
export function columnKeyReader(
  columns: readonly ColumnSpec[],
  needed: readonly NeededColumn[],
  names: readonly string[],
): ColumnKeyReader {
  const readers = needed.map((column) => {
    const index = columnIndex(columns, column.name, names);
    const held = columns[index]!;
    const convert = keyConverter(held, column);
    if (convert === null)
      throw new TidemarkError(
        "KEY_INVALID",
        `entity columns: ${titleOf(column)} is ${held.type}` +
          `${held.zoneless === true ? " without a zone" : ""}, ${sayer(column)} ${column.type}; ` +
          `cast the column to ${column.type}`,
      );
    return { column, index, convert: convert === "as it is" ? null : convert };
  });
  return (batch, before) => ({
    length: batch.length,
    columns: needed,
    vectors: readers.map(({ column, index, convert }) => {
      const vector = batch.vectors[index]!;
      if (!column.nullable) refuseNullKeys(column, vector, batch.length, before);
      return convert === null ? vector : converted(column, vector, convert, batch.length, before);
    }),
  });
}

function refuseNullKeys(
  column: NeededColumn,
  { valid }: Vector,
  length: number,
  before: number,
): void {
  const row = valid === null ? -1 : valid.subarray(0, length).indexOf(0);
  if (row >= 0)
    throw new TidemarkError(
      "KEY_INVALID",
      `entity row ${before + row}: ${titleOf(column)} is null; give every row its keys`,
    );
}

function converted(
  column: NeededColumn,
  vector: Vector,
  convert: KeyConverter,
  length: number,
  before: number,
): Vector {
  const builder = vectorBuilder(column, Math.max(length, 1));
  for (let row = 0; row < length; row++) {
    const value = valueAt(vector, row);
    const key = value === null ? null : convert(value);
    if (key === null && value !== null)
      throw new TidemarkError(
        "KEY_INVALID",
        `entity row ${before + row}: ${titleOf(column)} is ${inexactText(value)}, and ` +
          `${sayer(column)} ${column.type}; write the column as ${column.type}`,
      );
    builder.push(key);
  }
  return builder.finish();
}

/** Who says the type of what a caller gives. */
function sayer({ request }: NeededColumn): string {
  return request === true ? "requestData says" : "its entity says";
}

/** Says what a number that is no key is, without the number: an error shows no key. */
function inexactText(value: Value): string {
  if (typeof value !== "number") return "a number that does not fit";
  if (!Number.isFinite(value)) return "NaN or infinite";
  if (!Number.isInteger(value)) return "a float with a fraction";
  return Number.isSafeInteger(value)
    ? "a number that does not fit"
    : "a float beyond 2^53, where floats are not exact";
}

/**
 * Returns the index of a column of entity rows.
 *
 * @throws KEY_INVALID when there is no such column.
 */
export function columnIndex(
  columns: readonly ColumnSpec[],
  name: string,
  names: readonly string[],
): number {
  const index = columns.findIndex((column) => column.name === name);
  if (index < 0)
    throw new TidemarkError(
      "KEY_INVALID",
      `entity columns: column ${name} is missing (there are ` +
        `${columns.map((column) => column.name).join(", ") || "none"}); give ${names.join(", ")}`,
    );
  return index;
}
