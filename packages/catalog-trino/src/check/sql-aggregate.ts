/** One aggregation in SQL: what is selected for each question, and how its answer is read. */
import type { TypeSpec, Value } from "@tidemark/core/spi";

/** An argument of an aggregation. */
export interface SqlArgument {
  readonly sql: string;
  readonly spec: TypeSpec;
}

/** What an aggregation is called with. */
export interface SqlCall {
  readonly arguments: readonly SqlArgument[];
  readonly options: Readonly<Record<string, unknown>>;
  /** Orders rows, as the text after ORDER BY. */
  readonly order: { readonly oldestFirst: string; readonly newestFirst: string };
  /** The event time of a row. */
  readonly time: string;
}

/** One aggregate expression. */
export interface SqlColumn {
  /** Writes the expression. `filter` is the clause that chooses its rows. */
  readonly sql: (filter: string) => string;
  /** Only rows that meet this condition too. Omitted: all rows of the window that pass. */
  readonly where?: string | undefined;
}

/** The rows of a question that are grouped together. */
export interface SqlGroup {
  /** The values of the expressions that rows are grouped by, as JSON. */
  readonly keys: readonly unknown[];
  /** How many rows of the window pass. */
  readonly rows: number;
  readonly cells: readonly unknown[];
}

/** An aggregation in SQL. */
export interface SqlAggregate {
  /** What the rows of a question are grouped by. */
  readonly groups: readonly string[];
  readonly columns: readonly SqlColumn[];
  /** Reads the answer of the groups that have a row, at `t` µs. */
  read(groups: readonly SqlGroup[], t: number): Value;
}

/** An aggregation that groups nothing. `nothing` is its answer where no row passes. */
export function alone(
  columns: readonly SqlColumn[],
  read: (cells: readonly unknown[], t: number) => Value,
  nothing: Value,
): SqlAggregate {
  return {
    groups: [],
    columns,
    read: ([only], t) => (only === undefined ? nothing : read(only.cells, t)),
  };
}
