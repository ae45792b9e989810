/** Numbers the entities of entity rows. */
import { pickRows } from "../columns/gather-rows.ts";
import { keyNumbers, knownKeys, type NumberOfKey } from "../columns/key-numbers.ts";
import type { ViewSpec } from "../specs.ts";
import type { Batch, EntityRows } from "../spi.ts";

/** The entities of entity rows as numbers. */
export interface EntityNumbers extends Pick<EntityRows, "keyCount" | "entity"> {
  /** The number of a key's entity; −1: no row asks for the entity. */
  readonly entityOf: NumberOfKey;
  /** The keys of the entities, row k those of number k. */
  readonly keys: () => Batch;
}

/**
 * Numbers the entities in the order of their keys' texts. The history is sorted by these texts, so
 * the numbers of its rows ascend.
 */
export function entityNumbers(view: ViewSpec, keys: Batch): EntityNumbers {
  const codes = new Map<string, number>();
  const columns = view.entity.keys;
  const vectors = columns.map(
    ({ name }) => keys.vectors[keys.columns.findIndex((column) => column.name === name)]!,
  );
  const codeOf = keyNumbers(columns, vectors, (text) => {
    let code = codes.get(text);
    if (code === undefined) codes.set(text, (code = codes.size));
    return code;
  });
  const entity = new Int32Array(keys.length);
  for (let row = 0; row < entity.length; row++) entity[row] = codeOf(row);
  const ranks = new Int32Array(codes.size);
  const sorted = [...codes.keys()].sort();
  for (const [rank, text] of sorted.entries()) {
    ranks[codes.get(text)!] = rank;
    codes.set(text, rank);
  }
  for (let row = 0; row < entity.length; row++) entity[row] = ranks[entity[row]!]!;
  const keyCount = ranks.length;
  return {
    keyCount,
    entity,
    entityOf: knownKeys(sorted, codes),
    keys() {
      const rows = new Int32Array(keyCount);
      entity.forEach((number, row) => (rows[number] = row));
      return {
        length: keyCount,
        columns,
        vectors: vectors.map((vector) => pickRows(vector, rows)),
      };
    },
  };
}
