/**
 * What the definitions say, as plain data: no phantom types, no methods. Definitions (`define/`)
 * make it; everything that runs reads it. Types only.
 */

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
 * A value as Tidemark holds it, by the kind of its column: string, json → string · boolean →
 * boolean · int32 → number · int64 → bigint · float64 → finite number · decimal → bigint, the
 * unscaled digits at the column's scale · timestamp → number, µs since the epoch, a safe integer
 * (law 10) · date → number, days since the epoch · bytes → Uint8Array. `null` is missing (law 9).
 */
export type Value = string | number | bigint | boolean | Uint8Array | null;

export interface ColumnSpec {
  /** The name in TypeScript, and in Tidemark's own tables. */
  readonly name: string;
  /** The name in the database. */
  readonly database: string;
  readonly type: ValueType;
  readonly nullable: boolean;
  /** decimal only. */
  readonly precision?: number | undefined;
  readonly scale?: number | undefined;
  /** timestamp only: the zone of text that names none, an IANA name or "UTC". */
  readonly zone?: string | undefined;
  /** int64: "number" gives the user a number · timestamp: "micros" gives the user a bigint. */
  readonly mode?: "number" | "micros" | undefined;
}

export interface SourceSpec {
  readonly name: string;
  /** `schema.table` in the database; empty where the source is pushed. */
  readonly table: string;
  /** Its rows come from `store.push`, not from a log; left out where a log feeds it. */
  readonly push?: true | undefined;
  readonly columns: readonly ColumnSpec[];
  /** Names (in TypeScript) of the primary key's columns, in order. */
  readonly primaryKey: readonly string[];
  /** A declared column, or the commit time of each version (a dimension, law 2). */
  readonly eventTime:
    | { readonly kind: "column"; readonly column: string }
    | { readonly kind: "committed"; readonly since: string | null };
  /** The column that settles ties of event time before the primary key does (law 2). */
  readonly createdAt: string | null;
}

export interface EntitySpec {
  readonly name: string;
  readonly keys: readonly ColumnSpec[];
}

/**
 * A condition over the columns of one source, with SQL's three-valued logic. Values are `Value`s of
 * the column's kind.
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

export type AggregateName = "count" | "sum" | "avg" | "min" | "max" | "countDistinct" | "latest";

export interface FeatureSpec {
  readonly name: string;
  readonly aggregate: AggregateName;
  /** null for `count()`. */
  readonly column: string | null;
  /** Length of the window in µs, a safe integer; null for `latest`. */
  readonly window: number | null;
  readonly where: Expression | null;
  /** What replaces null (law 7), as a `Value` of the result's kind; undefined: nothing does. */
  readonly default: Value | undefined;
  /** What the feature answers: a column without a database. */
  readonly result: ColumnSpec;
}

export interface ViewSpec {
  readonly name: string;
  readonly kind: "window" | "latest";
  readonly entity: EntitySpec;
  readonly source: SourceSpec;
  /** For each key of the entity, in the entity's order, the source's column that holds it. */
  readonly keyColumns: readonly string[];
  readonly features: readonly FeatureSpec[];
  /** Facts only: how long a fact holds, in µs; null: for ever. */
  readonly ttl: number | null;
}

/** One feature of an answer. */
export interface SelectedFeature {
  readonly view: ViewSpec;
  readonly feature: FeatureSpec;
  /** The name in the answer. */
  readonly as: string;
}

export interface ServiceSpec {
  readonly name: string;
  readonly features: readonly SelectedFeature[];
}
