/** What a view reads: rows of one table, or of the table of each part of a union. */
import { and, isNotNull, or } from "../expr/functions/boolean.ts";
import { callExpression, withColumns } from "../expr/tree.ts";
import type { AggregateSpec, Expression, FeatureSpec, UnionPart, ViewSpec } from "../specs.ts";

const known = new WeakMap<ViewSpec, readonly ViewSpec[]>();

/**
 * The view as views of one table each. They read the columns and the windows that the view needs of
 * each table, so they say what is stored for it. A view of a table is its own one reading.
 */
export function sourceReadings(view: ViewSpec): readonly ViewSpec[] {
  if (view.parts === undefined) return [view];
  let readings = known.get(view);
  if (readings === undefined)
    known.set(view, (readings = view.parts.map((part) => readingOf(view, part))));
  return readings;
}

function readingOf(view: ViewSpec, part: UnionPart): ViewSpec {
  const { rows } = view;
  const inPart = (expression: Expression): Expression =>
    withColumns(expression, ({ name }) => part.columns[name]!);
  const both = bothOf(part.rows, rowsIn(part, rows === undefined ? undefined : inPart(rows)));
  return {
    ...view,
    parts: undefined,
    source: part.source,
    rows: both,
    keyColumns: view.keyColumns.map((name) => keyColumnIn(part, name)!),
    features: view.features.map((feature): FeatureSpec => ({
      ...feature,
      ...aggregateIn(feature, inPart),
      ...(feature.function === undefined
        ? {}
        : {
            function: {
              ...feature.function,
              aggregates: feature.function.aggregates.map((one) => ({
                ...one,
                ...aggregateIn(one, inPart),
              })),
            },
          }),
    })),
  };
}

/**
 * The condition of a view, as far as it is about rows of the table. That of an exploded source is
 * about elements: every row with a list may have one that counts.
 */
function rowsIn({ explode }: UnionPart, rows: Expression | undefined): Expression | undefined {
  if (explode === undefined) return rows;
  const hasList = callExpression(isNotNull, [explode.list]);
  return rows === undefined ? hasList : callExpression(or, [hasList, rows]);
}

/** The column of a part's table that a column of the union is. undefined: it is computed. */
export function keyColumnIn({ columns }: UnionPart, name: string): string | undefined {
  const found = columns[name]!;
  return found.op === "column" ? found.name : undefined;
}

function aggregateIn(
  { arguments: inputs, by, where }: AggregateSpec,
  inPart: (expression: Expression) => Expression,
): Pick<AggregateSpec, "arguments" | "by" | "where"> {
  return {
    arguments: inputs.map(inPart),
    ...(by === undefined ? {} : { by: { ...by, key: inPart(by.key) } }),
    where: where === null ? null : inPart(where),
  };
}

/** Two conditions that a row must both meet. undefined: there is none. */
function bothOf(
  first: Expression | undefined,
  second: Expression | undefined,
): Expression | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return callExpression(and, [first, second]);
}

/** The views that read the source, each as it reads that source. */
export function viewsOver(
  source: { readonly name: string },
  views: Iterable<ViewSpec>,
): readonly ViewSpec[] {
  return [...views].flatMap((view) =>
    sourceReadings(view).filter((reading) => reading.source.name === source.name),
  );
}
