/** Collects all definitions of a module, by name. */
import { TidemarkError } from "../errors.ts";
import type { EntitySpec, ServiceSpec, SourceSpec, ViewSpec } from "../specs.ts";
import { definitionOf, described } from "./definition.ts";

/** The specs of a module's definitions, by name. */
export interface Definitions {
  readonly entities: ReadonlyMap<string, EntitySpec>;
  readonly sources: ReadonlyMap<string, SourceSpec>;
  readonly views: ReadonlyMap<string, ViewSpec>;
  readonly services: ReadonlyMap<string, ServiceSpec>;
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
  const views = new DefinitionsByName<ViewSpec>("feature views");
  const services = new DefinitionsByName<ServiceSpec>("feature services");
  const addView = (view: ViewSpec, where: string): void => {
    views.add(view, where);
    entities.add(view.entity, `${where} (feature view "${view.name}")`);
    sources.add(view.source, `${where} (feature view "${view.name}")`);
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
      case "view":
        addView(found.spec, where);
        break;
      case "feature":
        addView(found.view, where);
        break;
      case "service":
        services.add(found.spec, where);
        for (const { view } of found.spec.features)
          addView(view, `${where} (feature service "${found.spec.name}")`);
        break;
      default:
        break;
    }
  }
  return {
    entities: entities.specs,
    sources: sources.specs,
    views: views.specs,
    services: services.specs,
  };
}

class DefinitionsByName<T extends { readonly name: string }> {
  readonly specs = new Map<string, T>();
  private readonly origins = new Map<string, string>();
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
