/** Makes the readers of a source's columns, for each schema that its messages have. */
import type { SourceSpec } from "../../specs.ts";
import { columnReader } from "./column-reader.ts";
import type { ConnectField, RowSchema } from "./connect-schema.ts";
import { digitsLost, typeContradiction } from "./schema-types.ts";
import { type TimeUnit, unitContradiction, unitOfSchema } from "./time-unit.ts";
import type { ColumnContext, ColumnFacts, RowContext } from "./column-context.ts";
import type { LearnedTexts } from "./learned-texts.ts";
import type { ReaderOptions, ValueReader } from "./value-reader.ts";

/** The options of a row decoder. */
export interface RowOptions {
  readonly times: Readonly<Record<string, TimeUnit>>;
  readonly toastMarker: string;
  /**
   * What was known of columns without a schema when the row was logged, by their names in the
   * database. Each row is then read on its own. undefined: facts are learned from row to row.
   */
  readonly facts?: Readonly<Record<string, ColumnFacts>> | undefined;
  /** Gives what the texts of the current message's partition were. */
  readonly texts: () => LearnedTexts;
  /** Warns about the source, once for each `code` and `subject`. */
  readonly warn: (code: string, subject: string, message: string) => void;
}

const MAX_SCHEMAS = 100;

/** The readers of a source's columns. */
export interface RowReaders {
  /** Gives the readers of the columns, in their order, for a schema. */
  ofSchema(schema: RowSchema | null): readonly ValueReader[];
  /** What is known of each column, in their order. */
  readonly contexts: readonly ColumnContext[];
  /** Gives what is known of columns, by their names in the database. */
  facts(): Readonly<Record<string, ColumnFacts>>;
}

/**
 * Makes the readers. `times` are the columns that give a row its event time. `row` is the row that
 * is read.
 */
export function rowReaders(
  source: SourceSpec,
  options: RowOptions,
  times: readonly string[],
  row: RowContext,
): RowReaders {
  const columns = source.columns.map((column): Omit<ReaderOptions, "field"> => {
    const name = `${source.table}.${column.database}`;
    const known = options.facts?.[column.database];
    return {
      source: source.name,
      column,
      name,
      role: times.includes(column.name) ? "event time" : "value",
      unit: options.times[name] ?? null,
      context: {
        row,
        isFixed: options.facts !== undefined,
        schemaUnit: known?.unit ?? null,
        assumedMicros: false,
        renamed: known?.renamed ?? null,
      },
      warn: (code, message) => {
        options.warn(code, column.name, message);
      },
    };
  });
  const made = new Map<RowSchema | null, readonly ValueReader[]>();
  return {
    contexts: columns.map(({ context }) => context),
    ofSchema(schema) {
      let readers = made.get(schema);
      if (readers === undefined) {
        readers = columns.map((column) => {
          const field = schema?.get(column.column.database) ?? null;
          const reader = { ...column, field };
          if (field !== null) noteSchema(reader, field);
          return columnReader(reader);
        });
        if (made.size >= MAX_SCHEMAS) made.clear();
        made.set(schema, readers);
      }
      return readers;
    },
    facts: () =>
      Object.fromEntries(
        columns.flatMap(({ column, context: { schemaUnit, renamed } }) => {
          const facts: ColumnFacts = {
            ...(schemaUnit === null ? {} : { unit: schemaUnit }),
            ...(renamed === null ? {} : { renamed }),
          };
          return Object.keys(facts).length === 0 ? [] : [[column.database, facts]];
        }),
      ),
  };
}

/** Remembers what a schema says of a column, and tells what contradicts it. */
function noteSchema(options: ReaderOptions, field: ConnectField): void {
  const { column, context, unit, warn } = options;
  const types = typeContradiction(column, field);
  if (types !== null) warn("COLUMN_TYPE_DIFFERS", types);
  const lost = digitsLost(column, field);
  if (lost !== null) warn("DIGITS_LOST", lost);
  const schemaUnit = column.type === "timestamp" ? unitOfSchema(field) : null;
  if (schemaUnit === null) return;
  const units = unitContradiction(options.name, schemaUnit, unit, context.assumedMicros);
  if (units !== null) warn("TIME_UNIT_CONTRADICTS", units);
  if (schemaUnit === "us" || context.isFixed || schemaUnit === context.schemaUnit) return;
  context.schemaUnit = schemaUnit;
  context.row.facts++;
}
