/** Finds definitions without metadata that a team requires. */
import type { Definitions } from "../define/collect-definitions.ts";
import { metadataOf, type Described } from "../metadata.ts";

/** The metadata that may be required. */
export const REQUIRABLE = ["description", "owner", "tags", "sensitivity"] as const;
export type RequiredMetadata = (typeof REQUIRABLE)[number];

/** A definition that lacks required metadata. */
export interface IncompleteDefinition {
  /** Such as `view`. */
  readonly kind: "entity" | "source" | "view" | "derived view" | "service" | "quality";
  readonly name: string;
  readonly missing: readonly RequiredMetadata[];
}

/** Lists the definitions that lack some of the required metadata, in the order of their kinds. */
export function incompleteDefinitions(
  definitions: Definitions,
  required: readonly RequiredMetadata[],
): readonly IncompleteDefinition[] {
  const of = (
    kind: IncompleteDefinition["kind"],
    specs: ReadonlyMap<string, Described & { readonly name: string }>,
  ): readonly IncompleteDefinition[] =>
    [...specs.values()].flatMap((spec) => {
      const metadata = metadataOf(spec);
      const missing = required.filter((one) => isEmpty(metadata?.[one]));
      return missing.length === 0 ? [] : [{ kind, name: spec.name, missing }];
    });
  return [
    ...of("entity", definitions.entities),
    ...of("source", definitions.sources),
    ...of("view", definitions.views),
    ...of("derived view", definitions.derivedViews),
    ...of("service", definitions.services),
    ...of("quality", definitions.qualities),
  ];
}

function isEmpty(value: string | readonly string[] | undefined): boolean {
  return value === undefined || value.length === 0;
}
