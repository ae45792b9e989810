/**
 * The settings with which a row of Debezium is read, as the format of a logged row. Equal settings
 * give equal texts, so that a table stores each of them once.
 */
import type { SourceOrigin } from "../../spi.ts";
import type { SourceSpec } from "../../specs.ts";
import type { ColumnFacts, RowContext } from "./column-context.ts";
import type { ConnectField, RowSchema } from "./connect-schema.ts";
import type { StoredTexts } from "./learned-texts.ts";
import type { RowOptions, RowReaders } from "./row-readers.ts";
import type { TimeUnit } from "./time-unit.ts";

/** A field of a schema: its name, its type, the name of its type and its scale. */
type FieldText = readonly [
  name: string,
  type: string,
  typeName: string | null,
  scale: number | null,
];

/** The settings of a row, as JSON. Members that say nothing are left out. */
export interface DebeziumFormat {
  readonly format: "debezium";
  readonly table: string;
  /** The row holds members of the `unwrap` transform. */
  readonly unwrapped?: true;
  /** The fields of the row. Without it the row has no schema. */
  readonly schema?: readonly FieldText[];
  /** The schema of the key, as JSON text. */
  readonly keySchema?: string;
  /** The row repeats the key: an object of these members, in their order. */
  readonly keyMembers?: readonly string[];
  /** A bare key is no primary key: a transform put another column there. */
  readonly otherKeys?: true;
  /** The declared units of timestamps, by column. */
  readonly times?: Readonly<Record<string, TimeUnit>>;
  readonly toastMarker?: string;
  /** What was known of columns when the row was logged. */
  readonly facts?: Readonly<Record<string, ColumnFacts>>;
  /** How numbers came as text in the partition, by the columns' names in the database. */
  readonly texts?: StoredTexts;
  /** The origin of the row, for a key that holds it. */
  readonly origin?: SourceOrigin;
  /** The row was erased: it has what is left of its key, and is a delete. */
  readonly erased?: true;
}

/** What a format says besides the schema of the row. */
export interface LoggedOptions {
  readonly unwrapped: boolean;
  readonly keySchema: string | null;
  readonly keyMembers: readonly string[] | null;
  readonly otherKeys: boolean;
  readonly origin: SourceOrigin | null;
  /** The former name of the table under which the message came. Default: the current name. */
  readonly formerTable?: string | undefined;
}

export const DEFAULT_TOAST_MARKER = "__debezium_unavailable_value";

/** The texts that are kept: topics of a table may differ in schema or origin. */
const MAX_RECENT = 8;

/** Makes the function that gives the text of a format. It makes a text once. */
export function formatTexts(
  source: SourceSpec,
  { times, toastMarker }: RowOptions,
  row: RowContext,
  readers: RowReaders,
): (schema: RowSchema | null, options: LoggedOptions) => string {
  const own = Object.entries(times).flatMap(([name, unit]) =>
    name.startsWith(`${source.table}.`)
      ? [[name.slice(source.table.length + 1), unit] as const]
      : [],
  );
  interface Made extends LoggedOptions {
    readonly schema: RowSchema | null;
    readonly facts: number;
    readonly texts: string;
    readonly text: string;
  }
  const recent: Made[] = [];
  return (schema, options) => {
    const texts = row.texts.readings();
    for (const made of recent)
      if (
        made.schema === schema &&
        made.facts === row.facts &&
        made.texts === texts &&
        made.unwrapped === options.unwrapped &&
        made.keySchema === options.keySchema &&
        made.keyMembers === options.keyMembers &&
        made.otherKeys === options.otherKeys &&
        made.origin === options.origin &&
        made.formerTable === options.formerTable
      )
        return made.text;
    const facts = readers.facts();
    const format: DebeziumFormat = {
      format: "debezium",
      table: options.formerTable ?? source.table,
      ...(options.unwrapped ? { unwrapped: true } : {}),
      ...(schema === null ? {} : { schema: fieldTexts(schema) }),
      ...(options.keySchema === null ? {} : { keySchema: options.keySchema }),
      ...(options.keyMembers === null ? {} : { keyMembers: options.keyMembers }),
      ...(options.otherKeys ? { otherKeys: true } : {}),
      ...(own.length === 0 ? {} : { times: Object.fromEntries(own) }),
      ...(toastMarker === DEFAULT_TOAST_MARKER ? {} : { toastMarker }),
      ...(Object.keys(facts).length === 0 ? {} : { facts }),
      ...(texts === "" ? {} : { texts: JSON.parse(texts) as StoredTexts }),
      ...(options.origin === null ? {} : { origin: options.origin }),
    };
    const text = JSON.stringify(format);
    recent.unshift({ ...options, schema, facts: row.facts, texts, text });
    if (recent.length > MAX_RECENT) recent.pop();
    return text;
  };
}

function fieldTexts(schema: RowSchema): readonly FieldText[] {
  return [...schema].map(([name, { type, name: typeName, scale }]) => [
    name,
    type,
    typeName,
    scale,
  ]);
}

/** Gives the schema that a format holds; null: it has none. */
export function schemaOfFormat({ schema }: DebeziumFormat): RowSchema | null {
  if (schema === undefined) return null;
  return new Map(
    schema.map(([name, type, typeName, scale]): [string, ConnectField] => [
      name,
      { type, name: typeName, scale },
    ]),
  );
}

/** Gives what a format says of texts, by its table; undefined: nothing. */
export function textsOfFormat(
  format: string | null,
): Readonly<Record<string, StoredTexts>> | undefined {
  if (format === null) return undefined;
  const { table, texts } = JSON.parse(format) as Partial<DebeziumFormat>;
  return table === undefined || texts === undefined ? undefined : { [table]: texts };
}
