/**
 * A snapshot of the registry: each object with its normalized definition, its version and its
 * earlier versions.
 */
import { TidemarkError } from "../errors.ts";
import { canonicalText, definitionFingerprint, type CanonicalJson } from "./canonical.ts";
import { objectKey, type DefinedObject, type ObjectKind } from "./normalized-definitions.ts";

/** The version of the stored form. */
const FORMAT = 2;

/** Who applied a version, and when. */
export interface AppliedBy {
  /** When, as an ISO time in UTC. */
  readonly at: string;
  /** The account: `user@machine`, or the option `by` of `apply`. */
  readonly by: string;
}

/** One normalized definition that an object had. */
export interface ObjectVersion {
  readonly version: number;
  readonly fingerprint: string;
  readonly normalized: { readonly [name: string]: CanonicalJson };
  readonly applied: AppliedBy;
}

/** An object of the registry, with its current and earlier versions. */
export interface RegisteredObject extends ObjectVersion {
  readonly kind: ObjectKind;
  readonly name: string;
  /** Earlier versions, oldest first. */
  readonly earlier: readonly ObjectVersion[];
  /** Set if the definitions no longer have the object. */
  readonly removed: AppliedBy | null;
}

/** The whole registry of a namespace at one version. */
export interface RegistrySnapshot {
  /** Counts the calls of `apply` that changed something. */
  readonly version: number;
  readonly applied: AppliedBy;
  readonly objects: ReadonlyMap<string, RegisteredObject>;
}

/**
 * Returns the snapshot after the definitions are applied. A removed object that is applied again
 * keeps its version. An object with another fingerprint gets the next version.
 */
export function nextSnapshot(
  before: RegistrySnapshot | null,
  objects: ReadonlyMap<string, DefinedObject>,
  applied: AppliedBy,
): RegistrySnapshot {
  const next = new Map<string, RegisteredObject>();
  for (const [key, object] of before?.objects ?? [])
    next.set(
      key,
      objects.has(key) || object.removed !== null ? object : { ...object, removed: applied },
    );
  for (const [key, object] of objects) {
    const known = next.get(key);
    if (known === undefined)
      next.set(key, { ...object, version: 1, applied, earlier: [], removed: null });
    else if (known.fingerprint === object.fingerprint) next.set(key, { ...known, removed: null });
    else {
      const { version, fingerprint, normalized, applied: since } = known;
      next.set(key, {
        ...object,
        version: version + 1,
        applied,
        earlier: [...known.earlier, { version, fingerprint, normalized, applied: since }],
        removed: null,
      });
    }
  }
  return {
    version: (before?.version ?? 0) + 1,
    applied,
    objects: new Map([...next].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/**
 * Encodes a snapshot with a random id. Two writers of the same content write different texts, so
 * each writer recognizes its own text.
 */
export function encodeSnapshot({ version, applied, objects }: RegistrySnapshot): string {
  return canonicalText({
    format: FORMAT,
    id: crypto.randomUUID(),
    version,
    applied,
    objects: [...objects.values()],
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
        "or remove that entry and apply the definitions again",
    );
  let stored: {
    readonly format: unknown;
    readonly version: number;
    readonly applied: AppliedBy;
    readonly objects: readonly RegisteredObject[];
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
        `${FORMAT}: delete the registry's files, then apply the definitions again`,
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
    !isApplied(stored.applied) ||
    !Array.isArray(stored.objects)
  )
    throw damaged("a member is missing");
  for (const object of stored.objects as readonly Partial<RegisteredObject>[]) {
    const whole =
      typeof object?.name === "string" &&
      typeof object.kind === "string" &&
      Number.isSafeInteger(object.version) &&
      isApplied(object.applied) &&
      Array.isArray(object.earlier) &&
      (object.removed === null || isApplied(object.removed)) &&
      typeof object.normalized === "object" &&
      object.normalized !== null;
    if (!whole || definitionFingerprint(object.kind!, object.normalized!) !== object.fingerprint)
      throw damaged(
        `what it says of ${String(object?.kind)} "${String(object?.name)}" does not fit its ` +
          "fingerprint",
      );
  }
  return {
    version: stored.version,
    applied: stored.applied,
    objects: new Map(stored.objects.map((object) => [objectKey(object), object])),
  };
}

function isApplied(value: unknown): value is AppliedBy {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as AppliedBy).at === "string" &&
    typeof (value as AppliedBy).by === "string"
  );
}
