/** Sorts the rows of an entity by each part of a plan: inside, outside, and why. */
import { dataText } from "../define/data-text.ts";
import { expressionText } from "../expr/expression-text.ts";
import { typeSpecOf } from "../expr/tree.ts";
import { aggregationText, whereText } from "../plan/explain.ts";
import type { AggregateColumn, DeriveNode, FactColumn, LatestNode } from "../plan/nodes.ts";
import { rowCondition } from "../plan/plan-kinds.ts";
import type { Expression, SourceSpec, TypeSpec, Value } from "../specs.ts";
import { formatTime } from "../time/parse-time.ts";
import { edgesOf, seriesEdgesOf } from "../window/window-edges.ts";
import { aggregateValue, newestOf, type PlanValues } from "./evaluate-plan.ts";
import { passing, valuesOf } from "./row-values.ts";
import type { LeftOut } from "./seen-rows.ts";
import type { ViewRow, ViewRows } from "./view-rows.ts";

/** One aggregate or fact of a plan with its rows. Times are µs. */
export interface PlanPart {
  readonly name: string;
  readonly of: string;
  readonly type: TypeSpec;
  readonly value: Value;
  /** −Infinity: the window has no beginning. */
  readonly start: number;
  readonly end: number;
  readonly edges: readonly number[] | null;
  readonly filter: Expression | null;
  /** The expressions whose values a row brings. */
  readonly inputs: readonly Expression[];
  readonly inside: readonly ViewRow[];
  readonly outside: readonly OutsideRow[];
  /** The value over other rows. null: the part has no aggregate. */
  readonly valueOver: ((rows: readonly ViewRow[]) => Value) | null;
}

/** A row that does not count, and why. */
export interface OutsideRow {
  readonly row: ViewRow;
  readonly leftOut: LeftOut;
}

/** Makes the parts of a plan. `values`: what the plan's rows give. */
export function planParts(
  { source, rows }: ViewRows,
  plan: DeriveNode,
  values: PlanValues,
  t: number,
): readonly PlanPart[] {
  const { input } = plan;
  const condition = rowCondition(input.input);
  if (input.node === "latest")
    return input.facts.map((fact) => factPart(source, rows, input, fact, condition, values, t));
  const types = aggregateTypes(plan);
  return input.aggregates.map((aggregate) => {
    const type = types.get(aggregate.name)!;
    return aggregatePart(source, rows, aggregate, type, condition, values, t);
  });
}

function aggregatePart(
  source: SourceSpec,
  rows: readonly ViewRow[],
  aggregate: AggregateColumn,
  type: TypeSpec,
  condition: Expression | null,
  values: PlanValues,
  t: number,
): PlanPart {
  const { name, window, by, where } = aggregate;
  const { start, end } = edgesOf(window);
  const [from, to] = [start(t), end(t)];
  const series = seriesEdgesOf(window)?.(t);
  const sorted = sortRows(source, rows, {
    from,
    to,
    isIn: ({ time }) => from <= time && time < to,
    filters: filtersOf(condition, where),
    chosen(inside) {
      const outside: OutsideRow[] = [];
      const keys = by === undefined ? [] : valuesOf(source, by.key, inside);
      const kept: ViewRow[] = [];
      const groups = new Map<string, ViewRow[]>();
      inside.forEach((row, i) => {
        if (by !== undefined && keys[i] === null) {
          outside.push(without(row, "NO_CATEGORY", `${expressionText(by.key)} is null`));
          return;
        }
        kept.push(row);
        const category = dataText(keys[i] ?? null);
        const group = groups.get(category);
        if (group === undefined) groups.set(category, [row]);
        else group.push(row);
      });
      const newest = new Set([...groups.values()].flatMap((group) => newestOf(window, group)));
      const older = kept.filter((row) => !newest.has(row));
      outside.push(...older.map((row) => without(row, "OLDER", "there are newer rows")));
      return { kept: kept.filter((row) => newest.has(row)), outside };
    },
  });
  return {
    name,
    of: aggregationText(aggregate),
    type,
    value: values.below.get(name)!.value,
    start: from,
    end: to,
    edges: series === undefined ? null : [...series],
    filter: condition,
    inputs: [...aggregate.arguments, ...(by === undefined ? [] : [by.key])],
    ...sorted,
    valueOver: (some) => aggregateValue(source, aggregate, some, t),
  };
}

function factPart(
  source: SourceSpec,
  rows: readonly ViewRow[],
  { ttl }: LatestNode,
  fact: FactColumn,
  condition: Expression | null,
  values: PlanValues,
  t: number,
): PlanPart {
  const { name, value, where } = fact;
  const from = ttl === null ? -Infinity : t - ttl;
  const sorted = sortRows(source, rows, {
    from,
    to: t,
    isIn: ({ time }) => from <= time && time <= t,
    filters: filtersOf(condition, where),
    chosen: (inside) => ({
      kept: inside.slice(-1),
      outside: inside.slice(0, -1).map((row) => without(row, "OLDER", "there is a newer row")),
    }),
  });
  return {
    name,
    of: `latest(${expressionText(value)})${whereText(where)}`,
    type: typeSpecOf(value),
    value: values.below.get(name)!.value,
    start: from,
    end: t,
    edges: null,
    filter: condition,
    inputs: [value],
    ...sorted,
    valueOver: null,
  };
}

/** What decides which rows count. */
interface PartRules {
  readonly from: number;
  readonly to: number;
  readonly isIn: (row: ViewRow) => boolean;
  readonly filters: readonly (readonly [because: string, condition: Expression])[];
  readonly chosen: (inside: readonly ViewRow[]) => {
    readonly kept: readonly ViewRow[];
    readonly outside: readonly OutsideRow[];
  };
}

function filtersOf(condition: Expression | null, where: Expression | null): PartRules["filters"] {
  return [
    ...(condition === null
      ? []
      : [[`it is not in the derived source: ${expressionText(condition)}`, condition] as const]),
    ...(where === null
      ? []
      : [[`it does not meet where ${expressionText(where)}`, where] as const]),
  ];
}

function without(row: ViewRow, reason: LeftOut["reason"], because: string): OutsideRow {
  return { row, leftOut: { reason, because } };
}

/** Rows without a time may belong anywhere, so they are told. */
function isNear(row: ViewRow, isIn: PartRules["isIn"]): boolean {
  return Number.isNaN(row.time) || isIn(row) || wasIn(row, isIn);
}

/** Whether an earlier or later version of the row has a time inside. */
function wasIn(row: ViewRow, isIn: PartRules["isIn"]): boolean {
  const { row: logged, version } = row.origin;
  const { eventTime, columns } = logged.source;
  if (eventTime.kind !== "column") return false;
  const index = columns.findIndex(({ name }) => name === eventTime.column);
  return logged.versions.some((one) => {
    if (one === version || !one.isHere) return false;
    const time = one.values![index];
    return typeof time === "number" && isIn({ ...row, time });
  });
}

function sortRows(
  source: SourceSpec,
  rows: readonly ViewRow[],
  { from, to, isIn, filters, chosen }: PartRules,
): Pick<PlanPart, "inside" | "outside"> {
  const outside: OutsideRow[] = [];
  for (const row of rows)
    if (row.leftOut !== null && isNear(row, isIn)) outside.push({ row, leftOut: row.leftOut });
  const there = rows.filter(({ leftOut }) => leftOut === null);
  let inside: readonly ViewRow[] = there.filter(isIn);
  // the rows that were inside before an update moved them
  for (const row of there)
    if (!isIn(row) && wasIn(row, isIn))
      outside.push(without(row, "SUPERSEDED", "a later version of the row is at another time"));
  for (const [because, condition] of filters) {
    const passed = new Set(passing(source, condition, inside));
    for (const row of inside) if (!passed.has(row)) outside.push(without(row, "FILTERED", because));
    inside = inside.filter((row) => passed.has(row));
  }
  const { kept, outside: notChosen } = chosen(inside);
  outside.push(...notChosen);
  const told = new Set(outside.map(({ row }) => row));
  const isKnown = ({ leftOut }: ViewRow): boolean => leftOut === null;
  // the row that comes next may have been committed later
  const beyond = filters.reduce<readonly ViewRow[]>(
    (some, [, condition]) => passing(source, condition, some),
    rows.filter(
      (row) =>
        (isKnown(row) || row.leftOut?.reason === "NOT_KNOWN_YET") && !told.has(row) && !isIn(row),
    ),
  );
  const before = beyond.findLast((row) => isKnown(row) && row.time < from);
  const after = beyond.find((row) => row.time >= to);
  if (before !== undefined)
    outside.push(without(before, "BEFORE_WINDOW", "it left the window last"));
  if (after !== undefined) {
    const later = isKnown(after)
      ? ""
      : `; it was committed at ${formatTime(after.origin.version.from)}`;
    outside.push(without(after, "AFTER_WINDOW", `it enters the window next${later}`));
  }
  const places = new Map(rows.map((row, i) => [row, i]));
  return { inside: kept, outside: outside.sort((a, b) => places.get(a.row)! - places.get(b.row)!) };
}

/** The types of the aggregates, as the features above them read them. */
function aggregateTypes({ columns }: DeriveNode): ReadonlyMap<string, TypeSpec> {
  const types = new Map<string, TypeSpec>();
  const visit = (expression: Expression): void => {
    if (expression.op === "column") types.set(expression.name, typeSpecOf(expression));
    else if (expression.op === "call") expression.arguments.forEach(visit);
  };
  for (const { value } of columns) visit(value);
  return types;
}
