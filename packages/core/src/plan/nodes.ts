/**
 * The plan tree: what a selection computes, as plain data. Nodes below a window are about rows of a
 * source. Nodes above it are about one entity at one time. This file has types only.
 */
import type {
  AggregateName,
  AggregateOptions,
  CategorySpec,
  ColumnSpec,
  ExplodedList,
  Expression,
  LookupColumn,
  TypeSpec,
  Value,
  WindowSpec,
} from "../specs.ts";

/** The rows that a window or a latest node is over. */
export type RowNode = InputNode | LookupNode | FilterNode;

/** Rows with an order, before any lookup and any condition. */
export type InputNode = ScanNode | UnionNode;

/** Reads some columns of a source. */
export interface ScanNode {
  readonly node: "scan";
  /** The name of the source. */
  readonly source: string;
  /** The columns of the events, in order. */
  readonly columns: readonly ColumnSpec[];
  /** Breaks ties of event time, before the primary key does; null: there is no such column. */
  readonly createdAt: string | null;
  /** Names of the primary key's columns, in order. */
  readonly primaryKey: readonly string[];
}

/**
 * Gives rows columns of a dimension: those of the version known from < event time ≤ known to.
 * Without such a version they are null.
 */
export interface LookupNode {
  readonly node: "lookup";
  readonly input: ScanNode | LookupNode;
  /** The name of the source. */
  readonly dimension: string;
  /** Only versions that meet this condition are there. null: all are. */
  readonly condition: Expression | null;
  /** Each column of the dimension's primary key, and what it is found by. */
  readonly on: readonly { readonly key: string; readonly value: Expression }[];
  /** The columns that the rows get, as functions of the dimension's columns. */
  readonly columns: readonly LookupColumn[];
}

/** The rows that meet a condition. Other rows count for nothing, NOT_FOUND included. */
export interface FilterNode {
  readonly node: "filter";
  readonly input: InputNode | LookupNode;
  readonly condition: Expression;
}

/** The rows of several sources as rows with the same columns. */
export interface UnionNode extends Omit<ScanNode, "node" | "source"> {
  readonly node: "union";
  /** In the order of the names of the parts. */
  readonly inputs: readonly { readonly part: string; readonly input: ProjectNode }[];
}

/** Rows with other columns, each a function of the columns below. */
export interface ProjectNode {
  readonly node: "project";
  readonly input: ScanNode;
  /** Only rows that meet this condition are there. null: all are. */
  readonly condition: Expression | null;
  /**
   * Each element of the list is a row, with the element and its index beside the columns below.
   * Omitted: the rows are those below.
   */
  readonly explode?: ExplodedList | undefined;
  readonly columns: readonly ColumnSpec[];
  /** The value of each column, in the order of `columns`. */
  readonly values: readonly Expression[];
}

/** The entity that the rows belong to. */
export interface EntityNode {
  readonly name: string;
  /** Each key, and the column of the rows that holds it. */
  readonly keys: readonly { readonly name: string; readonly column: string }[];
}

/** Aggregates over windows. Equal aggregates are one. */
export interface WindowNode {
  readonly node: "window";
  readonly input: RowNode;
  readonly entity: EntityNode;
  /**
   * Those of the view's windows that can begin before its others. The rows since the earliest start
   * decide NOT_FOUND (law 7: no history dependence).
   */
  readonly foundIn: readonly WindowSpec[];
  readonly aggregates: readonly AggregateColumn[];
}

/** One aggregate of a window node. */
export interface AggregateColumn {
  readonly name: string;
  readonly aggregate: AggregateName;
  readonly options?: AggregateOptions | undefined;
  readonly arguments: readonly Expression[];
  /** Answers for each category. Omitted: the aggregate has one answer. */
  readonly by?: CategorySpec | undefined;
  readonly where: Expression | null;
  readonly window: WindowSpec;
}

/** Values of the newest row. Equal values under one condition are one. */
export interface LatestNode {
  readonly node: "latest";
  readonly input: RowNode;
  readonly entity: EntityNode;
  /** How long a row holds, µs; null: without end. */
  readonly ttl: number | null;
  readonly facts: readonly FactColumn[];
}

/** One value of the newest row that passes the condition. */
export interface FactColumn {
  readonly name: string;
  readonly value: Expression;
  readonly where: Expression | null;
}

/** Features of one entity: functions of the columns below. A compute engine runs such a plan. */
export interface DeriveNode {
  readonly node: "derive";
  readonly input: WindowNode | LatestNode;
  readonly columns: readonly DerivedColumn[];
}

/** One feature. Its columns are those of the node below. */
export interface DerivedColumn {
  readonly name: string;
  readonly value: Expression;
  /** Replaces null (law 7: a default replaces any null). Omitted if there is none. */
  readonly default?: Value | undefined;
}

/** Features of several inputs side by side, for the same entities and times. */
export interface JoinNode {
  readonly node: "join";
  readonly inputs: readonly DeriveNode[];
}

/** A name with the type of its values. */
export interface NamedType extends TypeSpec {
  readonly name: string;
}

/** A function in TypeScript of columns below, which is known by its name and version. */
export interface TransformNode {
  readonly node: "transform";
  readonly name: string;
  readonly version: number;
  readonly inputs: readonly DerivedColumn[];
  readonly outputs: readonly NamedType[];
}

/** What a selection computes, what it answers, and what a caller must give. */
export interface Query {
  readonly plan: JoinNode | DeriveNode;
  /**
   * Answers that are functions of columns of the plan, which are named `view.feature` here, and of
   * request data. Omitted if there are none.
   */
  readonly derived?: readonly DerivedColumn[] | undefined;
  /**
   * The transforms whose outputs derived columns read, named `transform.output` there. Those that
   * others read come first. Omitted if there are none.
   */
  readonly transforms?: readonly TransformNode[] | undefined;
  /** The answers, in the order of the selection. */
  readonly outputs: readonly NamedType[];
  /** The entity keys, and request data. */
  readonly needs: readonly NamedType[];
}
