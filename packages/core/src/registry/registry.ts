/** The registry of a namespace: what was applied, what would change, and the change itself. */
import type { Definitions } from "../define/collect-definitions.ts";
import { TidemarkError } from "../errors.ts";
import type { OfflineStore, OnlineStore, RegistryStore } from "../spi.ts";
import { differences, type DefinitionDifference } from "./differences.ts";
import { definedObjects } from "./normalized-definitions.ts";
import { servingStatus, type ServingStatus } from "./serving.ts";
import {
  decodeSnapshot,
  encodeSnapshot,
  nextSnapshot,
  type AppliedBy,
  type RegistrySnapshot,
} from "./snapshot.ts";
import { currentUser } from "./current-user.ts";

/** One change of a plan. */
export interface PlannedChange extends DefinitionDifference {
  /** How the online store serves an added or changed feature. null for other objects. */
  readonly serving: ServingStatus | null;
}

/** The result of `store.plan`: what `apply` would change. */
export interface RegistryPlan {
  readonly namespace: string;
  /** Who applied the newest version, and when. null: nothing was applied yet. */
  readonly applied: (AppliedBy & { readonly version: number }) | null;
  readonly changes: readonly PlannedChange[];
  /** Unchanged features that are not served now, such as `weekly.total`, and why. */
  readonly waiting: readonly { readonly feature: string; readonly serving: ServingStatus }[];
}

/** The options of `store.apply`. */
export interface ApplyOptions {
  /** Also applies changes that give a caller another answer, or none. */
  readonly allowDestructive?: boolean | undefined;
  /** The name that is stored with the applied version. Default: the current user. */
  readonly by?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The result of `store.apply`: the plan that was applied, and the new version. */
export interface ApplyResult extends RegistryPlan {
  /** The registry's version after the call. */
  readonly version: number;
}

/** The definitions of a store, and the stores that they are compared with. */
export interface RegistrySettings {
  readonly definitions: Definitions;
  readonly namespace: string;
  readonly offline: OfflineStore;
  readonly registry: RegistryStore;
  readonly online: OnlineStore | undefined;
  /** Returns the current time in µs. */
  readonly clock: () => number;
}

/** The stored snapshot and its etag. null: nothing was applied yet. */
interface LoadedRegistry {
  readonly snapshot: RegistrySnapshot | null;
  readonly etag: string | null;
}

const registryName = ({
  offline,
  namespace,
}: Pick<RegistrySettings, "offline" | "namespace">): string =>
  `${offline.name}: the registry of namespace "${namespace}"`;

/**
 * Loads the registry of a namespace.
 *
 * @throws REGISTRY_OLDER_FORMAT when an older version of Tidemark wrote it.
 * @throws REGISTRY_NEWER_FORMAT when a newer version of Tidemark wrote it.
 * @throws REGISTRY_DAMAGED when it cannot be read.
 */
export async function loadRegistry(
  settings: Pick<RegistrySettings, "offline" | "namespace" | "registry">,
  signal: AbortSignal | undefined,
): Promise<LoadedRegistry> {
  const found = await settings.registry.load({ namespace: settings.namespace, signal });
  return found === null
    ? { snapshot: null, etag: null }
    : { snapshot: decodeSnapshot(found.snapshot, registryName(settings)), etag: found.etag };
}

/** Compares the definitions with the applied definitions, and returns what `apply` would change. */
export async function planRegistry(
  settings: RegistrySettings,
  signal: AbortSignal | undefined,
): Promise<RegistryPlan> {
  return planFrom(await loadRegistry(settings, signal), settings);
}

async function planFrom(
  { snapshot }: LoadedRegistry,
  { definitions, online, namespace }: RegistrySettings,
): Promise<RegistryPlan> {
  const views = [...definitions.views.values()];
  const serving = await servingStatus(online, namespace, views);
  const features = new Map<string, ServingStatus>(
    views.flatMap((view) =>
      view.features.map(
        (feature) => [`${view.name}.${feature.name}`, serving(view, feature)] as const,
      ),
    ),
  );
  const changes = differences(snapshot, definedObjects(definitions)).map(
    (change): PlannedChange => ({
      ...change,
      serving: change.kind === "feature" ? (features.get(change.name) ?? null) : null,
    }),
  );
  const changed = new Set(changes.filter(({ kind }) => kind === "feature").map(({ name }) => name));
  return {
    namespace,
    applied: snapshot === null ? null : { ...snapshot.applied, version: snapshot.version },
    changes,
    waiting: [...features].flatMap(([feature, one]) =>
      changed.has(feature) || (one.kind !== "backfill" && one.kind !== "rebuild")
        ? []
        : [{ feature, serving: one }],
    ),
  };
}

/**
 * Applies the definitions in one write. A process that dies has applied all definitions, or none.
 *
 * @throws REGISTRY_DESTRUCTIVE when a caller would get another answer, and the option
 * `allowDestructive` is not set.
 * @throws REGISTRY_CONFLICT when another process applied other definitions at the same time.
 */
export async function applyRegistry(
  settings: RegistrySettings,
  { allowDestructive = false, by, signal }: ApplyOptions,
): Promise<ApplyResult> {
  const loaded = await loadRegistry(settings, signal);
  const plan = await planFrom(loaded, settings);
  if (plan.changes.length === 0) return { ...plan, version: plan.applied?.version ?? 0 };
  const destructive = plan.changes.filter((change) => change.destructive !== null);
  if (destructive.length > 0 && !allowDestructive) {
    const impacts = destructive.map(
      ({ kind, name, action, destructive: why }) => `${kind} ${name} would be ${action} (${why!})`,
    );
    throw new TidemarkError(
      "REGISTRY_DESTRUCTIVE",
      `${registryName(settings)}: ${impacts.join("; ")}: ` +
        "give the new definition a new name and keep the old one until no caller uses it, " +
        "or allow the changes with --allow-destructive (allowDestructive: true)",
    );
  }
  const applied = { at: new Date(settings.clock() / 1000).toISOString(), by: by ?? currentUser() };
  const next = nextSnapshot(loaded.snapshot, definedObjects(settings.definitions), applied);
  if (
    (await settings.registry.save(encodeSnapshot(next), {
      namespace: settings.namespace,
      expected: loaded.etag,
      signal,
    })) === "done"
  )
    return { ...plan, version: next.version };
  const { snapshot: other } = await loadRegistry(settings, signal);
  // Another process applied the same definitions at the same time, so nothing is left to do.
  if (other !== null && differences(other, definedObjects(settings.definitions)).length === 0)
    return { ...plan, version: other.version };
  const conflicting =
    other === null
      ? "another process changed it"
      : `${other.applied.by} applied version ${other.version} at ${other.applied.at},`;
  const base =
    loaded.snapshot === null ? "an empty registry" : `version ${loaded.snapshot.version}`;
  throw new TidemarkError(
    "REGISTRY_CONFLICT",
    `${registryName(settings)}: ${conflicting} while this was planned on ${base}; ` +
      "none of your changes was applied: run tidemark plan again, " +
      "and apply the remaining changes",
  );
}
