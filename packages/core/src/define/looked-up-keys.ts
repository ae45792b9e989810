/** Finds the rows of a dimension that are an entity's because views look them up by its key. */
import type { EntitySpec, SourceSpec, ViewSpec } from "../specs.ts";

/** Columns of a dimension that hold the key of an entity. */
export interface LookedUpKey {
  readonly entity: EntitySpec;
  /** For each key of the entity, in the entity's order: a column of the dimension's primary key. */
  readonly keyColumns: readonly string[];
}

/**
 * The keys of entities in a dimension: of each view that looks its rows up by the columns which
 * hold the whole key of the view's entity.
 */
export function lookedUpKeys(
  dimension: Pick<SourceSpec, "name">,
  views: Iterable<ViewSpec>,
): readonly LookedUpKey[] {
  return [...views].flatMap(({ entity, keyColumns, lookups = [] }) =>
    lookups.flatMap((lookup): LookedUpKey[] => {
      if (lookup.dimension.name !== dimension.name) return [];
      const found = keyColumns.flatMap((name) => {
        const at = lookup.on.findIndex((by) => by.op === "column" && by.name === name);
        return lookup.dimension.primaryKey[at] ?? [];
      });
      return found.length < keyColumns.length ? [] : [{ entity, keyColumns: found }];
    }),
  );
}
