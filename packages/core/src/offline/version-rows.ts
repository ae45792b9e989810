/** Encodes row versions as rows of the versions table, and decodes them. */
import { keyText } from "../columns/key-bytes.ts";
import { fnv1a } from "../columns/text-hash.ts";
import { valueAt, type Batch } from "../columns/batch.ts";
import { vectorsOfRows } from "../columns/vectors-of-rows.ts";
import type { ColumnSpec, SourceSpec, Value } from "../specs.ts";
import { eventTimeIndex, primaryKeyIndexes } from "../rows/row-change.ts";
import { quarantiningExpectations } from "../rows/row-expectations.ts";
import type { RowVersion } from "../rows/row-versions.ts";
import { quarantineOf, quarantineText } from "../rows/quarantine.ts";
import type { HistoryTables } from "./history-tables.ts";
import { VERSION_COLUMNS } from "./history-tables.ts";

export interface KeyedVersion {
  readonly key: readonly Value[];
  readonly version: RowVersion;
}

export interface VersionRows {
  /** The text that identifies a row within its source. */
  textOf(key: readonly Value[]): string;
  bucketOf(text: string, buckets: number): number;
  toBatch(versions: readonly KeyedVersion[], bucket: number): Batch;
  /** The key of row `i` of a batch with all columns of the table, in the table's order. */
  keyAt(batch: Batch, i: number): readonly Value[];
  versionAt(batch: Batch, i: number): RowVersion;
}

/** The names of columns in a text of `_unresolved`. */
export function columnNames(text: string): readonly string[] {
  return text.split("\n");
}

export function versionRows(source: SourceSpec, tables: HistoryTables): VersionRows {
  const keys = primaryKeyIndexes(source);
  const keyColumns: readonly ColumnSpec[] = keys.map((index) => source.columns[index]!);
  const time = eventTimeIndex(source);
  const declared = tables.declared.length;
  const at = (name: string): number =>
    declared + VERSION_COLUMNS.findIndex((column) => column.name === name);
  const [from, to, deleted, lsn, offset, committed] = [
    at("_known_from"),
    at("_known_to"),
    at("_deleted"),
    at("_order"),
    at("_offset"),
    at("_committed"),
  ];
  const [unresolved, unreadable, broken] = [
    at("_unresolved"),
    at("_invalid_columns"),
    at("_undecodable"),
  ];

  const mayBeUnexpected = quarantiningExpectations(source).length > 0;
  /** Why a row is quarantined, as the table says it. */
  const reasonOf = (version: RowVersion): string | null => {
    const { values, undecodable, unresolved } = version;
    if (values === null) return null;
    const hasFault = undecodable !== null || unresolved.length > 0;
    if (!hasFault && !mayBeUnexpected && (time < 0 || values[time] !== null)) return null;
    return quarantineText(quarantineOf(source, time, [], { ...version, values }));
  };

  /** Gives the value of each column of the table after the declared ones. */
  const valueOf: Readonly<Record<string, (version: RowVersion) => Value>> = {
    _known_from: ({ from }) => (from === -Infinity ? null : from),
    _known_to: ({ to }) => (to === Infinity ? null : to),
    _deleted: ({ values }) => values === null,
    _quarantine: reasonOf,
    _order: ({ order }) => order,
    _offset: ({ offset }) => BigInt(offset),
    _committed: ({ committed }) => committed,
    _unresolved: ({ unresolved }) =>
      unresolved.length === 0
        ? null
        : unresolved.map((index) => source.columns[index]!.name).join("\n"),
    _invalid_columns: ({ invalidColumns }) =>
      invalidColumns.length === 0 ? null : invalidColumns.join("\n"),
    _undecodable: ({ undecodable }) => undecodable,
  };
  /** The value of a declared column. A deleted row has its key alone. */
  const declaredValue = (c: number): ((row: KeyedVersion) => Value) => {
    const k = keys.indexOf(c);
    return ({ key, version: { values } }) =>
      values === null ? (key[k] ?? null) : (values[c] ?? null);
  };

  return {
    textOf: (key) => keyText(keyColumns, key),
    bucketOf: (text, buckets) => fnv1a(text) % buckets,
    toBatch(rows, bucket) {
      const { columns } = tables.versions;
      const valuesOf = columns.map((column, c): ((row: KeyedVersion) => Value) => {
        if (c < declared) return declaredValue(c);
        const of = valueOf[column.name];
        return of === undefined ? () => bucket : ({ version }) => of(version);
      });
      const vectors = vectorsOfRows(columns, rows, valuesOf);
      return { length: rows.length, columns, vectors };
    },
    keyAt: (batch, i) => keys.map((index) => valueAt(batch.vectors[index]!, i)),
    versionAt(batch, i) {
      const read = (c: number): Value => valueAt(batch.vectors[c]!, i);
      const left = read(unresolved!) as string | null;
      const unread = read(unreadable!) as string | null;
      return {
        from: (read(from!) as number | null) ?? -Infinity,
        to: (read(to!) as number | null) ?? Infinity,
        values: read(deleted!) === true ? null : tables.declared.map((_, c) => read(c)),
        unresolved:
          left === null
            ? []
            : columnNames(left).flatMap((one) => {
                const index = source.columns.findIndex((column) => column.name === one);
                return index < 0 ? [] : [index];
              }),
        invalidColumns: unread === null ? [] : unread.split("\n"),
        undecodable: read(broken!) as string | null,
        order: read(lsn!) as bigint,
        offset: Number(read(offset!)),
        committed: read(committed!) as number,
      };
    },
  };
}
