/**
 * Decides what stays of the changes of one row when entities are erased. A row may have belonged to
 * several entities, one after the other.
 */
import type { Value } from "../specs.ts";
import { compareChanges, type RowChange } from "../rows/row-change.ts";
import { asDelete, type Truncate } from "../rows/row-versions.ts";
import { generationOf } from "../rows/snapshot-generations.ts";

/** What becomes of one change. */
export type Survival =
  /** It stays as it is. */
  | { readonly kind: "kept" }
  /** It becomes a delete: the row belonged to an erased entity from here on. */
  | { readonly kind: "delete" }
  /** It stays as a delete. Its message may hold the erased image, so only the key stays. */
  | { readonly kind: "reduced" }
  /** Columns that the log left out get the values that an erased change supplied. */
  | {
      readonly kind: "filled";
      readonly values: readonly Value[];
      readonly filled: readonly number[];
    };

const KEPT: Survival = { kind: "kept" };

export interface SurvivingChanges {
  /** True if every image of the row belonged to erased entities. Nothing of it stays then. */
  readonly isWhollyErased: boolean;
  /** What becomes of change i. */
  readonly survivals: readonly Survival[];
  /** The change whose image change i goes on from; null: it goes on from none. */
  readonly before: readonly (number | null)[];
  /** Whether change i is the first that survives after an erased image of the row. */
  readonly followsErased: readonly boolean[];
}

/**
 * Decides for the changes of one row, which come in any order, as do the truncates of its table.
 * `belongs` says whether an image belongs to an erased entity, and `isInMessage` whether the
 * message of a delete or of an undecodable change holds such an image.
 */
export function survivingChanges(
  changes: readonly RowChange[],
  truncates: readonly Truncate[],
  belongs: (values: readonly Value[], committed: number) => boolean,
  isInMessage: (change: RowChange) => boolean = () => false,
): SurvivingChanges {
  const survivals = new Array<Survival>(changes.length).fill(KEPT);
  const before = new Array<number | null>(changes.length).fill(null);
  const followsErased = new Array<boolean>(changes.length).fill(false);
  let image: readonly Value[] | null = null;
  /** The change that gave the image. */
  let imageOf = -1;
  /** The columns of the image that no change supplied. */
  let unresolved: readonly number[] = [];
  let imageGeneration = 0;
  let wasErased = false;
  let survivors = 0;
  const steps = [
    ...changes.map((change, i) => ({ change, i })),
    ...truncates.map((truncate) => ({ change: asDelete(truncate), i: -1 })),
  ];
  for (const { change, i } of steps.sort((a, b) => compareChanges(a.change, b.change))) {
    const { values, unavailable, undecodable } = change;
    // a value of an earlier generation may have changed since, so it fills no column
    if (generationOf(change.order) !== imageGeneration) image = null;
    imageGeneration = generationOf(change.order);
    if (values === null) {
      if (i >= 0 && (wasErased || isInMessage(change))) survivals[i] = { kind: "reduced" };
      image = null;
      continue;
    }
    if (undecodable !== null) {
      // the content of an undecodable change is that of the row's owner
      wasErased ||= isInMessage(change);
      if (wasErased) survivals[i] = { kind: "delete" };
      else survivors++;
      image = null;
      continue;
    }
    if (image !== null) before[i] = imageOf;
    imageOf = i;
    const merged = values.slice();
    const filled: number[] = [];
    const missing: number[] = [];
    for (const index of unavailable) {
      if (image === null || unresolved.includes(index)) {
        missing.push(index);
        continue;
      }
      merged[index] = image[index]!;
      filled.push(index);
    }
    image = merged;
    unresolved = missing;
    if (belongs(merged, change.loggedCommitTime)) {
      survivals[i] = { kind: "delete" };
      wasErased = true;
      continue;
    }
    survivors++;
    followsErased[i] = wasErased;
    if (wasErased && filled.length > 0) survivals[i] = { kind: "filled", values: merged, filled };
    wasErased = false;
  }
  return { isWhollyErased: survivors === 0, survivals, before, followsErased };
}
