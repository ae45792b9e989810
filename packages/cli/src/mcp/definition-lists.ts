/** Finds definitions for a program: by their kind, their name, and words in their description. */
import { TidemarkError, type Definitions, type Metadata } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";
import { definitionsJson, type DefinitionsJson } from "@tidemark/server";

/** The kinds of definitions. */
export const DEFINITION_LISTS = [
  "services",
  "views",
  "derivedViews",
  "entities",
  "sources",
] as const;
export type DefinitionList = (typeof DEFINITION_LISTS)[number];

/** A definition in a list. */
interface ListedDefinition {
  readonly kind: DefinitionList;
  readonly name: string;
  readonly description?: string | undefined;
  readonly owner?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly deprecated?: Metadata["deprecated"];
  /** The references of its features, `view:feature`. */
  readonly features?: readonly string[] | undefined;
}

type Described = DefinitionsJson[DefinitionList][number] & { readonly metadata?: Metadata };

/** Lists definitions. `search`: only those with this text in their name, description or tags. */
export function listDefinitions(
  definitions: Definitions,
  {
    kind,
    search,
  }: { readonly kind?: DefinitionList | undefined; readonly search?: string | undefined },
): readonly ListedDefinition[] {
  const all = definitionsJson(definitions);
  const wanted = search?.toLowerCase();
  const kinds = kind === undefined ? DEFINITION_LISTS : [kind];
  return kinds
    .flatMap((one) => (all[one] as readonly Described[]).map((found) => entryOf(one, found)))
    .filter(
      (entry) => wanted === undefined || JSON.stringify(entry).toLowerCase().includes(wanted),
    );
}

function entryOf(kind: DefinitionList, found: Described): ListedDefinition {
  const { name, metadata = {} } = found;
  const features = "features" in found ? found.features.map(({ feature }) => feature) : undefined;
  const { description, owner, tags, deprecated } = metadata;
  return { kind, name, description, owner, tags, deprecated, features };
}

/**
 * Returns all that is known of one definition: keys, features, types, windows and metadata.
 *
 * @throws DEFINITION_UNKNOWN when there is none of the name.
 */
export function describeDefinition(
  definitions: Definitions,
  name: string,
): Readonly<Record<string, unknown>> {
  const all = definitionsJson(definitions);
  const found = DEFINITION_LISTS.flatMap((kind) =>
    (all[kind] as readonly Described[])
      .filter((one) => one.name === name)
      .map((one) => ({ list: kind, ...one })),
  );
  if (found.length > 0) return found.length === 1 ? found[0]! : { definitions: found };
  const names = DEFINITION_LISTS.flatMap((kind) => all[kind].map((one) => one.name));
  throw new TidemarkError(
    "DEFINITION_UNKNOWN",
    `nothing is called "${name}"${didYouMean(name, names)}; call the tool without a name, which ` +
      "lists all definitions",
  );
}
