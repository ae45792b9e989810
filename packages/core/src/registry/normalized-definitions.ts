/**
 * Makes the normalized form of each definition. The form holds everything that changes an answer or
 * the stored data. The order of declarations and the names of exports are left out.
 */
import type { Definitions } from "../define/collect-definitions.ts";
import { inputName, transformsBehind } from "../define/base-features.ts";
import { roleOf } from "../define/roles.ts";
import { metadataOf, type Described } from "../metadata.ts";
import type {
  AggregateSpec,
  CategorySpec,
  TypeSpec,
  ColumnSpec,
  DerivedFeatureSpec,
  DerivedViewSpec,
  EntitySpec,
  FeatureSpec,
  QualitySpec,
  SelectedFeature,
  ServiceSpec,
  SourceSpec,
  TransformSpec,
  UnionPart,
  ViewSpec,
  WindowSpec,
} from "../specs.ts";
import { HIDDEN } from "../define/definition.ts";
import { columnsBehind } from "../plan/columns-read.ts";
import { expressionText } from "../expr/expression-text.ts";
import { columnsOfExpression } from "../expr/tree.ts";
import { farthestWindows, windowsOf } from "../plan/windows.ts";
import { expectedText } from "../quality/measures.ts";
import { sensitivityOf } from "../plan/sensitivity.ts";
import { quarantiningExpectations } from "../rows/row-expectations.ts";
import { originalTable } from "../rows/source-tables.ts";
import {
  canonicalText,
  definitionFingerprint,
  valueJson,
  type CanonicalJson,
} from "./canonical.ts";
import { textHash } from "../text-hash.ts";
import { normalizedArguments, normalizedExpression } from "./normalized-expression.ts";

/** The kinds of objects in a registry. */
export type ObjectKind = "entity" | "source" | "view" | "feature" | "service" | "quality";

/** A definition as plain data in one canonical form. */
export type NormalizedDefinition = { readonly [name: string]: CanonicalJson };

/** One object of the definitions, with its normalized definition and fingerprint. */
export interface DefinedObject {
  readonly kind: ObjectKind;
  /** Name of the object; `view.feature` for a feature. */
  readonly name: string;
  readonly fingerprint: string;
  readonly normalized: NormalizedDefinition;
  /**
   * The hash of a transform's source text. It is no part of the fingerprint: a minified text is
   * the same code. Omitted for all others.
   */
  readonly code?: string | undefined;
  /** Its metadata, without a part in the fingerprint. Omitted if there is none. */
  readonly metadata?: NormalizedDefinition | undefined;
}

/** The key of an object in a snapshot, such as `feature weekly.total`. */
export function objectKey({
  kind,
  name,
}: {
  readonly kind: ObjectKind;
  readonly name: string;
}): string {
  return `${kind} ${name}`;
}

/** Returns the objects of the definitions by key, sorted by key. */
export function definedObjects(definitions: Definitions): ReadonlyMap<string, DefinedObject> {
  const objects: DefinedObject[] = [];
  const add = (
    kind: ObjectKind,
    name: string,
    normalized: NormalizedDefinition,
    metadata: NormalizedDefinition | undefined,
    transform?: TransformSpec,
  ): void => {
    const fingerprint = definitionFingerprint(kind, normalized);
    const code = transform === undefined ? {} : { code: textHash(transform.code) };
    const about = metadata === undefined ? {} : { metadata };
    objects.push({ kind, name, normalized, fingerprint, ...code, ...about });
  };
  for (const entity of definitions.entities.values())
    add("entity", entity.name, normalizedEntity(entity), withColumnMetadata(entity, entity.keys));
  for (const source of definitions.sources.values())
    add(
      "source",
      source.name,
      normalizedSource(source),
      withColumnMetadata(source, source.columns),
    );
  for (const view of definitions.views.values()) {
    add("view", view.name, normalizedView(view), viewMetadata(view));
    for (const feature of view.features)
      add(
        "feature",
        `${view.name}.${feature.name}`,
        normalizedFeature(view, feature),
        featureMetadata({ view, feature, as: feature.name }),
      );
  }
  for (const view of definitions.derivedViews.values()) {
    add("view", view.name, normalizedDerivedView(view), metadataJson(view), view.transform);
    for (const feature of view.features)
      add(
        "feature",
        `${view.name}.${feature.name}`,
        normalizedDerived(feature),
        featureMetadata({ view, feature, as: feature.name }),
      );
  }
  for (const service of definitions.services.values())
    add("service", service.name, normalizedService(service), metadataJson(service));
  for (const quality of definitions.qualities.values())
    add("quality", quality.name, normalizedQuality(quality), metadataJson(quality));
  return new Map(
    objects
      .map((object) => [objectKey(object), object] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function metadataJson(spec: Described): NormalizedDefinition | undefined {
  return metadataOf(spec) as NormalizedDefinition | undefined;
}

function withColumnMetadata(
  spec: Described,
  columns: readonly ColumnSpec[],
): NormalizedDefinition | undefined {
  const described = columns.flatMap((column) => {
    const found = metadataJson(column);
    return found === undefined ? [] : [[column.name, found] as const];
  });
  return described.length === 0
    ? metadataJson(spec)
    : { ...metadataJson(spec), columns: Object.fromEntries(described) };
}

/** The metadata of a view, with that of the sources of sources that it reads. */
function viewMetadata(view: ViewSpec): NormalizedDefinition | undefined {
  const { through = [] } = view;
  if (through.length === 0) return metadataJson(view);
  const sources = through.map((one) => [one.name, metadataJson(one)!] as const);
  return { ...metadataJson(view), sources: Object.fromEntries(sources) };
}

/** The metadata of a feature, with the sensitivity that it has from its columns. */
function featureMetadata(one: SelectedFeature): NormalizedDefinition | undefined {
  const { sensitivity } = sensitivityOf(one);
  return sensitivity === null
    ? metadataJson(one.feature)
    : { ...metadataJson(one.feature), sensitivity };
}

function normalizedEntity({ keys }: EntitySpec): NormalizedDefinition {
  return {
    keys: columnsByName(keys, (key) => ({ ...normalizedType(key), ...normalizedMode(key) })),
  };
}

function normalizedSource(source: SourceSpec): NormalizedDefinition {
  const { renamedFrom } = source;
  return {
    ...(source.push === true ? { push: true } : { table: source.table }),
    ...(renamedFrom === undefined ? {} : { renamedFrom }),
    createdAt: source.createdAt,
    eventTime: normalizedEventTime(source),
    primaryKey: source.primaryKey,
    ...(source.keyFrom === undefined ? {} : { keyFrom: source.keyFrom }),
    ...normalizedExpectations(source),
    columns: columnsByName(source.columns, (column) => ({
      ...normalizedColumn(column),
      ...normalizedMode(column),
      nullable: column.nullable,
    })),
  };
}

/**
 * What is expected of each row, as people read it. The conditions that quarantine rows are a part
 * of what the rows are.
 */
function normalizedExpectations(source: SourceSpec): NormalizedDefinition {
  const { expectations = [] } = source;
  if (expectations.length === 0) return {};
  return {
    expect: Object.fromEntries(
      expectations.map(({ name, condition, onViolation }) => [
        name,
        `${expressionText(condition)}, or ${onViolation}`,
      ]),
    ),
    ...normalizedQuarantine(source),
  };
}

function normalizedView(view: ViewSpec): NormalizedDefinition {
  return {
    kind: view.kind,
    entity: view.entity.name,
    source: view.source.name,
    ttl: view.ttl,
    keys: Object.fromEntries(view.entity.keys.map((key, i) => [key.name, view.keyColumns[i]!])),
    // The longest window decides which entities are NOT_FOUND (law 7: its rows give the status).
    ...normalizedLongest(view),
    ...normalizedRows(view),
    ...normalizedParts(view),
    ...normalizedFormerNames(view),
  };
}

/** Which rows of the source a view is over. A view over all rows leaves it out. */
function normalizedRows(view: Pick<ViewSpec, "source" | "lookups" | "rows">): NormalizedDefinition {
  const { rows } = view;
  return rows === undefined ? {} : { rows: normalizedExpression(rows, columnsOfRows(view)) };
}

/** What a view reads of each part of a union. A view of a table leaves it out. */
function normalizedParts({ parts, source }: ViewSpec): NormalizedDefinition {
  if (parts === undefined) return {};
  const names = source.columns.map(({ name }) => name);
  return {
    parts: Object.fromEntries(
      parts.map((part) => [
        part.name,
        {
          source: part.source.name,
          ...normalizedRows(part),
          ...normalizedList(part),
          columns: normalizedColumns(part, names),
        },
      ]),
    ),
  };
}

/** The list of an exploded source. A part of a union leaves it out. */
function normalizedList({ explode, source }: UnionPart): NormalizedDefinition {
  if (explode === undefined) return {};
  return { explode: normalizedExpression(explode.list, namedColumns(source)) };
}

/** What columns of a union are in one part; those that no user sees follow from its source. */
function normalizedColumns(part: UnionPart, names: readonly string[]): CanonicalJson {
  const named = namedColumns(part.source);
  const shown = names.filter((name) => !name.startsWith(HIDDEN) && name !== "part");
  return Object.fromEntries(
    shown.sort().map((name) => [name, normalizedExpression(part.columns[name]!, named)]),
  );
}

type NamedColumns = (name: string) => NormalizedDefinition & CanonicalJson;

function namedColumns(source: SourceSpec): NamedColumns {
  return (name) => ({
    name,
    ...normalizedColumn(source.columns.find((column) => column.name === name)!),
  });
}

/**
 * The columns of a view's rows. A looked-up column is what it holds: its own name and the other
 * columns of the lookup do not matter.
 */
function columnsOfRows(view: Pick<ViewSpec, "source" | "lookups">): NamedColumns {
  const { source, lookups = [] } = view;
  const stored = namedColumns(source);
  const named: NamedColumns = (name) => {
    for (const { dimension, rows, on, columns } of lookups) {
      const found = columns.find((column) => column.name === name);
      if (found === undefined) continue;
      const inDimension = namedColumns(dimension);
      return {
        lookup: normalizedExpression(found.value, inDimension),
        ...(rows === undefined ? {} : { rows: normalizedExpression(rows, inDimension) }),
        on: on.map((value) => normalizedExpression(value, named)),
        dimension: normalizedRowsOf(dimension),
      };
    }
    return stored(name);
  };
  return named;
}

/** What decides which rows a source has, and when each holds. */
function normalizedRowsOf(source: SourceSpec): NormalizedDefinition {
  const named = namedColumns(source);
  return {
    name: source.name,
    ...normalizedOrigin(source),
    primaryKey: source.primaryKey.map(named),
    ...(source.keyFrom === undefined
      ? {}
      : { keyFrom: source.keyFrom.map(({ column, part }) => [named(column), part]) }),
    eventTime:
      source.eventTime.kind === "column"
        ? { column: named(source.eventTime.column) }
        : { committed: source.eventTime.since === null ? null : named(source.eventTime.since) },
    createdAt: source.createdAt === null ? null : named(source.createdAt),
    ...normalizedQuarantine(source),
  };
}

/** The conditions that rows must not violate, in an order of their own. */
function normalizedQuarantine(source: SourceSpec): NormalizedDefinition {
  const named = namedColumns(source);
  const conditions = quarantiningExpectations(source)
    .map(({ condition }) => normalizedExpression(condition, named))
    .map((one) => [canonicalText(one), one] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return conditions.length === 0 ? {} : { quarantine: conditions.map(([, one]) => one) };
}

function normalizedWindow(window: WindowSpec): CanonicalJson {
  return typeof window === "number" ? window : { ...window };
}

function normalizedLongest({ kind, features }: ViewSpec): NormalizedDefinition {
  if (kind === "latest") return { longestWindow: null };
  const windows = farthestWindows(features.flatMap(windowsOf));
  const others = windows.filter((window) => typeof window !== "number");
  return {
    longestWindow: windows.find((window) => typeof window === "number") ?? null,
    ...(others.length === 0 ? {} : { otherWindows: others.map(normalizedWindow) }),
  };
}

/** The names under which renamed features are answered too. */
function normalizedFormerNames({ features }: ViewSpec | DerivedViewSpec): NormalizedDefinition {
  const former = features.flatMap(({ name, renamedFrom = [] }) =>
    renamedFrom.map((old) => [old, name] as const),
  );
  return former.length === 0 ? {} : { formerNames: Object.fromEntries(former) };
}

/**
 * Returns everything that decides the feature's values. Other columns of the source are left out,
 * so a new column changes no feature.
 */
function normalizedFeature(view: ViewSpec, feature: FeatureSpec): NormalizedDefinition {
  const { source } = view;
  const named = columnsOfRows(view);
  return {
    kind: view.kind,
    ttl: view.ttl,
    ...normalizedValue(feature, named),
    ...normalizedRows(view),
    default: feature.default === undefined ? null : valueJson(feature.default),
    result: { ...normalizedType(feature.result), ...normalizedMode(feature.result) },
    keys: Object.fromEntries(
      view.entity.keys.map((key, i) => [key.name, named(view.keyColumns[i]!)]),
    ),
    source:
      view.parts === undefined
        ? {
            ...normalizedRowsOf(source),
            // A version of a dimension begins when any of its columns changes, and a ttl counts
            // from there.
            ...(source.eventTime.kind === "committed" && view.ttl !== null
              ? { columns: columnsByName(source.columns, normalizedColumn) }
              : {}),
          }
        : { name: source.name, parts: normalizedPartsOf(view, view.parts, feature) },
  };
}

/** What a feature reads of each part of a union. */
function normalizedPartsOf(
  view: ViewSpec,
  parts: readonly UnionPart[],
  feature: FeatureSpec,
): CanonicalJson {
  const names = [
    ...columnsBehind(view.source, feature),
    ...(view.rows === undefined ? [] : columnsOfExpression(view.rows)),
    ...view.keyColumns,
  ];
  return Object.fromEntries(
    parts.map((part) => [
      part.name,
      {
        source: normalizedRowsOf(part.source),
        ...normalizedRows(part),
        ...normalizedList(part),
        columns: normalizedColumns(part, names),
      },
    ]),
  );
}

function normalizedDerivedView(view: DerivedViewSpec): NormalizedDefinition {
  const { transform, features } = view;
  const reads = new Set(features.flatMap(({ inputs }) => inputs.map(inputName)));
  // a view over a transform changes with the transform
  for (const { transforms = [] } of features)
    for (const { name, outputs } of transforms)
      if (name !== view.name) for (const output of outputs) reads.add(`${name}.${output.name}`);
  if (transform === undefined)
    return { kind: "derived", reads: [...reads].sort(), ...normalizedFormerNames(view) };
  for (const { name, outputs } of transform.transforms ?? [])
    for (const output of outputs) reads.add(`${name}.${output.name}`);
  return {
    kind: "transform",
    version: transform.version,
    reads: [...reads].sort(),
    inputs: columnsByName(
      transform.inputs.map(({ type }) => type),
      normalizedPart,
    ),
    outputs: columnsByName(transform.outputs, normalizedPart),
  };
}

/**
 * A derived feature holds its inputs without their names: a change of an input changes its values,
 * and another name does not.
 */
function normalizedDerived(feature: DerivedFeatureSpec): NormalizedDefinition {
  const { value, inputs, request, result } = feature;
  const named = new Map<string, CanonicalJson>([
    ...inputs.map((one) => [inputName(one), normalizedFeature(one.view, one.feature)] as const),
    ...request.map((column) => [column.name, normalizedRequest(column)] as const),
  ]);
  for (const transform of transformsBehind(feature))
    for (const output of transform.outputs)
      named.set(`${transform.name}.${output.name}`, {
        output: output.name,
        ...normalizedTransform(transform, (name) => named.get(name)!),
      });
  return {
    kind: "derived",
    value: normalizedExpression(value, (name) => named.get(name)!),
    default: feature.default === undefined ? null : valueJson(feature.default),
    result: { ...normalizedType(result), ...normalizedMode(result) },
  };
}

/** The code of a transform is known by its name and version: other code has another version. */
function normalizedTransform(
  { name, version, inputs }: TransformSpec,
  named: (column: string) => CanonicalJson,
): NormalizedDefinition {
  return {
    transform: name,
    version,
    inputs: Object.fromEntries(
      inputs.map((input) => [
        input.name,
        { value: normalizedExpression(input.value, named), ...normalizedPart(input.type) },
      ]),
    ),
  };
}

function normalizedRequest(column: ColumnSpec): NormalizedDefinition {
  return { request: column.name, ...normalizedPart(column) };
}

/** What the feature computes. The names of a function's aggregates are left out. */
function normalizedValue(
  feature: FeatureSpec,
  named: (column: string) => CanonicalJson,
): NormalizedDefinition {
  if (feature.function === undefined) return normalizedAggregate(feature, named);
  const { value, aggregates: inputs } = feature.function;
  const aggregates = new Map(inputs.map((one) => [one.name, normalizedAggregate(one, named)]));
  return {
    window: normalizedWindow(feature.window!),
    value: normalizedExpression(value, (name) => aggregates.get(name)!),
  };
}

function normalizedAggregate(
  { aggregate, options, window, arguments: arguments_, by, where }: AggregateSpec,
  named: (column: string) => CanonicalJson,
): NormalizedDefinition {
  return {
    aggregate,
    ...(options === undefined ? {} : { options }),
    window: window === null ? null : normalizedWindow(window),
    ...normalizedArguments(arguments_, named),
    ...(by === undefined ? {} : { by: normalizedCategories(by, named) }),
    where: where === null ? null : normalizedExpression(where, named),
  };
}

function normalizedCategories(
  { key, each, default: replaced }: CategorySpec,
  named: (column: string) => CanonicalJson,
): CanonicalJson {
  return {
    key: normalizedExpression(key, named),
    ...(each === undefined ? {} : { each }),
    ...(replaced === undefined ? {} : { default: valueJson(replaced.value) }),
  };
}

function normalizedService({ features }: ServiceSpec): NormalizedDefinition {
  const roles = features.flatMap((one) => {
    const role = roleOf(one);
    return role === undefined ? [] : [[one.as, role] as const];
  });
  return {
    ...(roles.length === 0 ? {} : { roles: Object.fromEntries(roles) }),
    features: Object.fromEntries(
      features.map(({ view, feature, as }) => [as, `${view.name}.${feature.name}`]),
    ),
  };
}

/** Expectations are kept as people read them: no answer depends on them. */
function normalizedQuality({ on, severity, expectations }: QualitySpec): NormalizedDefinition {
  return {
    on: on.kind === "source" ? `source ${on.name}` : on.name,
    severity,
    expect: Object.fromEntries(
      expectations.map((one) => [
        one.name,
        expectedText(one, on.kind === "source" ? "row" : "entity"),
      ]),
    ),
  };
}

/** What brings the rows. A renamed table keeps its first name, because its rows stay. */
function normalizedOrigin(source: SourceSpec): NormalizedDefinition {
  return source.push === true ? { push: true } : { table: originalTable(source) };
}

function normalizedEventTime({ eventTime }: SourceSpec): CanonicalJson {
  return eventTime.kind === "column"
    ? { column: eventTime.column }
    : { committed: eventTime.since };
}

function normalizedColumn(column: ColumnSpec): NormalizedDefinition {
  const { database, encoding } = column;
  return { database, ...normalizedType(column), ...(encoding === undefined ? {} : { encoding }) };
}

function normalizedType(spec: TypeSpec): NormalizedDefinition {
  const { type, precision, scale, zone, element, keys, values, fields } = spec;
  return {
    type,
    ...(element === undefined ? {} : { element: normalizedPart(element) }),
    ...(keys === undefined ? {} : { keys: normalizedPart(keys) }),
    ...(values === undefined ? {} : { values: normalizedPart(values) }),
    ...(fields === undefined
      ? {}
      : { fields: fields.map((field) => [field.name, normalizedPart(field)]) }),
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
    ...(zone === undefined ? {} : { zone }),
  };
}

function normalizedPart(spec: TypeSpec): NormalizedDefinition {
  return { ...normalizedType(spec), ...normalizedMode(spec), nullable: spec.nullable };
}

/** The form in which a caller gets the values. */
function normalizedMode({ mode }: TypeSpec): NormalizedDefinition {
  return mode === undefined ? {} : { mode };
}

function columnsByName(
  columns: readonly ColumnSpec[],
  normalize: (column: ColumnSpec) => NormalizedDefinition,
): CanonicalJson {
  return Object.fromEntries(columns.map((column) => [column.name, normalize(column)]));
}
