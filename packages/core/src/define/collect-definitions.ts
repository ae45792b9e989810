/** Collects all definitions of a module, by name. */
import { TidemarkError } from "../errors.ts";
import type {
  DerivedViewSpec,
  EntitySpec,
  QualitySpec,
  SelectedFeature,
  ServiceSpec,
  SourceSpec,
  UnionPart,
  ViewSpec,
} from "../specs.ts";
import { isDerived, transformsBehind } from "./base-features.ts";
import { definitionOf, derivedTitle, described } from "./definition.ts";
import { viewOutOfRole } from "./roles.ts";
import { sourceReadings } from "./source-readings.ts";
import { transformView } from "./transform.ts";

/** The specs of a module's definitions, by name. */
export interface Definitions {
  readonly entities: ReadonlyMap<string, EntitySpec>;
  readonly sources: ReadonlyMap<string, SourceSpec>;
  readonly views: ReadonlyMap<string, ViewSpec>;
  /** Views of features that are computed from features of `views`: derived views, transforms. */
  readonly derivedViews: ReadonlyMap<string, DerivedViewSpec>;
  readonly services: ReadonlyMap<string, ServiceSpec>;
  /** Expectations of sources and features. No answer depends on them. */
  readonly qualities: ReadonlyMap<string, QualitySpec>;
}

/**
 * Collects the definitions among the exports of a module (or the members of an object).
 * The definitions that they are made of are collected too.
 * Other exports are ignored, and lists and objects are not searched.
 *
 * @throws DEFINITION_INVALID when the argument is no module and no object of definitions.
 * @throws DEFINITION_CONFLICT when two different definitions have one name.
 *
 * @example
 * const { views } = collectDefinitions(await import("./features.ts"));
 */
export function collectDefinitions(exports: { readonly [exported: string]: unknown }): Definitions {
  if (typeof exports !== "object" || exports === null || definitionOf(exports) !== undefined) {
    throw new TidemarkError(
      "DEFINITION_INVALID",
      "the definitions must be a module or an object of definitions, " +
        `as await import("./features.ts") gives; got ${described(exports)}`,
    );
  }
  const entities = new DefinitionsByName<EntitySpec>("entities");
  const sources = new DefinitionsByName<SourceSpec>("sources");
  const derived = new Map<string, string>();
  const unions = new DefinitionsByName<UnionSpec>("union sources");
  const views = new DefinitionsByName<ViewSpec>("feature views");
  const services = new DefinitionsByName<ServiceSpec>("feature services");
  const qualities = new DefinitionsByName<QualitySpec>("qualities");
  const addView = (view: ViewSpec, where: string): void => {
    views.add(view, where);
    entities.add(view.entity, `${where} (feature view "${view.name}")`);
    if (view.parts !== undefined)
      unions.add({ ...view.source, parts: view.parts }, `${where} (feature view "${view.name}")`);
    for (const { source } of sourceReadings(view))
      sources.add(source, `${where} (feature view "${view.name}")`);
    for (const { dimension } of view.lookups ?? [])
      sources.add(dimension, `${where} (feature view "${view.name}")`);
  };
  const derivedViews = new DefinitionsByName<DerivedViewSpec>("derived views");
  const addDerived = (spec: DerivedViewSpec, where: string): void => {
    derivedViews.add(spec, where);
    const within = `${where} (${derivedTitle(spec)})`;
    for (const feature of spec.features) {
      for (const { view } of feature.inputs) addView(view, within);
      for (const transform of transformsBehind(feature))
        derivedViews.add(transformView(transform), within);
    }
  };
  const addSelected = (selected: SelectedFeature, where: string): void => {
    if (isDerived(selected)) addDerived(selected.view, where);
    else addView(viewOutOfRole(selected.view), where);
  };
  for (const [exported, value] of Object.entries(exports)) {
    const where = `export ${exported}`;
    const found = definitionOf(value);
    switch (found?.kind) {
      case "entity":
        entities.add(found.spec, where);
        break;
      case "source":
        sources.add(found.spec, where);
        break;
      case "derived source":
        derived.set(found.name, where);
        if (found.parts !== undefined) unions.add({ ...found.spec, parts: found.parts }, where);
        for (const spec of [
          ...(found.parts?.map((part) => part.source) ?? [found.spec]),
          ...found.lookups.map(({ dimension }) => dimension),
        ])
          sources.add(spec, `${where} (derived source "${found.name}")`);
        break;
      case "view":
        addView(found.spec, where);
        break;
      case "feature":
        addSelected(found.selected, where);
        break;
      case "derived view":
        addDerived(found.spec, where);
        break;
      case "selection":
        for (const selected of found.features) addSelected(selected, where);
        break;
      case "service":
        services.add(found.spec, where);
        for (const selected of found.spec.features)
          addSelected(selected, `${where} (feature service "${found.spec.name}")`);
        break;
      case "quality": {
        const { spec } = found;
        qualities.add(spec, where);
        if (spec.on.kind === "source") {
          const dimensions = (spec.on.lookups ?? []).map(({ dimension }) => dimension);
          for (const one of [spec.on.source, ...dimensions])
            sources.add(one, `${where} (quality "${spec.name}")`);
        } else {
          for (const { view } of spec.on.inputs) addView(view, `${where} (quality "${spec.name}")`);
          for (const transform of transformsBehind(spec.on))
            derivedViews.add(transformView(transform), `${where} (quality "${spec.name}")`);
        }
        break;
      }
      default:
        break;
    }
  }
  for (const [kind, named] of [
    ["union source", unions.origins],
    ["derived source", derived],
  ] as const)
    for (const [name, where] of named)
      if (sources.specs.has(name))
        throw new TidemarkError(
          "DEFINITION_CONFLICT",
          `a source and a ${kind} are called "${name}", the latter from ${where}; rename one`,
        );
  for (const [name, where] of qualities.origins)
    if (sources.specs.get(name)?.expectations !== undefined)
      throw new TidemarkError(
        "DEFINITION_CONFLICT",
        `a quality and a source that expects something of its rows are called "${name}", the ` +
          `former from ${where}; rename the quality`,
      );
  for (const [name] of derivedViews.specs)
    if (views.specs.has(name))
      throw new TidemarkError(
        "DEFINITION_CONFLICT",
        `a feature view and a derived view are called "${name}"; rename one`,
      );
  return {
    entities: entities.specs,
    sources: sources.specs,
    views: views.specs,
    derivedViews: derivedViews.specs,
    services: services.specs,
    qualities: qualities.specs,
  };
}

/** A union, as definitions compare it. */
type UnionSpec = SourceSpec & { readonly parts: readonly UnionPart[] };

class DefinitionsByName<T extends { readonly name: string }> {
  readonly specs = new Map<string, T>();
  readonly origins = new Map<string, string>();
  private readonly label: string;

  constructor(what: string) {
    this.label = what;
  }

  add(spec: T, where: string): void {
    const known = this.specs.get(spec.name);
    if (known === undefined) {
      this.specs.set(spec.name, spec);
      this.origins.set(spec.name, where);
    } else if (known !== spec && canonicalJson(known) !== canonicalJson(spec)) {
      throw new TidemarkError(
        "DEFINITION_CONFLICT",
        `two different ${this.label} are called "${spec.name}": ` +
          `one from ${this.origins.get(spec.name)}, one from ${where}; rename one`,
      );
    }
  }
}

/**
 * JSON that is equal for equal specs, whatever the order of members. Bigints and bytes keep their
 * type.
 */
function canonicalJson(spec: unknown): string {
  return JSON.stringify(spec, (_, value: unknown) => {
    if (typeof value === "bigint") return `${value}n`;
    if (value instanceof Uint8Array) return [...value];
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  });
}
