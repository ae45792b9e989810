/** Says whether a definition of a source may replace what was derived under another one. */
import type { Definitions } from "../define/collect-definitions.ts";
import { isRetryable } from "../errors.ts";
import type { OfflineStore } from "../spi.ts";
import type { SourceSpec } from "../specs.ts";
import { definedObjects, objectKey } from "./normalized-definitions.ts";
import { loadRegistry } from "./registry.ts";

/**
 * Makes a check whether the versions of a source may be rewritten under these definitions: nothing
 * was applied, or this definition of the source was. A process with other definitions than those
 * applied leaves the versions as they are. So does a process that cannot reach the registry.
 */
export function rewriteCheck(settings: {
  readonly definitions: Definitions;
  readonly namespace: string;
  readonly offline: OfflineStore | undefined;
}): (source: SourceSpec) => Promise<boolean> {
  const { definitions, namespace, offline } = settings;
  const objects = definedObjects(definitions);
  return async ({ name }) => {
    const registry = offline?.registry;
    if (offline === undefined || registry === undefined) return true;
    const key = objectKey({ kind: "source", name });
    try {
      const { snapshot } = await loadRegistry({ namespace, offline, registry }, undefined);
      if (snapshot === null) return true;
      const applied = snapshot.objects.get(key);
      return applied?.removed === null && applied.fingerprint === objects.get(key)?.fingerprint;
    } catch (error) {
      if (isRetryable(error)) return false;
      throw error;
    }
  };
}
