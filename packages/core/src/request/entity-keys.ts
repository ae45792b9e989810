/** The entity keys of a request, checked against what its features need. */
import { TidemarkError } from "../errors.ts";
import { fromUser } from "../define/user-values.ts";
import type { ColumnSpec, SelectedFeature, Value } from "../specs.ts";
import type { EntityColumns } from "./request-types.ts";

/** The keys of one entity by name. */
export type KeyValues = Readonly<Record<string, Value>>;

/** Reads the keys of rows that hold these columns and nothing else. */
export interface KeyReader {
  readonly needed: readonly ColumnSpec[];
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

/** Keys by name, for all views of a selection. */
export function keysNeeded(selection: readonly SelectedFeature[]): readonly ColumnSpec[] {
  return [
    ...new Map(
      selection.flatMap(({ view }) => view.entity.keys).map((column) => [column.name, column]),
    ).values(),
  ];
}

/**
 * Makes a reader of the keys of rows. With `extra` a row may hold more than the keys.
 *
 * @throws KEY_INVALID from the reader, when a key is missing, superfluous or of another type.
 */
export function keyReader(
  needed: readonly ColumnSpec[],
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
          `entity row ${i}: key ${column.name} is missing (it has ` +
            `${Object.keys(given).join(", ") || "nothing"}); give ${names.join(", ")}`,
        );
      }
      values[column.name] = fromUser(
        given[column.name],
        { ...column, nullable: false },
        `entity row ${i}: key ${column.name}`,
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

/**
 * Makes a reader of keys that come as columns. `names` lists what the columns must hold, for the
 * error.
 *
 * @throws KEY_INVALID when a key's column is missing or of another type, or when a key is null.
 */
export function columnKeyReader(
  columns: readonly ColumnSpec[],
  needed: readonly ColumnSpec[],
  names: readonly string[],
): (valueOf: (column: number) => Value, row: number) => KeyValues {
  const indexes = needed.map((column) => columnIndex(columns, column.name, names));
  needed.forEach((column, k) => {
    const { type } = columns[indexes[k]!]!;
    if (type !== column.type && !(column.type === "int64" && type === "int32"))
      throw new TidemarkError(
        "KEY_INVALID",
        `entity columns: key ${column.name} is ${type}, its entity says ${column.type}`,
      );
  });
  return (valueOf, row) => {
    const key = Object.create(null) as Record<string, Value>;
    needed.forEach((column, k) => {
      const value = valueOf(indexes[k]!);
      if (value === null)
        throw new TidemarkError(
          "KEY_INVALID",
          `entity row ${row}: key ${column.name} is null; give every row its keys`,
        );
      key[column.name] = column.type === "int64" ? BigInt(value as number | bigint) : value;
    });
    return key;
  };
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
