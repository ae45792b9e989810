/** Finds features that were renamed: their new name was not applied, and an old one was. */
import { objectKey, type DefinedObject } from "./normalized-definitions.ts";

/**
 * Returns the key of the applied feature by the key of the feature that it became.
 * A former name that the definitions still declare as a feature is no renaming.
 */
export function renamedFeatures(
  applied: ReadonlyMap<string, unknown>,
  now: ReadonlyMap<string, DefinedObject>,
): ReadonlyMap<string, string> {
  const renamed = new Map<string, string>();
  for (const { kind, name: view, normalized } of now.values()) {
    if (kind !== "view") continue;
    for (const [former, current] of Object.entries(formerNamesOf(normalized))) {
      const [from, to] = [former, current].map((name) =>
        objectKey({ kind: "feature", name: `${view}.${name}` }),
      );
      if (applied.has(from!) && !now.has(from!) && !applied.has(to!) && !renamed.has(to!))
        renamed.set(to!, from!);
    }
  }
  return renamed;
}

/** Returns the former names of a view's features, each with the current name. */
export function formerNamesOf(view: DefinedObject["normalized"]): Readonly<Record<string, string>> {
  return (view["formerNames"] ?? {}) as Readonly<Record<string, string>>;
}
