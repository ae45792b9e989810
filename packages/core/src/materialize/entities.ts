/** The entities of a view, by number, and what history says of each. */
import type { Value } from "../specs.ts";
import { tableReferences } from "../offline/table-references.ts";
import { KeyNumbers } from "./key-numbers.ts";
import type { ReadHistory } from "./stale-dates.ts";

/** A group of entities: those whose hash modulo `count`, a power of two, is `index`. */
export interface EntityGroup {
  readonly count: number;
  readonly index: number;
}

/** Entities by number. An entity without a row that was ever seen has no key. */
export interface Entities {
  readonly numbers: KeyNumbers;
  /** For each key of the entity: the values of all entities. */
  readonly keys: readonly Value[][];
  /** Event time of each entity's first row; Infinity for a dimension. */
  readonly first: number[];
  /** For dimensions: whether a version of the entity is seen, by day. */
  readonly seen: Uint8Array[];
}

/** The memory of an entity as measured: its text, its number, its keys and its first time. */
const ENTITY_BYTES = 200;

/** The approximate bytes of so many entities of a group. */
export function entityBytes({ numbers, seen }: Entities, days: number): number {
  return numbers.texts.length * (ENTITY_BYTES + (seen.length === 0 ? 0 : days));
}

export function noEntities(keyCount: number): Entities {
  const keys = Array.from({ length: keyCount }, (): Value[] => []);
  return { numbers: new KeyNumbers(), keys, first: [], seen: [] };
}

/** Adds an entity to others. One that is there gets the earlier first time. */
function addEntity(to: Entities, from: Entities, number: number): void {
  const { texts, hashes } = from.numbers;
  const added = to.numbers.add(texts[number]!, hashes[number]!);
  if (added === to.first.length) {
    to.keys.forEach((values, k) => values.push(from.keys[k]![number]!));
    to.first.push(from.first[number]!);
  } else to.first[added] = Math.min(to.first[added]!, from.first[number]!);
}

/** The part of the memory limit that the entities of all groups may take between commits. */
const KEPT_SHARE = 1 / 8;

/**
 * The entities that a history has up to a time. The commits of a run go forward in time, so each
 * reads only the rows after those that the commits before it have read.
 */
export interface SeenEntities {
  /** Adds the entities of a history before it is read: those of its rows before this time. */
  seed(history: readonly ReadHistory[], entities: Entities, until: number): void;
  /** Begins to read a history. Forgets what another version of it had. */
  begin(history: readonly ReadHistory[]): void;
  /** The entities of a group: all that have rows before `until`. null: none are known. */
  ofGroup(group: EntityGroup): { readonly until: number; readonly entities: Entities } | null;
  /** Keeps the entities of a group. Too many entities are forgotten, and are read again. */
  keep(entities: Entities): void;
  /** Says that every group was kept, with all its rows before this time. */
  end(until: number): void;
}

/** The most entities that are kept. */
export function mostSeen(memoryLimit: number): number {
  return Math.floor((memoryLimit * KEPT_SHARE) / ENTITY_BYTES);
}

export function seenEntities(memoryLimit: number): SeenEntities {
  let versions = "";
  let until = -Infinity;
  let all: Entities | null = null;
  let isTooMany = false;
  function begin(history: readonly ReadHistory[]): void {
    const tables = tableReferences([...history, ...history.flatMap((one) => one.dimensions)]);
    const now = JSON.stringify(tables.map((table) => [table.log, table.versions]));
    if (now === versions) return;
    [versions, until, all] = [now, -Infinity, null];
  }
  function keep(entities: Entities): void {
    if (isTooMany) return;
    all ??= noEntities(entities.keys.length);
    for (let number = 0; number < entities.first.length; number++)
      if (entities.first[number]! < Infinity) addEntity(all, entities, number);
    if (entityBytes(all, 0) <= memoryLimit * KEPT_SHARE) return;
    [isTooMany, all] = [true, null];
  }
  return {
    seed(history, entities, time) {
      begin(history);
      keep(entities);
      if (all !== null) until = Math.max(until, time);
    },
    begin,
    keep,
    ofGroup({ count, index }) {
      if (all === null || until === -Infinity) return null;
      const entities = noEntities(all.keys.length);
      const { hashes } = all.numbers;
      for (let number = 0; number < all.first.length; number++)
        if (hashes[number]! % count === index) addEntity(entities, all, number);
      return { until, entities };
    },
    end(time) {
      if (all !== null) until = Math.max(until, time);
    },
  };
}
