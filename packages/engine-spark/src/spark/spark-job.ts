/** The job of Spark as plain data. `python/tidemark_spark.py` reads it. Types only. */
import type { EngineJob, JobReport, TypeSpec } from "@tidemark/core/spi";

/** What the folder of a training set is. */
export type SparkOutputFormat = "parquet" | "delta";

/** A training set that Spark computes. */
export interface SparkJob extends EngineJob {
  readonly format: 1;
  /** The address of the history, as Spark reaches it. */
  readonly lake: string;
  readonly views: readonly SparkView[];
  readonly entities: {
    /** A Parquet file with `_row`, `_at`, the keys of each view, and what rides along. */
    readonly uri: string;
    readonly rows: number;
    /** The columns that ride along, in their order. */
    readonly columns: readonly string[];
    /** The first and the last time of the rows, µs. */
    readonly earliest: number;
    readonly latest: number;
  };
  readonly output: {
    readonly uri: string;
    /** A folder of Parquet files, or a Delta table with one version. */
    readonly format: SparkOutputFormat;
    /** Statuses and event times stand beside the values. */
    readonly metadata: boolean;
    /** The columns of the features, in their order. */
    readonly columns: readonly string[];
  };
  readonly split: {
    /** The number of partitions; null: twice the cores of the cluster. */
    readonly count: number | null;
    /** Entities with more rows are cut by time; null: none is. */
    readonly hotRows: number | null;
  };
  readonly kernel: {
    /** The command of Node on the machines of the cluster. In an archive: its place there. */
    readonly node: string;
    readonly flags: readonly string[];
    readonly file: string;
    /** Whether Spark brings the file to each machine. */
    readonly shipped: boolean;
    /** The folder into which Spark unpacks the archive with Node and the kernel; null: none. */
    readonly archive: string | null;
    readonly sha256: string;
  };
}

/** What a job of Spark made. */
export interface SparkReport extends JobReport {
  /** The most rows, events and entity rows, that a kernel held at once. */
  readonly longestRun: number;
}

/** A table of the history at one version. `table` is null if there is no history. */
export interface SparkTable {
  readonly table: string | null;
  readonly version: number;
  /** The columns of the definition. A version that lacks the value of another one counts. */
  readonly declared: readonly string[];
}

/** The features of one view. */
export interface SparkView {
  /** The job of the kernel. */
  readonly kernel: unknown;
  /** The keys of the entity, and the column of the entity rows that has each. */
  readonly keys: readonly (TypeSpec & { readonly label: string })[];
  /** How long before the entity rows a row can matter, µs; null: without end. */
  readonly reach: number | null;
  readonly parts: readonly (SparkTable & {
    readonly keys: readonly string[];
    /** The column of the event time; null: the rows are of a dimension. */
    readonly time: string | null;
    readonly columns: readonly string[];
    readonly specs: readonly TypeSpec[];
  })[];
  readonly dimensions: readonly (SparkTable & {
    readonly columns: readonly string[];
    readonly types: readonly string[];
  })[];
  /** The types of the columns of a frame of rows. */
  readonly columns: readonly string[];
  /** The types of the answers. */
  readonly types: readonly TypeSpec[];
  /** The name of each output, and the answer that it has. */
  readonly outputs: readonly (readonly [name: string, answer: number])[];
}
