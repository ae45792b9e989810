/** Schemas of Kafka Connect's JSON converter: the fields that say how a value is written. */

/** The schema of one field. */
export interface ConnectField {
  readonly type: string;
  readonly name: string | null;
  /** `parameters.scale`; null: the schema gives none. */
  readonly scale: number | null;
}

/** The fields of a row, by name. */
export type RowSchema = ReadonlyMap<string, ConnectField>;

interface SchemaJson {
  readonly type?: unknown;
  readonly field?: unknown;
  readonly name?: unknown;
  readonly parameters?: { readonly scale?: unknown } | null;
  readonly fields?: readonly SchemaJson[];
}

/**
 * Reads the fields of a row from the schema of `{schema, payload}`. They are the fields of an
 * envelope's `after` or `before`, else those of the payload itself.
 */
export function rowSchema(schemaText: string): RowSchema {
  const fields = fieldsOf(JSON.parse(schemaText) as SchemaJson | null);
  const envelope = fields.some(({ field, type }) => field === "source" && type === "struct");
  const row = envelope
    ? fields.find(
        ({ field, type }) => (field === "after" || field === "before") && type === "struct",
      )
    : undefined;
  return new Map(
    (row === undefined ? fields : fieldsOf(row)).map((field) => [
      String(field.field),
      connectField(field),
    ]),
  );
}

function fieldsOf(schema: SchemaJson | null): readonly SchemaJson[] {
  return Array.isArray(schema?.fields)
    ? schema.fields.filter((field) => typeof field === "object" && field !== null)
    : [];
}

function connectField({ type, name, parameters }: SchemaJson): ConnectField {
  const scale = Number(parameters?.scale ?? Number.NaN);
  return {
    type: String(type),
    name: typeof name === "string" ? name : null,
    scale: Number.isInteger(scale) ? scale : null,
  };
}
