/** Encodes row versions as rows of the versions table, and decodes them. */
import { keyText } from "../columns/key-bytes.ts";
import { fnv1a } from "../columns/text-hash.ts";
import { batchOf, valueAt, type Batch } from "../columns/batch.ts";
import type { ColumnSpec, SourceSpec, Value } from "../specs.ts";
import { eventTimeIndex, primaryKeyIndexes } from "../rows/row-change.ts";
import type { RowVersion } from "../rows/row-versions.ts";
import { quarantineOf } from "../rows/quarantine.ts";
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

  const toRow = ({ key, version }: KeyedVersion, bucket: number): Value[] => {
    const { values } = version;
    const fault = values === null ? null : quarantineOf(source, time, [], { ...version, values });
    const row: Value[] = values === null ? new Array<Value>(declared).fill(null) : values.slice();
    if (values === null)
      keys.forEach((index, k) => {
        row[index] = key[k]!;
      });
    row.push(
      version.from === -Infinity ? null : version.from,
      version.to === Infinity ? null : version.to,
      values === null,
      fault === null
        ? null
        : [fault.column, fault.reason].filter((part) => part !== null).join(": "),
      version.order,
      BigInt(version.offset),
      version.committed,
      version.unresolved.length === 0
        ? null
        : version.unresolved.map((index) => source.columns[index]!.name).join("\n"),
      version.invalidColumns.length === 0 ? null : version.invalidColumns.join("\n"),
      version.undecodable,
      bucket,
    );
    return row;
  };

  return {
    textOf: (key) => keyText(keyColumns, key),
    bucketOf: (text, buckets) => fnv1a(text) % buckets,
    toBatch: (versions, bucket) =>
      batchOf(
        tables.versions.columns,
        versions.map((version) => toRow(version, bucket)),
      ),
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
