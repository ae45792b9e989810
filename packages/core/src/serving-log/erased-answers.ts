/** Finds the rows of the serving log that are of erased entities. */
import { valueAt, type Batch } from "../columns/batch.ts";
import { keyText } from "../columns/key-bytes.ts";
import type { Definitions } from "../define/collect-definitions.ts";
import type { ColumnSpec, EntitySpec } from "../specs.ts";
import { isTidemarkError } from "../errors.ts";
import { parseMembers, valueOfJson } from "./json-values.ts";
import { entitiesOf, readSelection } from "./logged-selection.ts";

/** The columns from which the entities of a row follow. */
export const OWNER_COLUMNS: readonly string[] = ["answered_at", "entity", "features"];

/** Whether an answer of that time is erased. `text`: of the entity's key. `answeredAt`: µs. */
export type IsErasedAnswer = (entity: string, text: string, answeredAt: number) => boolean;

/**
 * Makes the function that gives 1 for each row of a batch that stays. A row goes if any of its
 * entities is erased.
 */
export function stayingAnswers(
  definitions: Definitions,
  entities: readonly EntitySpec[],
  isErased: IsErasedAnswer,
): (batch: Batch) => Uint8Array {
  const owners = new Map<
    string,
    readonly { readonly entity: string; readonly keys: readonly ColumnSpec[] }[]
  >();
  const wanted = new Set(entities.map(({ name }) => name));

  /** A feature that is gone from the definitions has the keys of its entity, as defined. */
  function ownersOf(features: string): NonNullable<ReturnType<typeof owners.get>> {
    let found = owners.get(features);
    if (found === undefined) {
      const named = readSelection(features, definitions);
      const known = entitiesOf(named.flatMap(({ selected }) => selected ?? []));
      const isComplete = named.every(({ selected }) => selected !== null);
      found = [
        ...known.filter(({ entity }) => wanted.has(entity)),
        ...(isComplete ? [] : entities.map(({ name, keys }) => ({ entity: name, keys }))),
      ];
      owners.set(features, found);
    }
    return found;
  }

  return (batch) => {
    const vector = (name: string) =>
      batch.vectors[batch.columns.findIndex((column) => column.name === name)]!;
    const [answeredAt, entity, features] = OWNER_COLUMNS.map(vector);
    return Uint8Array.from({ length: batch.length }, (_, i) => {
      const possible = ownersOf(valueAt(features!, i) as string);
      if (possible.length === 0) return 1;
      const given = parseMembers(valueAt(entity!, i) as string);
      const time = Number(valueAt(answeredAt!, i));
      return possible.some((owner) => {
        const text = keyTextIn(owner.keys, given);
        return text !== null && isErased(owner.entity, text, time);
      })
        ? 0
        : 1;
    });
  };
}

/** The text of a key in the members of a row. null: the row has no such key. */
function keyTextIn(
  keys: readonly ColumnSpec[],
  given: Readonly<Record<string, unknown>>,
): string | null {
  if (keys.some(({ name }) => given[name] === undefined || given[name] === null)) return null;
  try {
    return keyText(
      keys,
      keys.map((key) => valueOfJson(key, given[key.name])),
    );
  } catch (error) {
    // a key of another type is of another entity
    if (isTidemarkError(error)) return null;
    throw error;
  }
}
