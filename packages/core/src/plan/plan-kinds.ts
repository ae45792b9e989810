/** Tells plans over windows from plans over facts, and finds what they scan. */
import { columnsOfExpression } from "../expr/tree.ts";
import { lookedUpColumn } from "../define/looked-up-column.ts";
import type { ColumnSpec, Expression, SourceSpec, ViewSpec } from "../specs.ts";
import type {
  DeriveNode,
  InputNode,
  LatestNode,
  LookupNode,
  RowNode,
  ScanNode,
  WindowNode,
} from "./nodes.ts";

/** A plan over a window node. */
export interface WindowPlan extends DeriveNode {
  readonly input: WindowNode;
}

/** A plan over a latest node. */
export interface LatestPlan extends DeriveNode {
  readonly input: LatestNode;
}

/** Returns whether the plan is over a window node, and not over a latest node. */
export function isWindowPlan(plan: DeriveNode): plan is WindowPlan {
  return plan.input.node === "window";
}

/** The scan or the union below a plan. */
export function inputOf(rows: RowNode): InputNode {
  return rows.node === "scan" || rows.node === "union" ? rows : inputOf(rows.input);
}

/** The scans below a plan: one, or one for each part of a union. */
export function scansOf(rows: RowNode): readonly ScanNode[] {
  const input = inputOf(rows);
  return input.node === "scan" ? [input] : input.inputs.map((one) => one.input.input);
}

/** The lookups of a plan, in the order in which rows get their columns. */
export function lookupsOf(rows: RowNode): readonly LookupNode[] {
  if (rows.node === "scan" || rows.node === "union") return [];
  return rows.node === "filter" ? lookupsOf(rows.input) : [...lookupsOf(rows.input), rows];
}

/** The dimensions that a plan of the view looks up, one for each lookup. */
export function dimensionsOf(
  { lookups = [] }: Pick<ViewSpec, "lookups">,
  plan: DeriveNode,
): readonly SourceSpec[] {
  return lookupsOf(plan.input.input).map(
    (node) => lookups.find(({ dimension }) => dimension.name === node.dimension)!.dimension,
  );
}

/** Names of the dimension's columns that a lookup reads, beside its primary key. */
export function dimensionColumns({ condition, columns }: LookupNode): readonly string[] {
  return [
    ...(condition === null ? [] : columnsOfExpression(condition)),
    ...columns.flatMap(({ value }) => columnsOfExpression(value)),
  ];
}

/** The columns of the events of a plan: of the scan or the union, and those that are looked up. */
export function eventColumns(rows: RowNode): readonly ColumnSpec[] {
  const lookups = lookupsOf(rows);
  const { columns } = inputOf(rows);
  return lookups.length === 0
    ? columns
    : [...columns, ...lookups.flatMap((lookup) => lookup.columns.map(lookedUpColumn))];
}

/** The condition that rows must meet; null: all rows count. */
export function rowCondition(rows: RowNode): Expression | null {
  return rows.node === "filter" ? rows.condition : null;
}
