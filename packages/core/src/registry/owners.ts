/** Who owns what a change of definitions touches. */
import type { DefinitionDifference } from "./definition-difference.ts";
import { objectKey, type DefinedObject } from "./normalized-definitions.ts";
import type { RegistrySnapshot } from "./snapshot.ts";

/**
 * The owners of the changed object, of its view, and of the views and services that are made of it.
 * The owner that is declared now counts, else the one that was applied.
 */
export function ownersTouched(
  { kind, name, usedBy }: DefinitionDifference,
  snapshot: RegistrySnapshot | null,
  now: ReadonlyMap<string, DefinedObject>,
): readonly string[] {
  const view =
    kind === "feature" ? [objectKey({ kind: "view", name: name.slice(0, name.indexOf(".")) })] : [];
  const owners = [objectKey({ kind, name }), ...view, ...usedBy].flatMap((key) => {
    const metadata = now.get(key)?.metadata ?? snapshot?.objects.get(key)?.metadata;
    const owner = metadata?.["owner"];
    return typeof owner === "string" ? [owner] : [];
  });
  return [...new Set(owners)].sort();
}
