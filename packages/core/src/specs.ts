/**
 * Definitions as plain data: no phantom types, no methods.
 * The room `define/` makes them, and everything that runs reads them. This file has types only.
 */
import type { Described } from "./metadata.ts";

/** The types of values that have no parts. Columns of sources and keys have such a type. */
export type ScalarType =
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

/** The types of values. A list, a map or a struct is the answer of an aggregation. */
export type ValueType = ScalarType | "list" | "map" | "struct";

/** A value that has no parts. See `Value`. */
export type ScalarValue = string | number | bigint | boolean | Uint8Array | null;

/**
 * A value as Tidemark holds it, by its column's type.
 * A string or json column holds a string, a boolean column a boolean.
 * An int32 column holds a number, an int64 column a bigint, a float64 column a finite number.
 * A decimal column holds a bigint: the unscaled digits at the column's scale.
 * A timestamp column holds a number: µs since the epoch, a safe integer (law 10: exact integers).
 * A date column holds a number: days since the epoch. A bytes column holds a Uint8Array.
 * A list holds its elements. A struct holds one value for each field, in the order of fields.
 * A map holds pairs of key and value, in the order of keys. No two keys are equal.
 * `null` is a missing value (law 9: a missing value is missing on every path).
 */
export type Value = ScalarValue | readonly Value[];

/** The type of a value with its parameters. A column, an expression and an answer have one. */
export interface TypeSpec {
  readonly type: ValueType;
  readonly nullable: boolean;
  /** Digits in all; decimal columns only. */
  readonly precision?: number | undefined;
  readonly scale?: number | undefined;
  /** Time zone of a text without a zone: an IANA name or "UTC". Timestamp columns only. */
  readonly zone?: string | undefined;
  /**
   * True for times of a clock whose zone nobody named. Their µs count as if the clock showed UTC.
   * Only columns of entity rows have it.
   */
  readonly zoneless?: true | undefined;
  /** "number": users get an int64 as a number. "micros": users get a timestamp as a bigint. */
  readonly mode?: "number" | "micros" | undefined;
  /**
   * How messages write the value as text, where no schema says it. A bytes column has "hex",
   * "base64" or "base64url", a decimal column "digits" or "base64".
   */
  readonly encoding?: "hex" | "base64" | "base64url" | "digits" | undefined;
  /** The type of elements; lists only. */
  readonly element?: TypeSpec | undefined;
  /** The type of keys, a scalar that is never null; maps only. */
  readonly keys?: TypeSpec | undefined;
  /** The type of a map's values; maps only. */
  readonly values?: TypeSpec | undefined;
  /** The fields in their order, at least one; structs only. */
  readonly fields?: readonly FieldSpec[] | undefined;
}

/** The type of a struct's field, with its name. */
export interface FieldSpec extends TypeSpec {
  readonly name: string;
}

/** The spec of a column. */
export interface ColumnSpec extends TypeSpec, Described {
  /** The name in TypeScript, and in Tidemark's own tables. */
  readonly name: string;
  /** The name in the database. */
  readonly database: string;
}

/** The spec of a source. */
export interface SourceSpec extends Described {
  readonly name: string;
  /** `schema.table` in the database; empty for a push source. */
  readonly table: string;
  /**
   * Former names of the table, newest first. Rows and messages under these names belong to the
   * source. Omitted if there are none.
   */
  readonly renamedFrom?: readonly string[] | undefined;
  /**
   * True for a push source, whose rows come from `store.push`. A source that a log feeds omits it.
   */
  readonly push?: true | undefined;
  readonly columns: readonly ColumnSpec[];
  /**
   * "drop": the change log keeps no column of a message that the source does not declare. Omitted:
   * it keeps all.
   */
  readonly undeclared?: "drop" | undefined;
  /** Names of the primary key's columns in TypeScript, in order. */
  readonly primaryKey: readonly string[];
  /**
   * Columns of the primary key whose value is a part of the row's origin. Omitted if there are
   * none: then all rows are of one origin.
   */
  readonly keyFrom?: readonly { readonly column: string; readonly part: OriginPart }[] | undefined;
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
  /** What is expected of each row, by name. Omitted if there is nothing. */
  readonly expectations?: readonly RowExpectationSpec[] | undefined;
}

/** What is expected of each row of a source. Its columns are those of the source. */
export interface RowExpectationSpec {
  readonly name: string;
  /** A row violates it where the condition is false. Where it is unknown, the row meets it. */
  readonly condition: Expression;
  /**
   * - flag: the row is counted, and all else stays as it is.
   * - quarantine: the row is in no window (law 9: missing is missing).
   * - stop: the run ends before it gives the row to any store.
   */
  readonly onViolation: "flag" | "quarantine" | "stop";
}

/** A part of a row's origin that can be in a primary key. */
export type OriginPart = "database" | "schema" | "server" | "topic";

/** What a caller must give for a feature: a key, or a column of request data. */
export interface NeededColumn extends ColumnSpec {
  /** True for request data. A key omits it. */
  readonly request?: true | undefined;
}

/** The spec of an entity. */
export interface EntitySpec extends Described {
  readonly name: string;
  readonly keys: readonly ColumnSpec[];
}

/**
 * A typed expression over the columns of one source. Each node carries the type of its value,
 * decided when it was defined. A condition is an expression of type boolean (law 9: SQL's
 * three-valued logic).
 */
export type Expression = ColumnExpression | LiteralExpression | CallExpression;

/** The value of a column. It carries the whole type of the column. */
export interface ColumnExpression extends TypeSpec {
  readonly op: "column";
  readonly name: string;
}

/** A value that is the same for all rows. */
export interface LiteralExpression extends TypeSpec {
  readonly op: "literal";
  readonly value: Value;
}

/** A function of other expressions. */
export interface CallExpression extends TypeSpec {
  readonly op: "call";
  /** A name in the registry of scalar functions. */
  readonly function: string;
  readonly arguments: readonly Expression[];
  /** What is no expression, such as a number of digits. Omitted if there is nothing. */
  readonly options?: CallOptions | undefined;
}

/** Options of a call, by name. */
export type CallOptions = { readonly [name: string]: string | number | boolean };

/** The name of an aggregation. The registry of aggregators has them. */
export type AggregateName = string;

/** The arguments of an aggregation that are no columns, by name: `{ q: 0.9 }`. */
export type AggregateOptions = {
  readonly [name: string]: string | number | boolean | readonly number[];
};

/**
 * Which rows an aggregation is over, seen from `t`. Lengths are µs, safe integers.
 * A number is the length of the window `[t − length, t)`.
 */
export type WindowSpec =
  | number
  | DelayedWindow
  | LifetimeWindow
  | CalendarWindow
  | LastRowsWindow
  | SeriesWindow;

/** The window `[t − delay − length, t − delay)`. */
export interface DelayedWindow {
  readonly kind: "delayed";
  readonly length: number;
  readonly delay: number;
}

/** All rows before `t`. */
export interface LifetimeWindow {
  readonly kind: "lifetime";
}

/**
 * Whole units of the calendar of a zone. "current": from the start of the unit that holds `t` up to
 * `t`. "previous": the `count` units before that one. "calendarSeries": a window for each of these
 * units, the oldest first. An aggregation over it answers a list.
 */
export type CalendarWindow =
  | { readonly kind: "current"; readonly unit: CalendarUnit; readonly zone: string }
  | {
      readonly kind: "previous" | "calendarSeries";
      readonly unit: CalendarUnit;
      readonly zone: string;
      readonly count: number;
    };

/**
 * `count` windows of one length side by side up to `t`, the oldest first. An aggregation over it
 * answers a list.
 */
export interface SeriesWindow {
  readonly kind: "series";
  readonly length: number;
  readonly count: number;
}

/**
 * The newest `count` rows before `t` that pass the condition of the aggregation, in the total order
 * of rows.
 */
export interface LastRowsWindow {
  readonly kind: "lastRows";
  readonly count: number;
  /** Only rows of `[t − within, t)` count; null: all rows before `t`. */
  readonly within: number | null;
}

export type CalendarUnit = "hour" | "day" | "week" | "month" | "quarter" | "year";

/** One aggregation over one window, or the value of the newest row. */
export interface AggregateSpec {
  readonly aggregate: AggregateName;
  /** Omitted if there are none. */
  readonly options?: AggregateOptions | undefined;
  /** What is aggregated: columns, or functions of columns. Empty for `count()`. */
  readonly arguments: readonly Expression[];
  /** Answers for each category. Omitted: the aggregation has one answer. */
  readonly by?: CategorySpec | undefined;
  /** Null for `latest`. */
  readonly window: WindowSpec | null;
  readonly where: Expression | null;
}

/** The categories of an aggregation: one answer for the rows of each value of a key. */
export interface CategorySpec {
  /** The category of a row. A row whose key is null is in none. */
  readonly key: Expression;
  /**
   * The categories that are answered, as the fields of a struct: texts, in their order. Omitted:
   * all that rows of the window have, as a map.
   */
  readonly each?: readonly string[] | undefined;
  /** Replaces null in the answer of a category. Omitted: null stays. */
  readonly default?: LiteralExpression | undefined;
}

/**
 * The spec of a feature: one aggregation, or a function of several. A function has `function`; its
 * `aggregate` is "function", which is in no registry, and its window is the farthest.
 */
export interface FeatureSpec extends AggregateSpec, Described {
  readonly name: string;
  /** Omitted for a feature that is one aggregation. */
  readonly function?: FunctionSpec | undefined;
  /**
   * The value that replaces null (law 7: on every path). It has the result's type. undefined: no
   * default.
   */
  readonly default: Value | undefined;
  /** The column of the feature's values. It has no name in a database. */
  readonly result: ColumnSpec;
  /** Former names, which are answered too. Omitted if there are none. */
  readonly renamedFrom?: readonly string[] | undefined;
}

/** A function of windows of the view's source. */
export interface FunctionSpec {
  /** Its columns are the names of the aggregates. */
  readonly value: Expression;
  readonly aggregates: readonly NamedAggregateSpec[];
}

/** One aggregation that a function reads. */
export interface NamedAggregateSpec extends AggregateSpec {
  /** A name within the feature, which no user sees. */
  readonly name: string;
}

/** The spec of a feature view. */
export interface ViewSpec extends Described {
  readonly name: string;
  readonly kind: "window" | "latest";
  readonly entity: EntitySpec;
  /** The source of the rows. For a union: its columns, and what orders its rows; no table. */
  readonly source: SourceSpec;
  /** The parts of a union, in the order of their names. Omitted: the source is a table. */
  readonly parts?: readonly UnionPart[] | undefined;
  /**
   * Columns that the rows get from dimensions, as of an enriched source. A lookup may read the
   * columns of those before it. Omitted: there are none.
   */
  readonly lookups?: readonly LookupSpec[] | undefined;
  /** Only rows that meet this condition count, as of a derived source. Omitted: all rows count. */
  readonly rows?: Expression | undefined;
  /** The sources of sources between the view and its tables that have metadata. */
  readonly through?: readonly ReadThrough[] | undefined;
  /** For each key of the entity, in the entity's order: the column of the source that holds it. */
  readonly keyColumns: readonly string[];
  readonly features: readonly FeatureSpec[];
  /** Latest views only: how long a row holds, in µs. null: without end. */
  readonly ttl: number | null;
  /**
   * Set by a selection whose entity is in a role: the keys have the names of the role. Omitted: the
   * view is as it was defined.
   */
  readonly role?: NamesInRole | undefined;
}

/** A source of sources that a view reads, such as a union. It has no table of its own. */
export interface ReadThrough extends Described {
  readonly name: string;
}

/**
 * Columns that rows get from a dimension: those of the version known from < event time ≤ known to.
 * Without such a version they are null.
 */
export interface LookupSpec {
  readonly dimension: SourceSpec;
  /** Only versions that meet this condition are there. Omitted: all are. */
  readonly rows?: Expression | undefined;
  /** For each column of the dimension's primary key, in its order: what it is found by. */
  readonly on: readonly Expression[];
  readonly columns: readonly LookupColumn[];
}

/** A column that rows get from a dimension. */
export interface LookupColumn {
  /** The name in the rows. */
  readonly name: string;
  /** A function of the dimension's columns. */
  readonly value: Expression;
}

/** The names under which a caller gives keys and request data, by their own names. */
export type NamesInRole = { readonly [name: string]: string };

/** One part of a union: rows of a table, as rows of the union. */
export interface UnionPart {
  /** The value of the column `part` in its rows. */
  readonly name: string;
  readonly source: SourceSpec;
  /** Only rows that meet this condition count. Omitted: all rows count. */
  readonly rows?: Expression | undefined;
  /** Each column of the union by its name, as a function of columns of the source. */
  readonly columns: Readonly<Record<string, Expression>>;
  /**
   * The list whose elements are the rows, as of an exploded source, which is a union of one part.
   * `columns` has the first element for all. Omitted: the rows are those of the source.
   */
  readonly explode?: ExplodedList | undefined;
}

/** A list whose elements are rows, and the columns that these get. */
export interface ExplodedList {
  /** A function of columns of the source. */
  readonly list: Expression;
  /** The column of the element. */
  readonly element: ColumnSpec;
  /** The column of its index, which no user sees. */
  readonly index: ColumnSpec;
}

/** The spec of a derived view. Its features are computed from features of other views. */
export interface DerivedViewSpec extends Described {
  readonly name: string;
  readonly kind: "derived";
  readonly features: readonly DerivedFeatureSpec[];
  /** The features are the outputs of this transform. Omitted: they are expressions. */
  readonly transform?: TransformSpec | undefined;
}

/** The spec of a transform: a function in TypeScript of features and request data. */
export interface TransformSpec extends Described {
  readonly name: string;
  /** Names the code. Training sets and requests of one version have the answers of one code. */
  readonly version: number;
  readonly inputs: readonly TransformInput[];
  /** The features that the inputs and the transforms below read, each once. */
  readonly features: readonly InputFeature[];
  /** The request data that the inputs and the transforms below read, each column once. */
  readonly request: readonly NeededColumn[];
  /** The transforms whose outputs the inputs read, each once. Omitted if there are none. */
  readonly transforms?: readonly TransformSpec[] | undefined;
  readonly outputs: readonly ColumnSpec[];
  readonly compute: (inputs: Readonly<Record<string, unknown>>) => unknown;
  /** The source text of `compute`. */
  readonly code: string;
}

/** One input of a transform. */
export interface TransformInput {
  /** The name under which the function gets it. */
  readonly name: string;
  /** Its columns are named as those of a derived feature. */
  readonly value: Expression;
  readonly type: ColumnSpec;
}

/** The spec of a feature that is computed from features of views and from request data. */
export interface DerivedFeatureSpec extends Described {
  readonly name: string;
  /**
   * Its columns are inputs, named `view.feature`, columns of request data, and outputs of
   * transforms, named `transform.output`.
   */
  readonly value: Expression;
  /** The features that the value and its transforms read, each once. */
  readonly inputs: readonly InputFeature[];
  /** The request data that the value and its transforms read, each column once. */
  readonly request: readonly NeededColumn[];
  /** The transforms whose outputs the value reads, each once. Omitted if there are none. */
  readonly transforms?: readonly TransformSpec[] | undefined;
  /** The number of columns and calls of the value. */
  readonly size: number;
  /** The value that replaces null. undefined: no default. */
  readonly default: Value | undefined;
  /** The column of the feature's values. It has no name in a database. */
  readonly result: ColumnSpec;
  /** Former names, which are answered too. Omitted if there are none. */
  readonly renamedFrom?: readonly string[] | undefined;
}

/** A feature of a feature view, as an input of a derived feature. */
export interface InputFeature {
  readonly view: ViewSpec;
  readonly feature: FeatureSpec;
}

/** One feature of an answer. */
export type SelectedFeature = SelectedBaseFeature | SelectedDerivedFeature;

/** A feature of a feature view, which the stores compute from rows. */
export interface SelectedBaseFeature extends InputFeature {
  /** The name in the answer. */
  readonly as: string;
}

/** A feature of a derived view, which is computed from other features. */
export interface SelectedDerivedFeature {
  readonly view: DerivedViewSpec;
  /** In a role it reads views in that role. */
  readonly feature: DerivedFeatureSpec;
  /** Set if its entities or its request data are in a role. */
  readonly role?: NamesInRole | undefined;
  /** The name in the answer. */
  readonly as: string;
}

/** The spec of a feature service. */
export interface ServiceSpec extends Described {
  readonly name: string;
  readonly features: readonly SelectedFeature[];
}

/** The spec of the expectations of one source, view or service. */
export interface QualitySpec extends Described {
  readonly name: string;
  readonly on: QualityTarget;
  /** What a failure means: "error" fails a check, "warning" is reported only. */
  readonly severity: "error" | "warning";
  readonly expectations: readonly ExpectationSpec[];
}

/** What expectations are about. */
export type QualityTarget =
  | {
      readonly kind: "source";
      /** The name of the source, or of the derived source. */
      readonly name: string;
      readonly source: SourceSpec;
      /** Columns that the rows get from dimensions. Omitted: there are none. */
      readonly lookups?: readonly LookupSpec[] | undefined;
      /** Only rows that meet this condition count, as of a derived source. Omitted: all rows. */
      readonly rows?: Expression | undefined;
    }
  | {
      readonly kind: "features";
      /** What was given, such as `service fraud_v1`. */
      readonly name: string;
      /** The features that the expectations read, each once. They are of one entity. */
      readonly inputs: readonly InputFeature[];
      /** The transforms whose outputs they read, each once. Omitted if there are none. */
      readonly transforms?: readonly TransformSpec[] | undefined;
    };

/** One expectation. Columns of its expressions are those of the source, or `view.feature`. */
export type ExpectationSpec = { readonly name: string } & (
  | {
      readonly kind: "holds";
      readonly condition: Expression;
      /** The least share of true among true and false, from 0 to 1. */
      readonly share: number;
    }
  | { readonly kind: "unique"; readonly columns: readonly Expression[] }
  | {
      readonly kind: "fresh";
      /** The greatest age of the newest row, µs. */
      readonly within: number;
    }
  | {
      readonly kind: "volume";
      /** The length of the window, µs. */
      readonly per: number;
      readonly atLeast: number | null;
      readonly atMost: number | null;
      /** Compares with the windows before. Omitted: it does not. */
      readonly usual?: UsualVolume | undefined;
    }
);

/** A number of rows that is like that of the windows before. */
export interface UsualVolume {
  /** How many windows before count. */
  readonly previous: number;
  /** How far the number may be from their median, as a share of the median. */
  readonly within: number;
}
