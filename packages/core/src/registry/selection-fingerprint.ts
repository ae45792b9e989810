/** One fingerprint of all that the answers to a selection depend on. */
import type { Definitions } from "../define/collect-definitions.ts";
import { baseFeatures, neededColumns } from "../define/base-features.ts";
import { sourcesOf } from "../plan/columns-read.ts";
import type { SelectedFeature } from "../specs.ts";
import { textHash } from "../text-hash.ts";
import { canonicalText } from "./canonical.ts";
import { definedObjects, objectKey, type ObjectKind } from "./normalized-definitions.ts";

/**
 * The fingerprint of the selected features, in their order, with their views, entities and sources.
 * Equal fingerprints have equal answers.
 */
export function selectionFingerprint(
  definitions: Definitions,
  selection: readonly SelectedFeature[],
): string {
  return fingerprinter(definitions)(selection);
}

/** Makes the function that gives the fingerprints of many selections of the same definitions. */
export function fingerprinter(
  definitions: Definitions,
): (selection: readonly SelectedFeature[]) => string {
  const objects = definedObjects(definitions);
  return (selection) => {
    const base = baseFeatures(selection);
    const keys = new Set<string>();
    const add = (kind: ObjectKind, name: string): void => void keys.add(objectKey({ kind, name }));
    for (const { view, feature } of [...selection, ...base]) {
      add("view", view.name);
      add("feature", `${view.name}.${feature.name}`);
    }
    for (const { view } of base) add("entity", view.entity.name);
    for (const { name } of sourcesOf(selection)) add("source", name);
    return textHash(
      canonicalText([
        ...selection.map((one) => [
          one.as,
          one.view.name,
          one.feature.name,
          neededColumns(one).map(({ name }) => name),
        ]),
        ...[...keys].sort().map((key) => {
          const object = objects.get(key);
          if (object === undefined) throw new TypeError(`the definitions lack the ${key}`);
          return [key, object.fingerprint, object.code ?? null];
        }),
      ]),
    );
  };
}
