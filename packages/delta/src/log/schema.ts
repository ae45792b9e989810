/**
 * Converts between Tidemark's columns and Delta's schema. What Delta's types cannot say lies in the
 * field's metadata under `tidemark.*`.
 */
import { TidemarkError } from "@tidemark/core";
import type { ColumnSpec, ValueType } from "@tidemark/core/spi";
import type { MetaData } from "./actions.ts";

interface Field {
  readonly name: string;
  readonly type: unknown;
  readonly nullable: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface TableSchema {
  /** Every field as the log has it, so that entries of other tools survive a change by Tidemark. */
  readonly fields: readonly Field[];
  /** The fields whose type Tidemark has a value type for. */
  readonly columns: readonly ColumnSpec[];
  readonly partitionBy: readonly string[];
}

export function parseSchema(metaData: MetaData): TableSchema {
  const { fields } = JSON.parse(metaData.schemaString) as { fields: Field[] };
  return {
    fields,
    columns: fields.map(columnOfField).filter((column) => column !== null),
    partitionBy: metaData.partitionColumns,
  };
}

export function schemaString(fields: readonly Field[]): string {
  return JSON.stringify({ type: "struct", fields });
}

export function fieldOf(column: ColumnSpec): Field {
  const { name, database, type, nullable, zone, mode } = column;
  return {
    name,
    type: deltaType(column),
    nullable,
    metadata: {
      "tidemark.kind": type,
      "tidemark.database": database,
      ...(zone === undefined ? {} : { "tidemark.zone": zone }),
      ...(mode === undefined ? {} : { "tidemark.mode": mode }),
    },
  };
}

export function deltaType(column: ColumnSpec): string {
  switch (column.type) {
    case "string":
    case "json":
      return "string";
    case "boolean":
      return "boolean";
    case "int32":
      return "integer";
    case "int64":
    case "timestamp":
      return "long";
    case "float64":
      return "double";
    case "date":
      return "date";
    case "bytes":
      return "binary";
    case "decimal":
      return `decimal(${column.precision ?? 38},${column.scale ?? 0})`;
  }
}

const VALUE_TYPES: Readonly<Record<string, ValueType>> = {
  string: "string",
  boolean: "boolean",
  byte: "int32",
  short: "int32",
  integer: "int32",
  long: "int64",
  float: "float64",
  double: "float64",
  date: "date",
  binary: "bytes",
  timestamp: "timestamp",
  timestamp_ntz: "timestamp",
};

function columnOfField(field: Field): ColumnSpec | null {
  if (typeof field.type !== "string") return null;
  const decimal = /^decimal\((\d+),\s*(-?\d+)\)$/.exec(field.type);
  const {
    "tidemark.kind": storedType,
    "tidemark.database": database,
    "tidemark.zone": zone,
    "tidemark.mode": mode,
  } = field.metadata as Record<string, string | undefined>;
  const base = { name: field.name, database: database ?? field.name, nullable: field.nullable };
  if (decimal !== null)
    return { ...base, type: "decimal", precision: Number(decimal[1]), scale: Number(decimal[2]) };
  const defaultType = VALUE_TYPES[field.type];
  if (defaultType === undefined) return null;
  const column: ColumnSpec = {
    ...base,
    type: (storedType as ValueType | undefined) ?? defaultType,
    ...(zone === undefined ? (field.type === "timestamp" ? { zone: "UTC" } : {}) : { zone }),
    ...(mode === undefined ? {} : { mode: mode as "number" | "micros" }),
  };
  // The stored value type is ignored if another tool has changed the Delta type since.
  return storedType !== undefined && deltaType(column) !== field.type
    ? { ...base, type: defaultType }
    : column;
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
    if (column !== undefined && deltaType(column) !== field.type) {
      throw new TidemarkError(
        "COLUMN_TYPE_CONFLICT",
        `table "${table}": column "${column.name}" holds ${String(field.type)} there ` +
          `and the rows bring ${column.type} (${deltaType(column)}); ` +
          "a column keeps its type, so give the new one another name",
      );
    }
    const known = schema.columns.find((other) => other.name === field.name);
    if (column !== undefined && known !== undefined && known.type !== column.type) {
      throw new TidemarkError(
        "COLUMN_TYPE_CONFLICT",
        `table "${table}": column "${column.name}" is ${known.type} there and the rows bring ` +
          `${column.type}; a column keeps its kind, so give the new one another name`,
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
    );
  return changed ? fields : null;
}

/**
 * Refuses names that other readers cannot take without column mapping: certain characters, and
 * names that differ in case only.
 */
export function checkColumnNames(table: string, names: readonly string[]): void {
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
