/**
 * Definitions as plain data: no phantom types, no methods.
 * The room `define/` makes them, and everything that runs reads them. This file has types only.
 */

/** The types of values. */
export type ValueType =
  | "string"
  | "boolean"
  | "int32"
  | "int64"
  | "float64"
  | "decimal"
  | "timestamp"
  | "date"
  | "bytes"
  | "json";

/**
 * A value as Tidemark holds it, by its column's type.
 * A string or json column holds a string, a boolean column a boolean.
 * An int32 column holds a number, an int64 column a bigint, a float64 column a finite number.
 * A decimal column holds a bigint: the unscaled digits at the column's scale.
 * A timestamp column holds a number: µs since the epoch, a safe integer (law 10: exact integers).
 * A date column holds a number: days since the epoch. A bytes column holds a Uint8Array.
 * `null` is a missing value (law 9: a missing value is missing on every path).
 */
export type Value = string | number | bigint | boolean | Uint8Array | null;

/** The spec of a column. */
export interface ColumnSpec {
  /** The name in TypeScript, and in Tidemark's own tables. */
  readonly name: string;
  /** The name in the database. */
  readonly database: string;
  readonly type: ValueType;
  readonly nullable: boolean;
  /** Digits in all; decimal columns only. */
  readonly precision?: number | undefined;
  readonly scale?: number | undefined;
  /** Time zone of a text without a zone: an IANA name or "UTC". Timestamp columns only. */
  readonly zone?: string | undefined;
  /** "number": users get an int64 as a number. "micros": users get a timestamp as a bigint. */
  readonly mode?: "number" | "micros" | undefined;
}

/** The spec of a source. */
export interface SourceSpec {
  readonly name: string;
  /** `schema.table` in the database; empty for a push source. */
  readonly table: string;
  /**
   * True for a push source, whose rows come from `store.push`. A source that a log feeds omits it.
   */
  readonly push?: true | undefined;
  readonly columns: readonly ColumnSpec[];
  /** Names of the primary key's columns in TypeScript, in order. */
  readonly primaryKey: readonly string[];
  /**
   * A declared column, or the commit time of each version (law 2: a dimension's version holds from
   * its commit).
   */
  readonly eventTime:
    | { readonly kind: "column"; readonly column: string }
    | { readonly kind: "committed"; readonly since: string | null };
  /**
   * The column that breaks ties of event time, before the primary key does (law 2: the later value
   * wins).
   */
  readonly createdAt: string | null;
}

/** The spec of an entity. */
export interface EntitySpec {
  readonly name: string;
  readonly keys: readonly ColumnSpec[];
}

/**
 * A condition over the columns of one source, with SQL's three-valued logic.
 * Its values are `Value`s of the column's type.
 */
export type Expression =
  | {
      readonly kind: "compare";
      readonly op: "=" | "<>" | "<" | "<=" | ">" | ">=";
      readonly column: string;
      readonly value: Value;
    }
  | { readonly kind: "in"; readonly column: string; readonly values: readonly Value[] }
  | { readonly kind: "null"; readonly column: string; readonly not: boolean }
  | { readonly kind: "and" | "or"; readonly terms: readonly Expression[] }
  | { readonly kind: "not"; readonly term: Expression };

/** The names of the aggregates, and `latest`. */
export type AggregateName = "count" | "sum" | "avg" | "min" | "max" | "countDistinct" | "latest";

/** The spec of a feature. */
export interface FeatureSpec {
  readonly name: string;
  readonly aggregate: AggregateName;
  /** null for `count()`. */
  readonly column: string | null;
  /** Length of the window in µs, a safe integer; null for `latest`. */
  readonly window: number | null;
  readonly where: Expression | null;
  /**
   * The value that replaces null (law 7: on every path). It has the result's type. undefined: no
   * default.
   */
  readonly default: Value | undefined;
  /** The column of the feature's values. It has no name in a database. */
  readonly result: ColumnSpec;
}

/** The spec of a feature view. */
export interface ViewSpec {
  readonly name: string;
  readonly kind: "window" | "latest";
  readonly entity: EntitySpec;
  readonly source: SourceSpec;
  /** For each key of the entity, in the entity's order: the column of the source that holds it. */
  readonly keyColumns: readonly string[];
  readonly features: readonly FeatureSpec[];
  /** Latest views only: how long a row holds, in µs. null: without end. */
  readonly ttl: number | null;
}

/** One feature of an answer. */
export interface SelectedFeature {
  readonly view: ViewSpec;
  readonly feature: FeatureSpec;
  /** The name in the answer. */
  readonly as: string;
}

/** The spec of a feature service. */
export interface ServiceSpec {
  readonly name: string;
  readonly features: readonly SelectedFeature[];
}
