/** The entity keys of a request, checked against what its features need. */
import { TidemarkError } from "../errors.ts";
import { fromUser } from "../define/user-values.ts";
import type { ColumnSpec, SelectedFeature, Value } from "../specs.ts";

const readers = new WeakMap<readonly SelectedFeature[], ReturnType<typeof keyReader>>();

/** The reader of rows that hold the keys of a selection and nothing else, made once. */
export function keysReader(selection: readonly SelectedFeature[]): ReturnType<typeof keyReader> {
  let reader = readers.get(selection);
  if (reader === undefined)
    readers.set(selection, (reader = keyReader(keysNeeded(selection), { extra: false })));
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

/** A reader of request rows; `extra`: a row may hold more than the keys. Throws `KEY_INVALID`. */
export function keyReader(
  needed: readonly ColumnSpec[],
  options: { readonly extra: boolean },
): (row: unknown, i: number) => Readonly<Record<string, Value>> {
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
