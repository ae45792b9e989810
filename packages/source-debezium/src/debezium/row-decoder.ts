/** Reads the declared columns of one source from the rows and keys of messages. */
import type { SourceSpec, InvalidColumn, Value } from "@tidemark/core/spi";
import { columnReader, type ValueReader, type TimeUnit } from "./column-reader.ts";
import type { RowSchema } from "./connect-schema.ts";
import { Failure, NON_FINITE, WITHOUT_SCALE } from "../values/failure.ts";
import { isMeta } from "./unwrapped.ts";
import { type JsonMembers, NULL } from "./json-text.ts";
import { toastMarkers } from "./toast-marker.ts";

/** The options of a row decoder. */
export interface RowOptions {
  readonly times: Readonly<Record<string, TimeUnit>>;
  readonly toastMarker: string;
}

/** The declared columns of one row. */
export interface DecodedRow {
  readonly values: Value[];
  /** The columns that hold a TOAST marker. */
  readonly unavailable: readonly number[];
  readonly invalidColumns: readonly InvalidColumn[];
  /** How many values are NaN or infinite. */
  readonly nonFinite: number;
  /** The members that no column took, as a JSON object; null: none. */
  readonly extra: string | null;
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
    schema: RowSchema | null,
    unwrapped: boolean,
    withoutScale: (decoder: RowDecoder, column: string) => never,
  ): DecodedRow;
  /** Says whether no value of the primary key is missing. */
  hasKey(values: readonly Value[]): boolean;
  /** Reads the values of the primary key, in its order. Gives null if one cannot be read. */
  key(members: JsonMembers, schema: RowSchema | null): readonly Value[] | null;
  /** Makes a row of which only the primary key is known. */
  keyRow(key: readonly Value[]): readonly Value[];
}

const NONE: readonly never[] = [];

/** Makes the decoder of a source's rows. */
export function rowDecoder(source: SourceSpec, options: RowOptions): RowDecoder {
  const { columns } = source;
  const index = new Map(columns.map((column, c) => [column.database, c]));
  const primaryKey = source.primaryKey.map((name) =>
    columns.findIndex((column) => column.name === name),
  );
  const toastMarker = toastMarkers(options.toastMarker);
  const readersOf = new Map<RowSchema | null, readonly ValueReader[]>();
  // The number of the last row that had the column. So nothing is cleared between rows.
  const lastRowWith = new Float64Array(columns.length);
  let rows = 0;

  const readers = (schema: RowSchema | null): readonly ValueReader[] => {
    let made = readersOf.get(schema);
    if (made === undefined) {
      made = columns.map((column) =>
        columnReader({
          source: source.name,
          column,
          field: schema === null ? null : (schema.get(column.database) ?? null),
          unit: options.times[`${source.table}.${column.database}`] ?? "us",
        }),
      );
      if (readersOf.size >= 100) readersOf.clear();
      readersOf.set(schema, made);
    }
    return made;
  };

  const decoder: RowDecoder = {
    source,

    row(members, schema, unwrapped, withoutScale) {
      const read = readers(schema);
      const values: Value[] = columns.map(() => null);
      let unavailable: number[] | null = null;
      let invalidColumns: InvalidColumn[] | null = null;
      let nonFinite = 0;
      let extra = "";
      rows++;
      for (let i = 0; i < members.length; i++) {
        const c = index.get(members.key(i));
        if (c === undefined) {
          if (!unwrapped || !isMeta(members.key(i)))
            extra = withMember(extra, members.key(i), members.raw(i));
          continue;
        }
        lastRowWith[c] = rows;
        const column = columns[c]!;
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
        if (value === NON_FINITE) nonFinite++;
        else (invalidColumns ??= []).push({ column: column.name, reason: value.reason });
        extra = withMember(extra, column.database, members.raw(i));
      }
      for (let c = 0; c < columns.length; c++) {
        // A row from before the column was added has no value of the column. A nullable column is
        // null then.
        if (lastRowWith[c] !== rows && !columns[c]!.nullable)
          (invalidColumns ??= []).push({ column: columns[c]!.name, reason: "COLUMN_ABSENT" });
      }
      return {
        values,
        unavailable: unavailable ?? NONE,
        invalidColumns: invalidColumns ?? NONE,
        nonFinite,
        extra: extra === "" ? null : `${extra}}`,
      };
    },

    hasKey: (values) => primaryKey.every((c) => values[c] !== null),

    key(members, schema) {
      const read = readers(schema);
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

/** Adds a member to the text of a JSON object that is not closed yet; "": no member so far. */
function withMember(object: string, key: string, raw: string): string {
  return `${object}${object === "" ? "{" : ","}${JSON.stringify(key)}:${raw}`;
}
