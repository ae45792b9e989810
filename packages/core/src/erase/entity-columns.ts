/** The columns of a source that hold the keys of entities that are erased. */
import { lookedUpKeys } from "../define/looked-up-keys.ts";
import { viewsOver } from "../define/source-readings.ts";
import { keyText } from "../columns/key-bytes.ts";
import { erasedOldKey } from "../row-formats/erased-old-key.ts";
import { messageImageReader } from "../row-formats/message-image.ts";
import type { Change } from "../spi.ts";
import type { ColumnSpec, EntitySpec, SourceSpec, Value, ViewSpec } from "../specs.ts";
import type { SourceLayout } from "../online/source-layout.ts";
import { readsAlike } from "../rows/definition-differences.ts";
import { columnIndex, primaryKeyIndexes } from "../rows/row-change.ts";

/** The entities of one name that are erased. */
export interface ErasedEntities {
  readonly entity: EntitySpec;
  /**
   * By the text of each key: its values, in the order of the entity's keys. Empty if only hashes of
   * the keys are known.
   */
  readonly keys: ReadonlyMap<string, readonly Value[]>;
  /** Whether an image that was committed then is erased. `text`: of its key. `committed`: µs. */
  isErased(text: string, committed: number): boolean;
}

export function erasedEntities(
  entity: EntitySpec,
  keys: readonly (readonly Value[])[],
): ErasedEntities {
  const byText = new Map(keys.map((key) => [keyText(entity.keys, key), key]));
  return { entity, keys: byText, isErased: (text) => byText.has(text) };
}

/** The entities that another store has erased. `until`: the time of the erasure of a key, µs. */
export function entitiesErasedUntil(
  entity: EntitySpec,
  until: (text: string) => number,
): ErasedEntities {
  return { entity, keys: new Map(), isErased: (text, committed) => committed <= until(text) };
}

/** Says which images of a source's rows belong to the erased entities. */
export interface Belonging {
  /**
   * Whether an image belongs to an erased entity. Values are by the source's columns. `committed`:
   * µs, as the log said it.
   */
  belongs(values: readonly Value[], committed: number): boolean;
  /** Whether the primary key alone says that the row belongs to an erased entity. */
  isOwnKey(key: readonly Value[], committed: number): boolean;
  /**
   * Whether the message of a delete, of an undecodable change or of a change without a readable
   * primary key holds an image of an erased entity.
   */
  isInMessage(change: Change): boolean;
  /**
   * Gives the change without the key of an erased entity in the key that its row had before. The
   * result is the change itself if there is none.
   */
  withoutErasedOldKey(change: Change): Change;
  /** For each view, the names of the columns that hold the key. */
  readonly keys: readonly (readonly string[])[];
  /** Names of the columns that hold the key. */
  readonly columns: readonly string[];
  /** Those of the columns that the source does not have, or reads otherwise. */
  readonly unknown: readonly string[];
}

/**
 * Finds the rows of the entities in a source. `names`: for each view, the names that the columns of
 * the key have in the definition `asked`, which may be another one. `stored`: the columns that the
 * rows have. A column that they do not have is `unknown`, and left out with its view.
 */
export function belongingTo(
  source: SourceSpec,
  names: readonly (readonly string[])[],
  { isErased }: ErasedEntities,
  {
    asked = source,
    stored = source.columns,
  }: { readonly asked?: SourceSpec; readonly stored?: readonly ColumnSpec[] } = {},
): Belonging {
  const primaryKey = primaryKeyIndexes(source);
  const nameIn = (name: string): string | undefined => {
    const column = asked.columns[columnIndex(asked, name)]!;
    return stored.find((one) => readsAlike({ ...one, name }, column))?.name;
  };
  const found = new Map(names.flat().map((name) => [name, nameIn(name)]));
  const keys = names
    .map((tuple) => tuple.flatMap((name) => found.get(name) ?? []))
    .filter((tuple, i) => tuple.length === names[i]!.length);
  const tuples = keys.map((tuple) => {
    const indexes = tuple.map((name) => columnIndex(source, name));
    const columns: readonly ColumnSpec[] = indexes.map((index) => source.columns[index]!);
    const places = indexes.map((index) => primaryKey.indexOf(index));
    const imageIn = messageImageReader(source, tuple);
    return { indexes, columns, places, isPrimary: !places.includes(-1), imageIn };
  });
  const isEntity = (
    columns: readonly ColumnSpec[],
    values: readonly Value[],
    committed: number,
  ): boolean => !values.includes(null) && isErased(keyText(columns, values), committed);
  type KeyTuple = (typeof tuples)[number];
  const isIn = (
    { indexes, columns }: KeyTuple,
    values: readonly Value[],
    committed: number,
  ): boolean =>
    isEntity(
      columns,
      indexes.map((index) => values[index] ?? null),
      committed,
    );
  return {
    belongs: (values, committed) => tuples.some((tuple) => isIn(tuple, values, committed)),
    isInMessage: (change) =>
      tuples.some((tuple) => {
        const values = tuple.imageIn(change);
        return values !== null && isIn(tuple, values, change.committed ?? 0);
      }),
    withoutErasedOldKey: erasedOldKey(
      source,
      tuples.map((tuple) => ({
        columns: tuple.columns.map(({ name }) => name),
        isErased: (values, change) => isIn(tuple, values, change.committed ?? 0),
      })),
    ),
    isOwnKey: (key, committed) =>
      tuples.some(
        ({ places, columns, isPrimary }) =>
          isPrimary &&
          isEntity(
            columns,
            places.map((place) => key[place] ?? null),
            committed,
          ),
      ),
    keys,
    columns: [...found.keys()],
    unknown: [...found].flatMap(([name, own]) => (own === undefined ? [name] : [])),
  };
}

/** The same in the stored rows of a build, which keep some of the columns of their definition. */
export function belongingInBuild(
  { source, storedColumns }: SourceLayout,
  names: readonly (readonly string[])[],
  erased: ErasedEntities,
  asked: SourceSpec,
): Belonging {
  return belongingTo(source, names, erased, { asked, stored: storedColumns });
}

/**
 * For each view of the entity that reads the source, or looks its rows up by the entity's key: the
 * names of the columns that hold the key.
 */
export function keyColumnsOf(
  entity: EntitySpec,
  source: SourceSpec,
  views: readonly ViewSpec[],
): readonly (readonly string[])[] {
  return [...viewsOver(source, views), ...lookedUpKeys(source, views)]
    .filter((one) => one.entity.name === entity.name)
    .map(({ keyColumns }) => keyColumns);
}
