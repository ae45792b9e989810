/**
 * Converts between Tidemark's columns and Delta's schema. What Delta's types cannot say lies in the
 * field's metadata under `tidemark.*`.
 */
import { TidemarkError } from "@tidemark/core";
import { typeText } from "@tidemark/core/internal";
import type { ColumnSpec, TypeSpec, ValueType } from "@tidemark/core/spi";
import type { MetaData } from "./actions.ts";
import {
  deltaType,
  deltaTypeText,
  isSameDeltaType,
  typeOfDelta,
  type DeltaField as Field,
} from "./type-names.ts";

export interface TableSchema {
  /** Every field as the log has it, so that entries of other tools survive a change by Tidemark. */
  readonly fields: readonly Field[];
  /** The fields whose type Tidemark has a value type for. */
  readonly columns: readonly ColumnSpec[];
  readonly partitionBy: readonly string[];
}

export function parseSchema(metaData: MetaData): TableSchema {
  const fields = parseFields(metaData.schemaString);
  return {
    fields,
    columns: fields.map(columnOfField).filter((column) => column !== null),
    partitionBy: metaData.partitionColumns,
  };
}

function parseFields(text: string): readonly Field[] {
  try {
    const { fields } = JSON.parse(text) as { fields: readonly Field[] };
    return fields.map((field) => ({ ...field, metadata: field.metadata ?? {} }));
  } catch (error) {
    throw new TidemarkError(
      "DELTA_LOG_DAMAGED",
      `the metaData of a table's log has a schema that cannot be read (${text.slice(0, 80)}); ` +
        "put the log back from a copy of the lake",
      { cause: error },
    );
  }
}

export function schemaString(fields: readonly Field[]): string {
  return JSON.stringify({ type: "struct", fields });
}

export function fieldOf(column: ColumnSpec): Field {
  const { name, database, type, nullable, zone, mode } = column;
  const parts = partsOfType(column);
  return {
    name,
    type: deltaType(column),
    nullable,
    metadata: {
      "tidemark.kind": type,
      "tidemark.database": database,
      ...(zone === undefined ? {} : { "tidemark.zone": zone }),
      ...(mode === undefined ? {} : { "tidemark.mode": mode }),
      ...(parts === null ? {} : { "tidemark.parts": JSON.stringify(parts) }),
    },
  };
}

type PartsOfType = Pick<TypeSpec, "element" | "keys" | "values" | "fields">;

/** The types of a column's parts, which Delta's types cannot say in full; null: it has none. */
function partsOfType({ element, keys, values, fields }: TypeSpec): PartsOfType | null {
  return element || keys || fields ? { element, keys, values, fields } : null;
}

function columnOfField(field: Field): ColumnSpec | null {
  const { name, nullable } = field;
  const found = typeOfDelta(field.type, nullable);
  if (found === null) return null;
  const {
    "tidemark.kind": storedType,
    "tidemark.database": database,
    "tidemark.zone": zone,
    "tidemark.mode": mode,
    "tidemark.parts": parts,
  } = field.metadata as Record<string, string | undefined>;
  const base = { name, database: database ?? name };
  if (found.type === "decimal") return { ...base, ...found };
  const column: ColumnSpec = {
    ...base,
    ...found,
    ...(parts === undefined || storedType === undefined ? {} : storedParts(parts)),
    type: (storedType as ValueType | undefined) ?? found.type,
    ...(zone === undefined ? {} : { zone }),
    ...(mode === undefined ? {} : { mode: mode as "number" | "micros" }),
  };
  // The stored value type is ignored if another tool has changed the Delta type since.
  return storedType !== undefined && !hasDeltaType(column, field.type)
    ? { ...base, ...found }
    : column;
}

function storedParts(text: string): PartsOfType {
  try {
    return JSON.parse(text) as PartsOfType;
  } catch {
    return {}; // another tool has changed it, so the parts are those of the Delta type
  }
}

/** Whether the column is written as this type. Stored metadata may say no type at all. */
export function hasDeltaType(column: ColumnSpec, type: unknown): boolean {
  try {
    return isSameDeltaType(deltaType(column), type);
  } catch {
    return false;
  }
}

/**
 * Returns the table's fields after these columns are added; null if nothing changes. New fields are
 * appended as nullable, because earlier rows have no value in them. `absent` are columns of the
 * table that the rows do not bring.
 */
export function evolvedFields(
  table: string,
  schema: TableSchema,
  columns: readonly ColumnSpec[],
): readonly Field[] | null {
  let changed = false;
  const brought = new Map(columns.map((column) => [column.name, column]));
  const fields = schema.fields.map((field) => {
    const column = brought.get(field.name);
    if (column !== undefined && !hasDeltaType(column, field.type)) {
      throw new TidemarkError(
        "COLUMN_TYPE_CONFLICT",
        `table "${table}": column "${column.name}" holds ${deltaTypeText(field.type)} ` +
          `there and the rows bring ${typeText(column)} (${deltaTypeText(deltaType(column))}); ` +
          "a column keeps its type, so give the new one another name",
      );
    }
    const known = schema.columns.find((other) => other.name === field.name);
    if (column !== undefined && known !== undefined && typeText(known) !== typeText(column)) {
      throw new TidemarkError(
        "COLUMN_TYPE_CONFLICT",
        `table "${table}": column "${column.name}" is ${typeText(known)} there and the rows ` +
          `bring ${typeText(column)}; a column keeps its kind, so give the new one another name`,
      );
    }
    if (field.nullable || (column !== undefined && !column.nullable)) return field;
    changed = true;
    return { ...field, nullable: true };
  });
  const existing = new Set(schema.fields.map((field) => field.name));
  for (const column of columns) {
    if (existing.has(column.name)) continue;
    fields.push(fieldOf({ ...column, nullable: true }));
    changed = true;
  }
  if (changed)
    checkColumnNames(
      table,
      fields.map((field) => field.name),
      columns,
    );
  return changed ? fields : null;
}

/**
 * Refuses names that other readers cannot take without column mapping: certain characters, and
 * names that differ in case only. The names of the fields of structs in `types` are checked too.
 */
export function checkColumnNames(
  table: string,
  names: readonly string[],
  types: readonly (TypeSpec | undefined)[],
): void {
  for (const type of types) {
    if (type === undefined) continue;
    const { element, keys, values, fields = [] } = type;
    const fieldNames = fields.map(({ name }) => name);
    checkColumnNames(table, fieldNames, [element, keys, values, ...fields]);
  }
  const seen = new Map<string, string>();
  for (const name of names) {
    if (name === "" || /[ ,;{}()\n\t=]/.test(name)) {
      throw new TidemarkError(
        "COLUMN_NAME",
        `table "${table}": ${JSON.stringify(name)} cannot name a column of a Delta table; ` +
          "leave out spaces and any of ,;{}()=",
      );
    }
    const other = seen.get(name.toLowerCase());
    if (other !== undefined)
      throw new TidemarkError(
        "COLUMN_NAME",
        `table "${table}": columns "${other}" and "${name}" differ in case only, ` +
          "and other readers cannot tell them apart; rename one",
      );
    seen.set(name.toLowerCase(), name);
  }
}
