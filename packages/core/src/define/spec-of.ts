/** Returns the specs of definitions, as plain data. */
import { TidemarkError } from "../errors.ts";
import type { DerivedViewSpec, EntitySpec, ServiceSpec, SourceSpec, ViewSpec } from "../specs.ts";
import { definitionOfKind, described } from "./definition.ts";

/**
 * Returns the spec of a source.
 *
 * @throws DEFINITION_INVALID when the value is no source.
 *
 * @example
 * const { columns } = specOfSource(transactions);
 */
export function specOfSource(definition: unknown): SourceSpec {
  return specOf(definition, "source");
}
/**
 * Returns the spec of an entity.
 *
 * @throws DEFINITION_INVALID when the value is no entity.
 *
 * @example
 * const { keys } = specOfEntity(user);
 */
export function specOfEntity(definition: unknown): EntitySpec {
  return specOf(definition, "entity");
}
/**
 * Returns the spec of a feature view.
 *
 * @throws DEFINITION_INVALID when the value is no feature view.
 *
 * @example
 * const { features } = specOfView(weekly);
 */
export function specOfView(definition: unknown): ViewSpec {
  return specOf(definition, "view");
}
/**
 * Returns the spec of a feature view or of a derived view.
 *
 * @throws DEFINITION_INVALID when the value is neither.
 *
 * @example
 * const { features } = specOfAnyView(weekly);
 */
export function specOfAnyView(definition: unknown): ViewSpec | DerivedViewSpec {
  return definitionOfKind(definition, "derived view")?.spec ?? specOf(definition, "view");
}
/**
 * Returns the spec of a feature service.
 *
 * @throws DEFINITION_INVALID when the value is no feature service.
 *
 * @example
 * const { features } = specOfService(fraud);
 */
export function specOfService(definition: unknown): ServiceSpec {
  return specOf(definition, "service");
}

interface Specs {
  source: SourceSpec;
  entity: EntitySpec;
  view: ViewSpec;
  service: ServiceSpec;
}

function specOf<K extends keyof Specs>(value: unknown, kind: K): Specs[K] {
  const found = definitionOfKind<keyof Specs>(value, kind);
  if (found === undefined)
    throw new TidemarkError(
      "DEFINITION_INVALID",
      `${described(value)} is no ${kind}; give one as your definitions export it`,
    );
  return found.spec as Specs[K];
}
