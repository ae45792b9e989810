/** From a definition to what it says, as plain data. */
import { TidemarkError } from "../errors.ts";
import type { EntitySpec, ServiceSpec, SourceSpec, ViewSpec } from "../specs.ts";
import { definitionOfKind, described } from "./definition.ts";

/** What a source says; anything else is `DEFINITION_INVALID`. */
export function specOfSource(definition: unknown): SourceSpec {
  return specOf(definition, "source");
}
/** What an entity says; anything else is `DEFINITION_INVALID`. */
export function specOfEntity(definition: unknown): EntitySpec {
  return specOf(definition, "entity");
}
/** What a feature view says; anything else is `DEFINITION_INVALID`. */
export function specOfView(definition: unknown): ViewSpec {
  return specOf(definition, "view");
}
/** What a feature service says; anything else is `DEFINITION_INVALID`. */
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
