/** Warns of deprecated features that are asked for, once per process. */
import { definitionOfKind } from "../define/definition.ts";
import { metadataOf, type Deprecation } from "../metadata.ts";
import type { SelectedFeature } from "../specs.ts";

const told = new Set<string>();

/**
 * Warns of each deprecated feature, view, source and service, once. `asked`: the definition or the
 * list that selects the features.
 */
export function warnOfDeprecated(asked: unknown, selection: readonly SelectedFeature[]): void {
  for (const one of Array.isArray(asked) ? (asked as readonly unknown[]) : [asked]) {
    const service = definitionOfKind(one, "service")?.spec;
    if (service !== undefined) tell(`service ${service.name}`, metadataOf(service)?.deprecated);
  }
  for (const { view, feature } of selection) {
    tell(`feature ${view.name}.${feature.name}`, metadataOf(feature)?.deprecated);
    tell(`view ${view.name}`, metadataOf(view)?.deprecated);
    if (!("source" in view)) continue;
    for (const source of [view.source, ...(view.through ?? [])])
      tell(`source ${source.name}`, metadataOf(source)?.deprecated);
  }
}

function tell(who: string, deprecated: Deprecation | undefined): void {
  if (deprecated === undefined || told.has(who)) return;
  told.add(who);
  process.emitWarning(deprecationText(who, deprecated), {
    type: "TidemarkWarning",
    code: "FEATURE_DEPRECATED",
  });
}

function deprecationText(who: string, { replacedBy, reason, until }: Deprecation): string {
  return (
    `${who} is deprecated${reason === undefined ? "" : ` (${reason})`}: ` +
    (replacedBy === undefined ? "ask for another one" : `ask for ${replacedBy}`) +
    (until === undefined ? "" : `; it is answered until ${until}`)
  );
}
