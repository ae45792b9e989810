/**
 * The entities that were erased from a store, as keyed hashes. Changes of an erased entity from
 * before the erasure are refused, so that a replay does not bring its rows back.
 *
 * The online store and the change log keep the hashes as metadata of each source. Each step of a
 * writer compares that text, so no writer misses an erasure.
 */
import { nodeCrypto } from "../node-modules.ts";
import type { Change, Metadata, MetadataStep } from "../spi.ts";

/** The key of the erased entities in the metadata of a source. */
export const ERASED = "erased";
/** The key of those that a store learned of and whose rows it may still hold. */
const LEARNED = "erased.learned";
/** The signs of a hash: 132 of its 256 bits. */
const HASH_LENGTH = 22;

/** The erased entities of one name that share a salt. */
export interface ErasedGroup {
  readonly entity: string;
  readonly salt: string;
  /** By hash: the commit time, µs, up to which changes are refused. */
  readonly keys: Readonly<Record<string, number>>;
}

/** Makes the hash of an entity's key. */
export function hashKey(
  { entity, salt }: Pick<ErasedGroup, "entity" | "salt">,
  key: string,
): string {
  return nodeCrypto()
    .createHash("sha256")
    .update(`${salt}\0${entity}\0${key}`)
    .digest("base64url")
    .slice(0, HASH_LENGTH);
}

export function groupsIn(
  metadata: Metadata | undefined,
  key: string = ERASED,
): readonly ErasedGroup[] {
  const text = metadata?.get(key);
  return text === undefined ? [] : (JSON.parse(text) as readonly ErasedGroup[]);
}

export function stepTo(
  metadata: Metadata | undefined,
  groups: readonly ErasedGroup[],
): MetadataStep | null {
  const expected = metadata?.get(ERASED) ?? null;
  const next = JSON.stringify(groups);
  return groups.length === 0 || next === expected ? null : { key: ERASED, expected, next };
}

/** Returns the groups with these entries too. Of two times the later one counts. */
export function mergedGroups(
  groups: readonly ErasedGroup[],
  added: readonly ErasedGroup[],
): readonly ErasedGroup[] {
  const all = groups.map((group) => ({ ...group, keys: { ...group.keys } }));
  for (const { entity, salt, keys } of added) {
    let group = all.find((one) => one.entity === entity && one.salt === salt);
    if (group === undefined) all.push((group = { entity, salt, keys: {} }));
    for (const [hash, until] of Object.entries(keys))
      group.keys[hash] = Math.max(until, group.keys[hash] ?? until);
  }
  return all;
}

/**
 * The steps that add what another store knows; empty: nothing is missing. The store may hold rows
 * of entities that it learns of, because it was restored from a backup.
 */
export function learnErasedSteps(metadata: Metadata, other: Metadata): readonly MetadataStep[] {
  const known = groupsIn(metadata);
  const step = stepTo(metadata, mergedGroups(known, groupsIn(other)));
  if (step === null) return [];
  const times = new Map(
    known.flatMap(({ entity, salt, keys }) =>
      Object.entries(keys).map(([hash, until]) => [`${entity}\0${salt}\0${hash}`, until] as const),
    ),
  );
  const learned = groupsIn(other).flatMap((group): readonly ErasedGroup[] => {
    const keys = Object.entries(group.keys).filter(
      ([hash, until]) =>
        (times.get(`${group.entity}\0${group.salt}\0${hash}`) ?? -Infinity) < until,
    );
    return keys.length === 0 ? [] : [{ ...group, keys: Object.fromEntries(keys) }];
  });
  const next = JSON.stringify(mergedGroups(groupsIn(metadata, LEARNED), learned));
  return [step, { key: LEARNED, expected: metadata.get(LEARNED) ?? null, next }];
}

/** Whether a store knows of any erased entity. */
export function knowsErasures(metadata: Metadata | undefined): boolean {
  return groupsIn(metadata).length > 0;
}

/** Entities of which a store learned, and whose rows it may still hold. */
export interface LearnedErasures {
  /** The names of the entities. */
  readonly entities: ReadonlySet<string>;
  /** The commit time up to which changes of an entity are erased, µs; −Infinity: none are. */
  until(entity: string, key: string): number;
  /** The step that says: their rows are gone. */
  readonly done: MetadataStep;
}

/** Reads of which entities a store learned; null: of none. */
export function learnedErasures(metadata: Metadata): LearnedErasures | null {
  const groups = groupsIn(metadata, LEARNED);
  if (groups.length === 0) return null;
  return {
    entities: new Set(groups.map(({ entity }) => entity)),
    until: (entity, key) =>
      Math.max(
        -Infinity,
        ...groups.flatMap((group) =>
          group.entity === entity ? (group.keys[hashKey(group, key)] ?? []) : [],
        ),
      ),
    done: { key: LEARNED, expected: metadata.get(LEARNED) ?? null, next: "[]" },
  };
}

/**
 * The step that adds erased entities of one name; null: they are there. `keys`: the texts of their
 * keys. `until`: µs. `newSalt` is used if no entity of the name was erased before.
 */
export function eraseEntitiesStep(
  metadata: Metadata | undefined,
  entity: string,
  keys: readonly string[],
  until: number,
  newSalt: string,
): MetadataStep | null {
  const groups = groupsIn(metadata);
  const salts = groups.filter((group) => group.entity === entity).map(({ salt }) => salt);
  const salt = salts.sort()[0] ?? newSalt;
  const hashes = keys.map((key) => [hashKey({ entity, salt }, key), until] as const);
  return stepTo(
    metadata,
    mergedGroups(groups, [{ entity, salt, keys: Object.fromEntries(hashes) }]),
  );
}

/** Makes a salt for the hashes of keys. */
export function newSalt(): string {
  return nodeCrypto().randomBytes(16).toString("base64url");
}

/** Whether changes of any of these entities are refused. `keys`: the texts of their keys. */
export function isAnyErased(
  metadata: Metadata | undefined,
  entity: string,
  keys: readonly string[],
): boolean {
  return groupsIn(metadata).some(
    (group) => group.entity === entity && keys.some((key) => hashKey(group, key) in group.keys),
  );
}

/** The change without the key that its row had before. */
export function withoutOldKey(change: Change): Change {
  const { logged } = change;
  return { ...change, oldKey: null, logged: logged && { ...logged, oldKey: null } };
}
