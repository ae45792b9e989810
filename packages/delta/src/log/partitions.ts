/**
 * Converts partition values: text in the log, directories in the path, numbers of groups among
 * rows.
 */
import { createHash } from "node:crypto";
import { TidemarkError } from "@tidemark/core";
import type { Batch, ColumnSpec, Vector } from "@tidemark/core/spi";
import { typeOf } from "@tidemark/core/internal";
import { hasScalarType } from "../types.ts";
import { deltaTypes } from "./delta-types.ts";

export type PartitionValues = Readonly<Record<string, string | null>>;

/** The rows of one partition in one batch. */
export interface PartitionRows {
  readonly values: PartitionValues;
  readonly rows: Int32Array | null;
}

/**
 * Groups the rows of a batch by partition, in their order.
 *
 * @throws PARTITION_VALUE_EMPTY when a value is an empty string, which Delta reads as null.
 */
export function partitionRows(
  table: string,
  batch: Batch,
  partitionBy: readonly string[],
): readonly PartitionRows[] {
  if (partitionBy.length === 0) return [{ values: {}, rows: null }];
  let groups = new Int32Array(batch.length);
  let values: PartitionValues[] = [{}];
  for (const name of partitionBy) {
    const index = batch.columns.findIndex((column) => column.name === name);
    const codes =
      index < 0
        ? { of: new Int32Array(batch.length), texts: [null] }
        : partitionCodes(table, name, batch.vectors[index]!, batch.length);
    const pairs = new Map<number, number>();
    const next: PartitionValues[] = [];
    const newGroups = new Int32Array(batch.length);
    for (let i = 0; i < batch.length; i++) {
      const pair = groups[i]! * codes.texts.length + codes.of[i]!;
      let group = pairs.get(pair);
      if (group === undefined) {
        group = next.length;
        pairs.set(pair, group);
        next.push({ ...values[groups[i]!], [name]: codes.texts[codes.of[i]!]! });
      }
      newGroups[i] = group;
    }
    groups = newGroups;
    values = next;
  }
  // all rows are of one partition: the batch stays whole
  if (values.length === 1) return [{ values: values[0]!, rows: null }];
  const counts = new Int32Array(values.length);
  for (let i = 0; i < batch.length; i++) counts[groups[i]!]!++;
  const rows = values.map((_, group) => new Int32Array(counts[group]!));
  counts.fill(0);
  for (let i = 0; i < batch.length; i++) {
    const group = groups[i]!;
    rows[group]![counts[group]!++] = i;
  }
  return values.map((of, group) => ({ values: of, rows: rows[group]! }));
}

/** Numbers the distinct values of a column, and gives the text of each. */
function partitionCodes(
  table: string,
  name: string,
  vector: Vector,
  length: number,
): { of: Int32Array; texts: (string | null)[] } {
  const of = new Int32Array(length);
  const texts: (string | null)[] = [];
  const known = new Map<string | number | null, number>();
  for (let i = 0; i < length; i++) {
    const value =
      vector.valid !== null && vector.valid[i] === 0
        ? null
        : vector.kind === "string"
          ? vector.dictionary[vector.codes[i]!]!
          : vector.kind === "int32"
            ? vector.values[i]!
            : undefined;
    if (value === undefined)
      throw new TidemarkError(
        "PARTITION_CONFLICT",
        `table "${table}": column "${name}" is ${vector.kind}, ` +
          "and only int32 and string columns part the files; part by another",
      );
    if (value === "")
      throw new TidemarkError(
        "PARTITION_VALUE_EMPTY",
        `table "${table}": an empty string cannot be a value of partition column "${name}", ` +
          "since Delta takes it for null; write another text",
      );
    let code = known.get(value);
    if (code === undefined) {
      code = texts.length;
      known.set(value, code);
      texts.push(value === null ? null : String(value));
    }
    of[i] = code;
  }
  return { of, texts };
}

/** Makes a vector that holds the partition value in every row of a file. */
export function constantVector(column: ColumnSpec, text: string | null, length: number): Vector {
  const { layout } = typeOf(column);
  if (text === null || text === "") return layout.missing(length);
  const partition = hasScalarType(column) ? deltaTypes[column.type].partition : null;
  if (partition === null)
    throw new TidemarkError(
      "COLUMN_TYPE_CONFLICT",
      `partition column "${column.name}" of kind ${column.type} cannot be read; ` +
        "ask for the other columns",
    );
  const value = partition(text);
  return layout.of(Array.from({ length }), () => value);
}

/**
 * Returns the directory of a partition as other writers name it: `name=value/`, percent-encoded
 * except for plain letters. Readers take the value from the log; the directory is for people.
 */
export function directoryOf(partitionBy: readonly string[], values: PartitionValues): string {
  return partitionBy
    .map((name) => {
      const value = values[name] ?? null;
      const text = value === null ? "__HIVE_DEFAULT_PARTITION__" : escapedName(value);
      return `${escapedName(name)}=${text}/`;
    })
    .join("");
}

/** Cuts a long value and appends its hash, because file systems take at most 255 bytes of name. */
function escapedName(text: string): string {
  const escaped = Array.from(Buffer.from(text), (byte) =>
    /[A-Za-z0-9_.-]/.test(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
  if (escaped.length <= 100) return escaped;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 32);
  return `${escaped.slice(0, 60).replace(/%.?$/, "")}-${hash}`;
}

/** Turns an object's path below its table into `add.path`. */
export function encodePath(path: string): string {
  return path
    .split("/")
    .map((part) => encodeURIComponent(part).replaceAll("%3D", "="))
    .join("/");
}

export function decodePath(table: string, path: string): string {
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(path) || path.startsWith("/")) {
    throw new TidemarkError(
      "DELTA_UNSUPPORTED",
      `table "${table}": ${path} lies outside the table's directory (a shallow clone?); ` +
        "copy the table whole",
    );
  }
  try {
    return decodeURIComponent(path);
  } catch (error) {
    throw new TidemarkError(
      "DELTA_LOG_DAMAGED",
      `table "${table}": its log names the file ${JSON.stringify(path)}, which is no encoded ` +
        "path; put the log back from a copy of the lake",
      { cause: error },
    );
  }
}

export function matchesFilter(
  filter: Readonly<Record<string, readonly (string | number | null)[]>>,
  values: PartitionValues,
): boolean {
  for (const name of Object.keys(filter)) {
    const value = values[name] || null; // in Delta an empty string is null
    if (
      !filter[name]!.some((wanted) => (wanted === null ? value === null : String(wanted) === value))
    )
      return false;
  }
  return true;
}

/** @throws PARTITION_CONFLICT when the filter names a column that does not partition the table. */
export function checkPartitionFilter(
  table: string,
  partitionBy: readonly string[],
  filter: Readonly<Record<string, unknown>>,
): void {
  for (const name of Object.keys(filter)) {
    if (!partitionBy.includes(name)) {
      throw new TidemarkError(
        "PARTITION_CONFLICT",
        `table "${table}": "${name}" does not part its files ` +
          `(${partitionBy.length === 0 ? "nothing does" : partitionBy.join(", ")}); ` +
          "filter by a partition column",
      );
    }
  }
}
