/**
 * A snapshot of the registry: each object with its normalized definition, its version and its
 * earlier versions.
 */
import { TidemarkError } from "../errors.ts";
import { isAppliedBy, type AppliedBy } from "./applied-by.ts";
import { applyLogOf, type AppliedVersion } from "./apply-log.ts";
import { canonicalText, definitionFingerprint, type CanonicalJson } from "./canonical.ts";
import { renamedFeatures } from "./renames.ts";
import { isRuntimeData, type RuntimeData } from "./runtime-data.ts";
import { objectKey, type DefinedObject, type ObjectKind } from "./normalized-definitions.ts";

/** The version of the stored form. */
const FORMAT = 2;

/** One normalized definition that an object had. */
export interface ObjectVersion {
  readonly version: number;
  readonly fingerprint: string;
  readonly normalized: { readonly [name: string]: CanonicalJson };
  readonly applied: AppliedBy;
  /** The hash of a transform's source text. Omitted for all others. */
  readonly code?: string | undefined;
}

/** An object of the registry, with its current and earlier versions. */
export interface RegisteredObject extends ObjectVersion {
  readonly kind: ObjectKind;
  readonly name: string;
  /** Earlier versions, oldest first. */
  readonly earlier: readonly ObjectVersion[];
  /** The metadata of the definition. Omitted if there is none. */
  readonly metadata?: { readonly [name: string]: CanonicalJson } | undefined;
  /** Set if the definitions no longer have the object. */
  readonly removed: AppliedBy | null;
}

/** The whole registry of a namespace at one version. */
export interface RegistrySnapshot {
  /** Counts the calls of `apply` that changed something. */
  readonly version: number;
  readonly applied: AppliedBy;
  readonly objects: ReadonlyMap<string, RegisteredObject>;
  /** The applies, oldest first. */
  readonly applies: readonly AppliedVersion[];
  /** What the definitions use of the runtime that applied them. Omitted: nothing. */
  readonly runtime?: RuntimeData | undefined;
}

/**
 * Returns the snapshot after the definitions are applied. It has neither this apply in its
 * log nor the data of the runtime yet. A removed object that is applied again keeps its version. A
 * renamed feature takes the versions of its former name along. An object with another fingerprint
 * gets the next version.
 */
export function nextSnapshot(
  before: RegistrySnapshot | null,
  objects: ReadonlyMap<string, DefinedObject>,
  applied: AppliedBy,
): RegistrySnapshot {
  const next = new Map<string, RegisteredObject>();
  const renamed = renamedFeatures(
    new Map([...(before?.objects ?? [])].filter(([, object]) => object.removed === null)),
    objects,
  );
  for (const [key, object] of before?.objects ?? [])
    next.set(
      key,
      objects.has(key) || object.removed !== null ? object : { ...object, removed: applied },
    );
  for (const [key, object] of objects) {
    const former = renamed.get(key);
    const known = former === undefined ? next.get(key) : before!.objects.get(former);
    if (known === undefined)
      next.set(key, { ...object, version: 1, applied, earlier: [], removed: null });
    else if (known.fingerprint === object.fingerprint) {
      const { metadata: _, ...kept } = known;
      const metadata = object.metadata === undefined ? {} : { metadata: object.metadata };
      next.set(key, { ...kept, name: object.name, removed: null, ...metadata });
    } else {
      const { version, fingerprint, normalized, applied: since, code } = known;
      next.set(key, {
        ...object,
        version: version + 1,
        applied,
        earlier: [
          ...known.earlier,
          {
            version,
            fingerprint,
            normalized,
            applied: since,
            ...(code === undefined ? {} : { code }),
          },
        ],
        removed: null,
      });
    }
  }
  return {
    version: (before?.version ?? 0) + 1,
    applied,
    objects: new Map([...next].sort(([a], [b]) => (a < b ? -1 : 1))),
    applies: before?.applies ?? [],
  };
}

/**
 * Encodes a snapshot with a random id. Two writers of the same content write different texts, so
 * each writer recognizes its own text.
 */
export function encodeSnapshot(snapshot: RegistrySnapshot): string {
  const { version, applied, objects, applies, runtime } = snapshot;
  return canonicalText({
    format: FORMAT,
    id: crypto.randomUUID(),
    version,
    applied,
    objects: [...objects.values()],
    applies,
    ...(runtime === undefined ? {} : { runtime }),
  } as unknown as CanonicalJson);
}

/**
 * Decodes a snapshot. `who` names the registry in messages.
 *
 * @throws REGISTRY_OLDER_FORMAT when an older version of Tidemark wrote it.
 * @throws REGISTRY_NEWER_FORMAT when a newer version of Tidemark wrote it.
 * @throws REGISTRY_DAMAGED when it cannot be read.
 */
export function decodeSnapshot(text: string, who: string): RegistrySnapshot {
  const damaged = (what: string): TidemarkError =>
    new TidemarkError(
      "REGISTRY_DAMAGED",
      `${who} cannot be read: ${what}; put back its newest entry from a copy, ` +
        "or move that entry elsewhere, so that the one before it counts, and apply again",
    );
  let stored: {
    readonly format: unknown;
    readonly version: number;
    readonly applied: AppliedBy;
    readonly objects: readonly RegisteredObject[];
    readonly applies: unknown;
    readonly runtime?: unknown;
  };
  try {
    stored = JSON.parse(text) as typeof stored;
  } catch {
    throw damaged("it is no JSON");
  }
  if (typeof stored !== "object" || stored === null || !Number.isSafeInteger(stored.format))
    throw damaged("it has no format");
  if ((stored.format as number) < FORMAT)
    throw new TidemarkError(
      "REGISTRY_OLDER_FORMAT",
      `${who} has format ${String(stored.format)}, and this version of Tidemark reads ` +
        `${FORMAT}: move the registry's files elsewhere, then apply the definitions again`,
    );
  if (stored.format !== FORMAT)
    throw new TidemarkError(
      "REGISTRY_NEWER_FORMAT",
      `${who} has format ${String(stored.format)}, ` +
        `and this version of Tidemark reads ${FORMAT}: use the version that wrote it, ` +
        "or a newer one",
    );
  if (
    !Number.isSafeInteger(stored.version) ||
    !isAppliedBy(stored.applied) ||
    !Array.isArray(stored.objects) ||
    !isRuntimeData(stored.runtime)
  )
    throw damaged("a member is missing");
  for (const object of stored.objects as readonly Partial<RegisteredObject>[]) {
    const whole =
      typeof object?.name === "string" &&
      typeof object.kind === "string" &&
      Number.isSafeInteger(object.version) &&
      isAppliedBy(object.applied) &&
      Array.isArray(object.earlier) &&
      (object.removed === null || isAppliedBy(object.removed)) &&
      typeof object.normalized === "object" &&
      object.normalized !== null;
    if (!whole || definitionFingerprint(object.kind!, object.normalized!) !== object.fingerprint)
      throw damaged(
        `what it says of ${String(object?.kind)} "${String(object?.name)}" does not fit its ` +
          "fingerprint",
      );
  }
  const applies = applyLogOf(stored.applies);
  if (applies === null) throw damaged("its list of applies has another form");
  return {
    version: stored.version,
    applied: stored.applied,
    objects: new Map(stored.objects.map((object) => [objectKey(object), object])),
    applies,
    ...(stored.runtime === undefined ? {} : { runtime: stored.runtime }),
  };
}
