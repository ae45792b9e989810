/** The registry of a namespace: what was applied, what would change, and the change itself. */
import type { Definitions } from "../define/collect-definitions.ts";
import { TidemarkError } from "../errors.ts";
import type { RewriteProgress } from "../offline/rewrite-versions.ts";
import type { OfflineStore, OnlineStore, RegistryStore } from "../spi.ts";
import {
  removedFeatureConsequences,
  sourceConsequences,
  transformConsequences,
} from "./consequences.ts";
import { differences } from "./differences.ts";
import type { DefinitionDifference } from "./definition-difference.ts";
import { definedObjects, objectKey, type DefinedObject } from "./normalized-definitions.ts";
import { ownersTouched } from "./owners.ts";
import type { ApplyResult, PlannedChange, RegistryPlan } from "./plan-types.ts";
import { keptRows } from "./kept-rows.ts";
import { loweredSensitivities, metadataChanges } from "./metadata-changes.ts";
import { materializedWork } from "./materialized-work.ts";
import { runtimeDataOf, runtimeDifferences } from "./runtime-data.ts";
import {
  derivedServingStatus,
  servingStatus,
  sourceStates,
  type ServingStatus,
} from "./serving.ts";
import { base64Columns, otherScales } from "./schemaless-decimals.ts";
import { plannedHistories, sourceWork } from "./source-work.ts";
import { decodeSnapshot, encodeSnapshot, nextSnapshot, type RegistrySnapshot } from "./snapshot.ts";
import { refuseReusedVersions, reusedVersions } from "./transform-versions.ts";
import { newestFirst, withApply, type AppliedVersion } from "./apply-log.ts";
import { currentUser } from "./current-user.ts";

/** The options of `store.apply`. */
export interface ApplyOptions {
  /** Also applies changes that give a caller another answer, or none. */
  readonly allowDestructive?: boolean | undefined;
  /** The name that is stored with the applied version. Default: the current user. */
  readonly by?: string | undefined;
  /** Where the definitions come from, such as a commit. It is stored with the applied version. */
  readonly from?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called while versions of rows are rewritten. A resumed rewrite says what it reuses. */
  readonly onProgress?: ((progress: RewriteProgress) => void) | undefined;
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
  return planFrom(await loadRegistry(settings, signal), settings, signal);
}

/** Lists the applies that the registry keeps, newest first. */
export async function listApplies(
  settings: Pick<RegistrySettings, "offline" | "namespace" | "registry">,
  signal: AbortSignal | undefined,
): Promise<readonly AppliedVersion[]> {
  const { snapshot } = await loadRegistry(settings, signal);
  return snapshot === null
    ? []
    : newestFirst(snapshot.applies, { ...snapshot.applied, version: snapshot.version });
}

async function planFrom(
  { snapshot }: LoadedRegistry,
  settings: RegistrySettings,
  signal: AbortSignal | undefined,
): Promise<RegistryPlan> {
  const { definitions, online, offline, namespace } = settings;
  const views = [...definitions.views.values()];
  const states = await sourceStates(online, namespace, views);
  const histories = await plannedHistories(offline, definitions.sources.values(), signal);
  const features = new Map<string, ServingStatus>();
  for (const view of views)
    for (const feature of view.features)
      features.set(
        `${view.name}.${feature.name}`,
        servingStatus({ states, histories }, view, feature),
      );
  for (const { name, features: derived } of definitions.derivedViews.values())
    for (const feature of derived)
      features.set(
        `${name}.${feature.name}`,
        derivedServingStatus(feature.inputs, (input) => features.get(input)!),
      );
  const now = definedObjects(definitions);
  const changes: PlannedChange[] = [];
  for (const change of differences(snapshot, now)) {
    const scales = await scalesOf(change, snapshot, now, settings, signal);
    changes.push({
      ...change,
      destructive: scales.length > 0 ? scales.join("; ") : change.destructive,
      serving: change.kind === "feature" ? (features.get(change.name) ?? null) : null,
      consequences: consequencesOf(change, snapshot, now, definitions),
      owners: ownersTouched(change, snapshot, now),
    });
  }
  const changed = new Set(changes.filter(({ kind }) => kind === "feature").map(({ name }) => name));
  return {
    namespace,
    applied: snapshot === null ? null : { ...snapshot.applied, version: snapshot.version },
    changes,
    runtime: runtimeDifferences(snapshot?.runtime, definitions),
    reusedVersions: reusedVersions(snapshot, now),
    metadata: metadataChanges(snapshot, now),
    lowered: loweredSensitivities(definitions),
    waiting: [...features].flatMap(([feature, serving]) =>
      changed.has(feature) || (serving.kind !== "backfill" && serving.kind !== "filling")
        ? []
        : [{ feature, serving }],
    ),
    work: await sourceWork(definitions, features, {
      online,
      offline,
      namespace,
      states,
      histories,
      signal,
    }),
    materialized: await materializedWork(views, offline, signal),
    kept: online === undefined ? [] : await keptRows(namespace, views, histories, offline, signal),
  };
}

/** Lists the decimals of a changed source whose earlier values get another scale. */
async function scalesOf(
  { kind, name, action }: DefinitionDifference,
  applied: RegistrySnapshot | null,
  now: ReadonlyMap<string, DefinedObject>,
  { definitions, online, offline }: RegistrySettings,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  if (kind !== "source" || action !== "changed") return [];
  const key = objectKey({ kind, name });
  const base64 = await base64Columns({ online, offline }, definitions.sources.get(name)!, signal);
  return otherScales(applied!.objects.get(key)!.normalized, now.get(key)!.normalized, name, base64);
}

function consequencesOf(
  { kind, name, action }: DefinitionDifference,
  applied: RegistrySnapshot | null,
  now: ReadonlyMap<string, DefinedObject>,
  { sources, views }: Definitions,
): readonly string[] {
  const key = objectKey({ kind, name });
  const was = applied?.objects.get(key);
  if (kind === "source" && action === "changed")
    return sourceConsequences(was!.normalized, now.get(key)!.normalized, sources.get(name)!, [
      ...views.values(),
    ]);
  if (kind === "view" && action === "changed")
    return transformConsequences(was!.normalized, now.get(key)!.normalized);
  if (kind !== "feature" || action !== "removed") return [];
  const isNew = (one: string): boolean => (applied!.objects.get(one)?.removed ?? 0) !== null;
  return removedFeatureConsequences(
    was!,
    [...now].flatMap(([one, object]) => (object.kind === kind && isNew(one) ? [object] : [])),
  );
}

/**
 * Applies the definitions in one write. A process that dies has applied all definitions, or none.
 *
 * @throws TRANSFORM_CHANGED when a transform has other code than its version was applied with.
 * @throws REGISTRY_DESTRUCTIVE when a caller would get another answer, and the option
 * `allowDestructive` is not set.
 * @throws REGISTRY_CONFLICT when another process applied other definitions at the same time.
 */
export async function applyRegistry(
  settings: RegistrySettings,
  { allowDestructive = false, by, from, signal }: ApplyOptions,
): Promise<Omit<ApplyResult, "rewritten">> {
  const loaded = await loadRegistry(settings, signal);
  const plan = await planFrom(loaded, settings, signal);
  refuseReusedVersions(registryName(settings), plan.reusedVersions);
  const waits = plan.work.some(({ backfill }) => backfill !== null);
  const next = waits ? "tidemark backfill" : null;
  if (plan.changes.length + plan.runtime.length + plan.metadata.length === 0)
    return { ...plan, version: plan.applied?.version ?? 0, next };
  const destructive = plan.changes.filter((change) => change.destructive !== null);
  if (destructive.length > 0 && !allowDestructive) {
    const impacts = destructive.map(
      ({ kind, name, action, destructive: why }) => `${kind} ${name} would be ${action} (${why!})`,
    );
    throw new TidemarkError(
      "REGISTRY_DESTRUCTIVE",
      `${registryName(settings)}: ${impacts.join("; ")}: ` +
        "give the new definition a new name and keep the old one until no caller uses it, " +
        "keep a renamed feature's former name with .renamedFrom, " +
        "or allow the changes with --allow-destructive (allowDestructive: true)",
    );
  }
  const applied = { at: new Date(settings.clock() / 1000).toISOString(), by: by ?? currentUser() };
  const changed = nextSnapshot(loaded.snapshot, definedObjects(settings.definitions), applied);
  const { version } = changed;
  const applies = withApply(
    changed.applies,
    { version, applied, from: from ?? null },
    plan.changes,
  );
  const snapshot = { ...changed, applies, runtime: runtimeDataOf(settings.definitions) };
  if (
    (await settings.registry.save(encodeSnapshot(snapshot), {
      namespace: settings.namespace,
      expected: loaded.etag,
      signal,
    })) === "done"
  )
    return { ...plan, version, next };
  const { snapshot: other } = await loadRegistry(settings, signal);
  // Another process applied the same definitions at the same time, so nothing is left to do.
  if (
    other !== null &&
    differences(other, definedObjects(settings.definitions)).length === 0 &&
    metadataChanges(other, definedObjects(settings.definitions)).length === 0 &&
    runtimeDifferences(other.runtime, settings.definitions).length === 0
  )
    return { ...plan, version: other.version, next };
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
