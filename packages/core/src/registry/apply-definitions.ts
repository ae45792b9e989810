/** Applies definitions: to the registry, and then to the versions of rows in the history. */
import { historyContext } from "../offline/history-context.ts";
import type { CompactionSettings } from "../offline/compaction.ts";
import { rewriteVersions, type RewrittenVersions } from "../offline/rewrite-versions.ts";
import { rewriteCheck } from "./applied-source.ts";
import type { ApplyResult } from "./plan-types.ts";
import type { SourceSpec } from "../specs.ts";
import { applyRegistry, type ApplyOptions, type RegistrySettings } from "./registry.ts";

/**
 * Applies the definitions in one write, and rewrites the versions of each source whose definition
 * they lack. A process that dies in between has applied them. A second call rewrites the rest.
 *
 * @throws TRANSFORM_CHANGED when a transform has other code than its version was applied with.
 * @throws REGISTRY_DESTRUCTIVE when a caller would get another answer, and the option
 * `allowDestructive` is not set.
 * @throws REGISTRY_CONFLICT when another process applied other definitions at the same time.
 */
export async function applyDefinitions(
  settings: RegistrySettings,
  options: ApplyOptions & { readonly compactionOf: (source: SourceSpec) => CompactionSettings },
): Promise<ApplyResult> {
  const applied = await applyRegistry(settings, options);
  const { definitions, offline } = settings;
  const { compactionOf, signal, onProgress } = options;
  const mayRewrite = rewriteCheck(settings);
  const rewritten: RewrittenVersions[] = [];
  for (const source of definitions.sources.values()) {
    // another process may have applied other definitions since
    if (!(await mayRewrite(source))) continue;
    const context = historyContext(offline, source);
    const { buckets, rewriteBytes, clusterBy } = compactionOf(source);
    const one = await rewriteVersions(context, {
      buckets,
      maxBytes: rewriteBytes,
      clusterBy,
      signal,
      onProgress,
    });
    if (one !== null) rewritten.push(one);
  }
  return { ...applied, rewritten };
}
