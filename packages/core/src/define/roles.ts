/** Entities in roles: a caller gives their keys, and request data, under other names. */
import { withColumns } from "../expr/tree.ts";
import type {
  ColumnExpression,
  ColumnSpec,
  DerivedFeatureSpec,
  Expression,
  NamesInRole,
  SelectedFeature,
  TransformSpec,
  ViewSpec,
} from "../specs.ts";
import { inputName, isDerived } from "./base-features.ts";

/** Puts the entities of a feature into roles. Names that it does not need are passed over. */
export function featureInRole(one: SelectedFeature, names: NamesInRole): SelectedFeature {
  if (!isDerived(one)) return { ...one, view: viewInRole(one.view, names) };
  const { feature, role: before, ...own } = one;
  const needed = [...feature.inputs.flatMap(({ view }) => view.entity.keys), ...feature.request];
  const role = renamedColumns(needed, before, names);
  const made = { ...own, feature: derivedInRole(feature, names) };
  return role === undefined ? made : { ...made, role };
}

/** The names in a role by those that were defined; undefined: they are the same. */
function renamedColumns(
  columns: readonly ColumnSpec[],
  before: NamesInRole | undefined,
  names: NamesInRole,
): NamesInRole | undefined {
  const renamed = columns
    .map(({ name }) => [nameOutOfRole(name, before), nameIn(names, name)] as const)
    .filter(([original, name]) => original !== name);
  return renamed.length === 0 ? undefined : Object.fromEntries(renamed);
}

/** The names of its role, by those that were defined; undefined: it is in none. */
export function roleOf(one: SelectedFeature): NamesInRole | undefined {
  return isDerived(one) ? one.role : one.view.role;
}

/** Returns the view as it was defined. */
export function viewOutOfRole(view: ViewSpec): ViewSpec {
  const { role, ...own } = view;
  if (role === undefined) return view;
  const { entity } = view;
  const keys = entity.keys.map((key) => ({ ...key, name: nameOutOfRole(key.name, role) }));
  return { ...own, entity: { ...entity, keys } };
}

function viewInRole(view: ViewSpec, names: NamesInRole): ViewSpec {
  const { entity } = view;
  if (!entity.keys.some(({ name }) => nameIn(names, name) !== name)) return view;
  const role = renamedColumns(entity.keys, view.role, names);
  if (role === undefined) return viewOutOfRole(view);
  return {
    ...view,
    entity: { ...entity, keys: entity.keys.map((key) => inRole(key, names)) },
    role,
  };
}

function derivedInRole(feature: DerivedFeatureSpec, names: NamesInRole): DerivedFeatureSpec {
  return {
    ...feature,
    ...readInRole(feature, names),
    value: expressionInRole(feature.value, feature, names),
  };
}

type Read = Pick<DerivedFeatureSpec, "inputs" | "request" | "transforms">;

function readInRole({ inputs, request, transforms }: Read, names: NamesInRole): Read {
  return {
    inputs: inputs.map((one) => ({ ...one, view: viewInRole(one.view, names) })),
    request: request.map((column) => inRole(column, names)),
    ...(transforms === undefined
      ? {}
      : { transforms: transforms.map((one) => transformInRole(one, names)) }),
  };
}

function transformInRole(transform: TransformSpec, names: NamesInRole): TransformSpec {
  const read = readOf(transform);
  const { inputs: features, request, transforms } = readInRole(read, names);
  return {
    ...transform,
    name: transformName(transform, names),
    features,
    request,
    ...(transforms === undefined ? {} : { transforms }),
    inputs: transform.inputs.map((one) => ({
      ...one,
      value: expressionInRole(one.value, read, names),
    })),
  };
}

function readOf({ features, request, transforms }: TransformSpec): Read {
  return { inputs: features, request, transforms };
}

/** A transform has one name for each role, because it is called once for each. */
function transformName({ name, features, request }: TransformSpec, names: NamesInRole): string {
  const needed = [...features.flatMap(({ view }) => view.entity.keys), ...request];
  if (!needed.some((column) => nameIn(names, column.name) !== column.name)) return name;
  const given = new Set(needed.map((column) => nameIn(names, column.name)));
  return `${name.replace(/\[.*$/, "")}[${[...given].join(", ")}]`;
}

/** The expression over the columns of the role. */
function expressionInRole(expression: Expression, read: Read, names: NamesInRole): Expression {
  const columns = new Map([
    ...read.inputs.map(
      (one) => [inputName(one), inputName({ ...one, view: viewInRole(one.view, names) })] as const,
    ),
    ...read.request.map(({ name }) => [name, nameIn(names, name)] as const),
    ...(read.transforms ?? []).flatMap((transform) =>
      transform.outputs.map(
        ({ name }) =>
          [`${transform.name}.${name}`, `${transformName(transform, names)}.${name}`] as const,
      ),
    ),
  ]);
  return withColumns(expression, (column): ColumnExpression => ({
    ...column,
    name: columns.get(column.name)!,
  }));
}

function inRole<C extends ColumnSpec>(column: C, names: NamesInRole): C {
  return { ...column, name: nameIn(names, column.name) };
}

function nameIn(names: NamesInRole, name: string): string {
  return Object.hasOwn(names, name) ? names[name]! : name;
}

/** The name that was defined, by that in the role. */
export function nameOutOfRole(name: string, role: NamesInRole = {}): string {
  return Object.keys(role).find((original) => role[original] === name) ?? name;
}
