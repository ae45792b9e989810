/** The job of a kernel as plain data, and the columns of its frames. */
import type { ColumnSpec, DeriveNode, LookupNode, ScanNode, SourceSpec } from "@tidemark/core/spi";
import {
  dimensionColumns,
  eventColumns,
  fromBase64,
  lookupsOf,
  scansOf,
  toBase64,
} from "@tidemark/core/internal";
import { frameInvalid } from "./wire/frames.ts";

/** What a kernel computes. */
export interface KernelJob {
  /** The features of one view. */
  readonly plan: DeriveNode;
  /** The keys of the entity, by which the rows are sorted. */
  readonly keys: readonly ColumnSpec[];
  /**
   * "events": rows have the columns of the plan's scan and of its lookups. "rows": rows are those
   * of the tables. They have the columns of all scans of the plan, and the kernel makes the events.
   */
  readonly input: "events" | "rows";
  /** The dimension of each lookup. Empty where the rows are events. */
  readonly dimensions: readonly KernelDimension[];
  /** A run has so many rows, or all rows of one entity if these are more. */
  readonly rowsPerRun: number;
}

/** The rows of a dimension in frames. */
export interface KernelDimension {
  readonly primaryKey: readonly ColumnSpec[];
  /** Known from, known to, the primary key, and then the columns that the lookup reads. */
  readonly columns: readonly ColumnSpec[];
}

/** What a kernel counted. */
export interface KernelCounters {
  /** Entity rows that were answered. */
  readonly rows: number;
  readonly events: number;
  readonly runs: number;
  /** The rows of the longest run. */
  readonly longestRun: number;
  /** Sums outside their type (law 3). */
  readonly overflows: number;
  readonly truncated: number;
}

/** The columns of a frame of rows before the keys. */
export const ROW_COLUMNS: readonly ColumnSpec[] = [
  /** An entity row, or else an event. */
  column("_label", "boolean", false),
  /** The place of the row's scan among those of the plan. */
  column("_part", "int32", false),
  column("_at", "timestamp", false),
  /** Null: the row is known from the beginning, or until the end. */
  column("_from", "timestamp", true),
  column("_to", "timestamp", true),
];

/** The columns of a frame of a dimension's rows before its primary key. */
const VERSION_TIMES = ROW_COLUMNS.slice(3);

function column(name: string, type: ColumnSpec["type"], nullable: boolean): ColumnSpec {
  return { name, database: name, type, nullable };
}

/** The columns of each scan of a plan, as they lie in frames of rows. */
export function scannedColumns(plan: DeriveNode): readonly (readonly ColumnSpec[])[] {
  return scansOf(plan.input.input).map(({ columns }: ScanNode) => columns);
}

/** The columns of a frame of rows. Those of `ROW_COLUMNS` come first, and then the keys. */
export function rowColumns({ plan, keys, input }: KernelJob): readonly ColumnSpec[] {
  const own = input === "events" ? eventColumns(plan.input.input) : scannedColumns(plan).flat();
  return [...ROW_COLUMNS, ...keys, ...own];
}

/** The rows of the dimension of a lookup, whose source has these columns. */
export function kernelDimension(
  node: LookupNode,
  source: Pick<SourceSpec, "columns" | "primaryKey">,
): KernelDimension {
  const names = new Set(dimensionColumns(node));
  const primaryKey = source.primaryKey.map((name) =>
    source.columns.find((column) => column.name === name)!,
  );
  const read = source.columns.filter((column) => names.has(column.name));
  return { primaryKey, columns: [...VERSION_TIMES, ...primaryKey, ...read] };
}

/** Writes a job as JSON. Integers and bytes have a tag. */
export function jobJson(job: KernelJob): unknown {
  return JSON.parse(
    JSON.stringify(job, (_, value: unknown) => {
      if (typeof value === "bigint") return { integer: String(value) };
      if (value instanceof Uint8Array) return { base64: toBase64(value) };
      if (typeof value === "number" && !Number.isFinite(value))
        throw new TypeError(`a job cannot hold ${value}`);
      return value;
    }),
  );
}

/** Reads a job of JSON. */
export function jobOf(json: unknown): KernelJob {
  return JSON.parse(JSON.stringify(json), (_, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    const [[name, text] = [], other] = Object.entries(value);
    if (other !== undefined || typeof text !== "string") return value;
    if (name === "integer") return BigInt(text);
    if (name !== "base64") return value;
    const bytes = fromBase64(text);
    if (bytes === null) throw frameInvalid("has bytes that are no base64");
    return bytes;
  }) as KernelJob;
}

/** The lookups that the kernel makes. */
export function kernelLookups({ plan, input }: KernelJob): readonly LookupNode[] {
  return input === "events" ? [] : lookupsOf(plan.input.input);
}
