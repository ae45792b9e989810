/** Reads the declared columns of one source from the rows and keys of messages. */
import type { SourceSpec, Value } from "../../specs.ts";
import type { InvalidColumn } from "../../spi.ts";
import { type AbsentColumn, absentColumn } from "../values/absent-column.ts";
import type { RowContext } from "./column-context.ts";
import type { RowSchema } from "./connect-schema.ts";
import { eventTimeWatch } from "./event-time-watch.ts";
import { Failure, NON_FINITE, UnclearValue, WITHOUT_SCALE } from "../values/failure.ts";
import { LearnedTexts } from "./learned-texts.ts";
import { isMeta } from "./unwrapped.ts";
import { type JsonMembers, NULL } from "./json-text.ts";
import { formatTexts, type LoggedOptions } from "./debezium-format.ts";
import { type RowOptions, rowReaders } from "./row-readers.ts";
import { toastMarkers } from "./toast-marker.ts";

/** The declared columns of one row. */
export interface DecodedRow {
  readonly values: Value[];
  /** The columns that hold a TOAST marker. */
  readonly unavailable: readonly number[];
  /** The names of undeclared columns that hold a TOAST marker. */
  readonly undeclaredUnavailable: readonly string[];
  readonly invalidColumns: readonly InvalidColumn[];
  /** The nullable columns that the row does not have. */
  readonly absentColumns: readonly InvalidColumn[];
  /** The event time whose unit nothing says: the row is undecodable until a setting does. */
  readonly unclearTime: UnclearValue | null;
  /** How many values are NaN or infinite. */
  readonly nonFinite: number;
}

/** What a message says about its row. */
export interface RowOrigin {
  readonly schema: RowSchema | null;
  readonly unwrapped: boolean;
  /** The commit time, µs; null: it is not known. */
  readonly committed: number | null;
}

/** Reads the rows and the keys of one source. */
export interface RowDecoder {
  readonly source: SourceSpec;
  /**
   * Reads the whole row. In an unwrapped row, members of the transform are no columns. If a decimal
   * has no scale, the method calls `withoutScale`, which throws.
   */
  row(
    members: JsonMembers,
    from: RowOrigin,
    withoutScale: (decoder: RowDecoder, column: string) => never,
  ): DecodedRow;
  /** Says whether no value of the primary key is missing. */
  hasKey(values: readonly Value[]): boolean;
  /** Says which column of the primary key is at fault, as `: column "id": …`. */
  keyFault(row: DecodedRow): string;
  /** Reads the values of the primary key, in its order. Gives null if one cannot be read. */
  key(members: JsonMembers, schema: RowSchema | null): readonly Value[] | null;
  /** Gives the primary key of a row, in its order. */
  keyOf(values: readonly Value[]): readonly Value[];
  /** Makes a row of which only the primary key is known. */
  keyRow(key: readonly Value[]): readonly Value[];
  /** Gives the settings with which a row of this schema is read, as JSON. */
  format(schema: RowSchema | null, options: LoggedOptions): string;
}

const NONE: readonly never[] = [];
const TWICE = {
  reason: "COLUMN_TWICE",
  message: "the row has the column twice; correct the writer or the transform",
};

/** Makes the decoder of a source's rows. */
export function rowDecoder(source: SourceSpec, options: RowOptions): RowDecoder {
  const { columns } = source;
  // Two columns may read one column of the database.
  const index = new Map<string, number[]>();
  for (const [c, { database }] of columns.entries())
    index.set(database, [...(index.get(database) ?? []), c]);
  const primaryKey = source.primaryKey.map((name) =>
    columns.findIndex((column) => column.name === name),
  );
  const toastMarker = toastMarkers(options.toastMarker);
  const times = timesOf(source);
  const { warn } = options;
  const current: RowContext = {
    committed: null,
    halfPairs: 0,
    facts: 0,
    texts: new LearnedTexts(),
  };
  const learns = options.facts === undefined;
  const readers = rowReaders(source, options, times, current);
  const watchEventTime = eventTimeWatch(source, warn);
  // The number of the last row that had the column. So nothing is cleared between rows.
  const lastRowWith = new Float64Array(columns.length);
  let rows = 0;

  // An absent column is described once, and again after a message had the column.
  const described = new Map<number, AbsentColumn>();
  const absent = (c: number, members: JsonMembers, from: RowOrigin): AbsentColumn => {
    const context = readers.contexts[c]!;
    let column = described.get(c);
    if (column !== undefined && !context.isFixed) return column;
    const others: string[] = [];
    for (let i = 0; i < members.length; i++) {
      const key = members.key(i);
      if (!index.has(key) && !(from.unwrapped && isMeta(key))) others.push(key);
    }
    const seen = !context.isFixed && lastRowWith[c]! > 0;
    const { name, database, nullable } = columns[c]!;
    column = absentColumn(database, others, { seen, schema: from.schema !== null });
    if (context.isFixed) return { ...column, renamed: context.renamed ?? column.renamed };
    described.set(c, column);
    if (column.renamed !== context.renamed) current.facts++;
    context.renamed = column.renamed;
    if (nullable && !column.renamed)
      warn("COLUMN_ABSENT", name, `${column.text}; it reads as null`);
    return column;
  };

  const format = formatTexts(source, options, current, readers);
  const decoder: RowDecoder = {
    source,

    row(members, from, withoutScale) {
      const read = readers.ofSchema(from.schema);
      const values: Value[] = columns.map(() => null);
      let unavailable: number[] | null = null;
      let undeclaredUnavailable: string[] | null = null;
      let invalidColumns: InvalidColumn[] | null = null;
      let absentColumns: InvalidColumn[] | null = null;
      let unclearTime: UnclearValue | null = null;
      let nonFinite = 0;
      rows++;
      current.committed = from.committed;
      current.halfPairs = 0;
      current.texts = options.texts();
      if (learns && from.schema === null) current.texts.learn(members, toastMarker.has);
      for (let i = 0; i < members.length; i++) {
        const readBy = index.get(members.key(i));
        if (readBy === undefined) {
          if (toastMarker.sizes.has(members.size(i)) && toastMarker.has(members.raw(i)))
            (undeclaredUnavailable ??= []).push(members.key(i));
          continue;
        }
        for (const c of readBy) {
          if (lastRowWith[c] === 0) described.delete(c);
          const column = columns[c]!;
          if (lastRowWith[c] === rows) {
            values[c] = null;
            (invalidColumns ??= []).push({ column: column.name, ...TWICE });
            continue;
          }
          lastRowWith[c] = rows;
          if (members.kind(i) === NULL) {
            if (!column.nullable)
              (invalidColumns ??= []).push({ column: column.name, reason: "NULL_NOT_ALLOWED" });
            continue;
          }
          if (toastMarker.sizes.has(members.size(i)) && toastMarker.has(members.raw(i))) {
            (unavailable ??= []).push(c);
            continue;
          }
          const value = read[c]!(members, i);
          if (!(value instanceof Failure)) {
            values[c] = value;
            continue;
          }
          if (value === WITHOUT_SCALE) withoutScale(decoder, column.database);
          if (value instanceof UnclearValue && times.includes(column.name)) unclearTime = value;
          if (value === NON_FINITE) nonFinite++;
          else (invalidColumns ??= []).push(invalidColumn(column.name, value));
        }
      }
      for (let c = 0; c < columns.length; c++) {
        if (lastRowWith[c] === rows) continue;
        const { name, nullable } = columns[c]!;
        const { text, renamed } = absent(c, members, from);
        // A row from before the column was added has no value of the column. A nullable column is
        // null then.
        const column = { column: name, reason: "COLUMN_ABSENT", message: text };
        if (!nullable || renamed) (invalidColumns ??= []).push(column);
        else (absentColumns ??= []).push(column);
      }
      if (current.halfPairs > 0) warnOfHalfPairs(warn);
      watchEventTime(values, from.committed);
      return {
        values,
        unavailable: unavailable ?? NONE,
        undeclaredUnavailable: undeclaredUnavailable ?? NONE,
        invalidColumns: invalidColumns ?? NONE,
        absentColumns: absentColumns ?? NONE,
        unclearTime,
        nonFinite,
      };
    },

    hasKey: (values) => primaryKey.every((c) => values[c] !== null),

    keyFault({ invalidColumns }) {
      const fault = invalidColumns.find(({ column }) => source.primaryKey.includes(column));
      if (fault === undefined) return "";
      return `: column "${fault.column}": ${fault.message ?? fault.reason}`;
    },

    key(members, schema) {
      current.texts = options.texts();
      const read = readers.ofSchema(schema);
      const key: Value[] = [];
      for (const c of primaryKey) {
        const i = members.find(columns[c]!.database);
        if (i < 0 || members.kind(i) === NULL) return null;
        const value = read[c]!(members, i);
        if (value instanceof Failure) return null;
        key.push(value);
      }
      return key;
    },

    keyOf: (values) => primaryKey.map((c) => values[c]!),

    format: (schema, logged) => {
      current.texts = options.texts();
      return format(schema, logged);
    },

    keyRow(key) {
      const values: Value[] = columns.map(() => null);
      primaryKey.forEach((c, k) => {
        values[c] = key[k]!;
      });
      return values;
    },
  };
  return decoder;
}

const invalidColumn = (column: string, { reason, message }: Failure): InvalidColumn =>
  message === undefined ? { column, reason } : { column, reason, message };

/** The columns that give a row its event time. */
function timesOf({ eventTime }: SourceSpec): readonly string[] {
  if (eventTime.kind === "column") return [eventTime.column];
  return eventTime.since === null ? [] : [eventTime.since];
}

function warnOfHalfPairs(warn: RowOptions["warn"]): void {
  warn(
    "TEXT_NOT_UNICODE",
    "",
    "a text holds half of a surrogate pair, which is no character; it is kept as its escape, " +
      "such as \\ud83d. Repair the writer that cuts texts in the middle of a character",
  );
}
