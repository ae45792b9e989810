/** Keeps changes of erased entities out of a store that is written. */
import { keyText } from "../columns/key-bytes.ts";
import { erasedRows, type ErasedRows } from "../row-formats/erased-row.ts";
import { erasedOldKey } from "../row-formats/erased-old-key.ts";
import { messageImageReader } from "../row-formats/message-image.ts";
import { ERASED, groupsIn, hashKey, mergedGroups, stepTo } from "../rows/erased-entities.ts";
import { primaryKeyIndexes } from "../rows/row-change.ts";
import type { ColumnSpec, SourceSpec, Value } from "../specs.ts";
import type { Change, Metadata, MetadataStep } from "../spi.ts";

/** The most results of hashes that a guard remembers. */
const REMEMBERED = 100_000;

/** The columns of a source that hold the key of entities. */
export interface EntityKey {
  /** The names of the entities. */
  readonly entities?: readonly string[] | undefined;
  readonly keyColumns: readonly ColumnSpec[];
  readonly keyIndexes: readonly number[];
}

/** Keeps changes of erased entities out of a store. */
export interface ErasureGuard {
  /**
   * The step that compares: no entity was erased since the guard was made. It adds the entities
   * that only the other store knew.
   */
  readonly step: MetadataStep;
  /** The latest commit time up to which changes are refused, µs; −Infinity: nothing was erased. */
  readonly until: number;
  /**
   * Returns the changes without rows of erased entities. A row that may have moved to another
   * entity becomes a delete, so that the row ends there too.
   */
  allowed(changes: readonly Change[]): readonly Change[];
  /** Makes a change of no row at the place of a change that is refused. */
  placeOf(change: Change): Change;
}

/**
 * Makes the guard of a source. `metadata`: of the source in the store that is written. `other`: of
 * the other store, whose erased entities the step adds.
 */
export function erasureGuard(
  source: SourceSpec,
  entityKeys: readonly EntityKey[],
  metadata: Metadata | undefined,
  other?: Metadata,
): ErasureGuard {
  const text = metadata?.get(ERASED) ?? null;
  const groups = mergedGroups(groupsIn(metadata), groupsIn(other));
  const step = stepTo(metadata, groups) ?? { key: ERASED, expected: text, next: text };
  const until = Math.max(-Infinity, ...groups.flatMap(({ keys }) => Object.values(keys)));
  if (groups.length === 0)
    return { step, until, allowed: (changes) => changes, placeOf: (change) => change };

  const primaryKey = primaryKeyIndexes(source);
  const keys = entityKeys.flatMap((one) => {
    const own = groups.filter(({ entity }) => one.entities?.includes(entity) === true);
    return own.length === 0
      ? []
      : [
          {
            ...one,
            groups: own,
            isPrimary: one.keyIndexes.every((index) => primaryKey.includes(index)),
            imageIn: messageImageReader(
              source,
              one.keyIndexes.map((index) => source.columns[index]!.name),
            ),
            known: new Map<string, number>(),
          },
        ];
  });
  type GuardedKey = (typeof keys)[number];

  /** The time up to which changes of the entity in these values are refused. */
  function untilOf(key: GuardedKey, values: readonly Value[]): number {
    if (values.some((value) => value === null)) return -Infinity;
    const text = keyText(key.keyColumns, values);
    let found = key.known.get(text);
    if (found === undefined) {
      found = Math.max(...key.groups.map((group) => group.keys[hashKey(group, text)] ?? -Infinity));
      if (key.known.size >= REMEMBERED) key.known.clear();
      key.known.set(text, found);
    }
    return found;
  }

  const isErased = (key: GuardedKey, change: Change, values: readonly Value[]): boolean =>
    (change.committed ?? 0) <=
    untilOf(
      key,
      key.keyIndexes.map((index) => values[index] ?? null),
    );

  const columnsOf = ({ keyColumns }: GuardedKey): readonly string[] =>
    keyColumns.map(({ name }) => name);
  const everyDelete = erasedRows(source, keys.map(columnsOf));
  const deletes = erasedRows(source, keys.filter(({ isPrimary }) => !isPrimary).map(columnsOf));
  /** What makes the deletes of changes, by the keys of erased entities that these hold. */
  const byErased = new Map<string, ErasedRows>();
  function deletesWithout(erased: readonly GuardedKey[]): ErasedRows {
    const text = erased.map((key) => keys.indexOf(key)).join();
    let found = byErased.get(text);
    if (found === undefined)
      byErased.set(text, (found = erasedRows(source, erased.map(columnsOf))));
    return found;
  }
  const keyIn = (values: readonly Value[]): readonly Value[] =>
    primaryKey.map((index) => values[index]!);
  const deleted = (change: Change, erased: readonly GuardedKey[]): readonly Change[] => {
    const key = change.values === null ? null : keyIn(change.values);
    const one = deletesWithout(erased).deleteOf(change, key);
    return one === null ? [] : [one];
  };
  /** Whether the message of a delete holds the last image, and it is of an entity that stays. */
  const isOfOthers = (change: Change): boolean =>
    keys.every((key) => {
      const image = key.imageIn(change);
      return image !== null && !isErased(key, change, image);
    });

  const withoutErasedOldKey = erasedOldKey(
    source,
    keys.map((key) => ({
      columns: columnsOf(key),
      isErased: (values, change) => isErased(key, change, values),
    })),
  );

  function allowed(change: Change): readonly Change[] {
    const { values } = change;
    if ((change.committed ?? 0) > until) return [change];
    const next = withoutErasedOldKey(change);
    if (change.kind === "none" || change.undecodable !== null) {
      const inMessage = keys.filter((key) => {
        const image = key.imageIn(change);
        return image !== null && isErased(key, change, image);
      });
      if (inMessage.length > 0) return deleted(next, inMessage);
    }
    if (values === null) return [next];
    const erased = keys.filter((key) => isErased(key, change, values));
    if (erased.length > 0) return deleted(next, erased);
    // a delete needs its key alone
    return next.kind === "delete" && !isOfOthers(next)
      ? [deletes.deleteOf(next, keyIn(values))!]
      : [next];
  }

  return {
    step,
    until,
    allowed: (changes) => changes.flatMap(allowed),
    placeOf: (change) => everyDelete.placeOf(change),
  };
}
