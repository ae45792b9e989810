/** The registry of a namespace: what was applied, what would change, and the change. */
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

export interface PlannedChange extends DefinitionDifference {
  /** Of a feature that is added or changed; null for anything else. */
  readonly serving: ServingStatus | null;
}

export interface RegistryPlan {
  readonly namespace: string;
  /** What was applied last; null: nothing yet. */
  readonly applied: (AppliedBy & { readonly version: number }) | null;
  readonly changes: readonly PlannedChange[];
  /** Features that stay as they are and are not served now, and why: `weekly.total`. */
  readonly waiting: readonly { readonly feature: string; readonly serving: ServingStatus }[];
}

export interface ApplyOptions {
  /** Also what takes an answer away from somebody, or changes what it means. */
  readonly allowDestructive?: boolean | undefined;
  /** Who applies, for those who come after; `user@machine` without it. */
  readonly by?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ApplyResult extends RegistryPlan {
  /** The registry's version now. */
  readonly version: number;
}

export interface RegistrySettings {
  readonly definitions: Definitions;
  readonly namespace: string;
  readonly offline: OfflineStore;
  readonly registry: RegistryStore;
  readonly online: OnlineStore | undefined;
  /** Now, µs. */
  readonly clock: () => number;
}

interface LoadedRegistry {
  readonly snapshot: RegistrySnapshot | null;
  readonly etag: string | null;
}

const registryName = ({
  offline,
  namespace,
}: Pick<RegistrySettings, "offline" | "namespace">): string =>
  `${offline.name}: the registry of namespace "${namespace}"`;

export async function loadRegistry(
  settings: Pick<RegistrySettings, "offline" | "namespace" | "registry">,
  signal: AbortSignal | undefined,
): Promise<LoadedRegistry> {
  const found = await settings.registry.load({ namespace: settings.namespace, signal });
  return found === null
    ? { snapshot: null, etag: null }
    : { snapshot: decodeSnapshot(found.snapshot, registryName(settings)), etag: found.etag };
}

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
 * One write decides: who is killed before it has changed nothing, who is killed after it is done.
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
    throw new TidemarkError(
      "REGISTRY_DESTRUCTIVE",
      `${registryName(settings)}: ` +
        `${destructive.map((change) => `${change.kind} ${change.name} would be ${change.action} (${change.destructive!})`).join("; ")}: ` +
        "give a new meaning a new name and keep the old one until nobody asks for it, or say " +
        "that you mean it with --allow-destructive (allowDestructive: true)",
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
  // somebody applied the same at the same time: it is as it was to be
  if (other !== null && differences(other, definedObjects(settings.definitions)).length === 0)
    return { ...plan, version: other.version };
  throw new TidemarkError(
    "REGISTRY_CONFLICT",
    `${registryName(settings)}: ` +
      `${other === null ? "somebody else" : `${other.applied.by} applied version ${other.version} at ${other.applied.at},`} ` +
      "while this was planned on " +
      `${loaded.snapshot === null ? "an empty one" : `version ${loaded.snapshot.version}`}; ` +
      "nothing of yours was applied: look at tidemark plan again, and apply what is still to " +
      "change",
  );
}
