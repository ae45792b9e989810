/** Compiles a selection of features into a plan tree. */
import {
  baseFeatures,
  isDerived,
  neededColumns,
  transformsBehind,
} from "../define/base-features.ts";
import { tieColumns } from "../columns/row-order.ts";
import { dataText } from "../define/data-text.ts";
import { columnExpression, columnsOfExpression, typeSpecOf, withColumns } from "../expr/tree.ts";
import type {
  AggregateSpec,
  ColumnSpec,
  Expression,
  FeatureSpec,
  SelectedBaseFeature,
  SelectedFeature,
  SourceSpec,
  TransformSpec,
  UnionPart,
  ViewSpec,
} from "../specs.ts";
import {
  columnsBehindAggregate,
  columnsOfRows,
  lookupsBehind,
  storedColumnsOf,
} from "./columns-read.ts";
import { farthestWindows, windowsOf } from "./windows.ts";
import type {
  AggregateColumn,
  DerivedColumn,
  DeriveNode,
  EntityNode,
  FactColumn,
  InputNode,
  LatestNode,
  LookupNode,
  NamedType,
  ProjectNode,
  Query,
  RowNode,
  ScanNode,
  TransformNode,
  WindowNode,
} from "./nodes.ts";

/** The part of a query that one view answers. */
export interface ViewPlan {
  readonly view: ViewSpec;
  /** The selected features of the view. A feature selected twice is listed once. */
  readonly features: readonly FeatureSpec[];
  readonly plan: DeriveNode;
  /** For each column of the plan: its index in the selection. */
  readonly indexes: readonly number[];
}

/** A query, and who answers which part of it. */
export interface CompiledQuery {
  readonly query: Query;
  readonly views: readonly ViewPlan[];
}

/**
 * Compiles a selection. Each view of features that are computed from rows is one part of the query.
 */
export function compileQuery(selection: readonly SelectedFeature[]): CompiledQuery {
  const views = viewPlans(baseFeatures(selection));
  const needs = new Map(
    selection.flatMap(neededColumns).map((column) => [column.name, namedType(column)]),
  );
  const derived = selection
    .filter(isDerived)
    .map(({ feature, as }): DerivedColumn => ({
      name: as,
      value: feature.value,
      ...(feature.default === undefined ? {} : { default: feature.default }),
    }));
  const transforms = [
    ...new Set(selection.flatMap((one) => (isDerived(one) ? transformsBehind(one.feature) : []))),
  ].map(transformNode);
  const plans = views.map(({ plan }) => plan);
  return {
    views,
    query: {
      plan: plans.length === 1 ? plans[0]! : { node: "join", inputs: plans },
      outputs: selection.map(({ feature, as }) => ({ ...namedType(feature.result), name: as })),
      needs: [...needs.values()],
      ...(derived.length === 0 ? {} : { derived }),
      ...(transforms.length === 0 ? {} : { transforms }),
    },
  };
}

function transformNode({ name, version, inputs, outputs }: TransformSpec): TransformNode {
  return {
    node: "transform",
    name,
    version,
    inputs: inputs.map((input) => ({ name: input.name, value: input.value })),
    outputs: outputs.map(namedType),
  };
}

/** Makes one plan for each view in the selection. */
export function viewPlans(selection: readonly SelectedBaseFeature[]): readonly ViewPlan[] {
  const views = new Map<string, { readonly view: ViewSpec; readonly indexes: number[] }>();
  selection.forEach(({ view }, index) => {
    // a view in two roles is asked for two entities
    const id = view.role === undefined ? view.name : dataText([view.name, view.entity.keys]);
    const found = views.get(id);
    if (found === undefined) views.set(id, { view, indexes: [index] });
    else found.indexes.push(index);
  });
  return [...views.values()].map(({ view, indexes }) => {
    const selected = indexes.map((index) => selection[index]!);
    return {
      view,
      features: [...new Map(selected.map(({ feature }) => [feature.name, feature])).values()],
      plan: deriveNode(view, selected),
      indexes,
    };
  });
}

/** Makes the plan of some features of a view. */
export function planOf(view: ViewSpec, features: readonly FeatureSpec[]): DeriveNode {
  return deriveNode(
    view,
    features.map((feature) => ({ feature, as: feature.name })),
  );
}

function deriveNode(
  view: ViewSpec,
  selected: readonly Pick<SelectedBaseFeature, "feature" | "as">[],
): DeriveNode {
  const builder = view.kind === "window" ? windowBuilder(view) : latestBuilder(view);
  const columns = selected.map(({ feature, as }): DerivedColumn => ({
    name: as,
    value: builder.valueOf(feature),
    ...(feature.default === undefined ? {} : { default: feature.default }),
  }));
  return { node: "derive", input: builder.finish(), columns };
}

interface NodeBuilder {
  /** Adds what the feature needs. Returns the feature as an expression over it. */
  valueOf(feature: FeatureSpec): Expression;
  finish(): WindowNode | LatestNode;
}

function windowBuilder(view: ViewSpec): NodeBuilder {
  const shared = sharedExpressions();
  const aggregates = new Map<string, AggregateColumn>();
  const unique = uniqueNames();

  /** Adds an aggregate, unless there is an equal one. Returns its name. */
  function nameOf(spec: AggregateSpec & { readonly name: string }): string {
    const { aggregate, options, window } = spec;
    const arguments_ = spec.arguments.map(shared);
    const by = spec.by === undefined ? null : { ...spec.by, key: shared(spec.by.key) };
    const where = spec.where === null ? null : shared(spec.where);
    const text = dataText([aggregate, options ?? {}, arguments_, by, where, window]);
    let found = aggregates.get(text);
    if (found === undefined) {
      found = {
        name: unique(spec.name),
        aggregate,
        ...(options === undefined ? {} : { options }),
        arguments: arguments_,
        ...(by === null ? {} : { by }),
        where,
        window: window!,
      };
      aggregates.set(text, found);
    }
    return found.name;
  }

  return {
    valueOf(feature) {
      if (feature.function === undefined)
        return { op: "column", name: nameOf(feature), ...typeSpecOf(feature.result) };
      const names = new Map(
        feature.function.aggregates.map((one) => [
          one.name,
          nameOf({ ...one, name: `${feature.name}_${one.name}` }),
        ]),
      );
      return withColumns(feature.function.value, (column) => ({
        ...column,
        name: names.get(column.name)!,
      }));
    },
    finish: () => ({
      node: "window",
      input: rowNode(
        view,
        [...aggregates.values()].flatMap((one) => columnsBehindAggregate(view.source, one)),
      ),
      entity: entityNode(view),
      foundIn: farthestWindows(view.features.flatMap(windowsOf)),
      aggregates: [...aggregates.values()],
    }),
  };
}

function latestBuilder(view: ViewSpec): NodeBuilder {
  const facts = new Map<string, FactColumn>();
  const unique = uniqueNames();
  return {
    valueOf(feature) {
      if (feature.function !== undefined) throw new TypeError(`${feature.name} has no windows`);
      const { name, where } = feature;
      const value = feature.arguments[0]!;
      const text = dataText([value, where]);
      const found = facts.get(text) ?? { name: unique(name), value, where };
      facts.set(text, found);
      return { op: "column", name: found.name, ...typeSpecOf(feature.result) };
    },
    finish: () => ({
      node: "latest",
      input: rowNode(view, [
        ...[...facts.values()].flatMap(({ value, where }) =>
          columnsBehindAggregate(view.source, {
            aggregate: "latest",
            arguments: [value],
            window: null,
            where,
          }),
        ),
        ...tieColumns(view.source),
      ]),
      entity: entityNode(view),
      ttl: view.ttl,
      facts: [...facts.values()],
    }),
  };
}

/** The rows that a view is over, with the columns alone that decide which they are. */
export function rowsOfView(view: ViewSpec): RowNode {
  return rowNode(view, []);
}

/** The rows of a source or of a derived source, with these columns. */
export function rowNode(
  view: Pick<ViewSpec, "source" | "parts" | "lookups" | "rows">,
  read: readonly string[],
): RowNode {
  const { rows } = view;
  const all = [...read, ...columnsOfRows(view)];
  let input: InputNode | LookupNode = inputNode(view, storedColumnsOf(view, all));
  for (const { dimension, rows: condition = null, on, columns } of lookupsBehind(view, all)) {
    // no union is enriched
    if (input.node === "union")
      throw new TypeError(`${view.source.name} looks columns up in a union`);
    input = {
      node: "lookup",
      input,
      dimension: dimension.name,
      condition,
      on: on.map((value, i) => ({ key: dimension.primaryKey[i]!, value })),
      columns,
    };
  }
  return rows === undefined ? input : { node: "filter", input, condition: rows };
}

/** The rows of a view before any lookup and any condition, with these columns of its source. */
export function inputNode(
  { source, parts }: Pick<ViewSpec, "source" | "parts">,
  read: readonly string[],
): InputNode {
  if (parts === undefined) return scanNode(source, read);
  const columns = source.columns.filter(({ name }) => read.includes(name));
  return {
    node: "union",
    columns,
    createdAt: source.createdAt,
    primaryKey: source.primaryKey,
    inputs: parts.map((part) => ({ part: part.name, input: projectNode(part, columns) })),
  };
}

function projectNode(part: UnionPart, columns: readonly ColumnSpec[]): ProjectNode {
  const { explode } = part;
  const made = explode === undefined ? [] : [explode.element.name, explode.index.name];
  const values = columns.map((column) =>
    made.includes(column.name) ? columnExpression(column) : part.columns[column.name]!,
  );
  const names = [
    ...values.flatMap(columnsOfExpression),
    ...columnsOfRows(part),
    ...(explode === undefined ? [] : columnsOfExpression(explode.list)),
  ];
  return {
    node: "project",
    input: scanNode(part.source, names),
    condition: part.rows ?? null,
    ...(explode === undefined ? {} : { explode }),
    columns,
    values,
  };
}

function scanNode(source: SourceSpec, read: readonly string[]): ScanNode {
  const names = new Set(read);
  return {
    node: "scan",
    source: source.name,
    columns: source.columns.filter(({ name }) => names.has(name)),
    createdAt: source.createdAt,
    primaryKey: source.primaryKey,
  };
}

function entityNode({ entity, keyColumns }: ViewSpec): EntityNode {
  return {
    name: entity.name,
    keys: entity.keys.map(({ name }, i) => ({ name, column: keyColumns[i]! })),
  };
}

function namedType(of: NamedType): NamedType {
  return { name: of.name, ...typeSpecOf(of) };
}

/** Returns a name that it has not returned before: the given one, if it can. */
function uniqueNames(): (name: string) => string {
  const taken = new Set<string>();
  return (name) => {
    let free = name;
    for (let i = 2; taken.has(free); i++) free = `${name}_${i}`;
    taken.add(free);
    return free;
  };
}

/** Returns one object for equal expressions, so that kernels compute each once. */
function sharedExpressions(): (expression: Expression) => Expression {
  const known = new Map<string, Expression>();
  return (expression) => {
    const text = dataText(expression);
    const found = known.get(text) ?? expression;
    known.set(text, found);
    return found;
  };
}
