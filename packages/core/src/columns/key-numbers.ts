/** Numbers the keys of rows held as columns. */
import type { ColumnSpec, Value } from "../specs.ts";
import { valueAt, type Vector } from "./batch.ts";
import { keyText } from "./key-bytes.ts";

/**
 * Returns the number of each row's key: that of its text; −1 where a part of it is missing. A
 * string key is looked up once per dictionary entry.
 */
export function keyNumbers(
  columns: readonly ColumnSpec[],
  vectors: readonly Vector[],
  numberOf: (text: string) => number,
): (row: number) => number {
  const only = vectors.length === 1 ? vectors[0]! : null;
  if (only?.kind === "string") {
    const codes = new Int32Array(only.dictionary.length);
    for (let code = 0; code < codes.length; code++)
      codes[code] = numberOf(keyText(columns, [only.dictionary[code]!]));
    return (row) => (only.valid !== null && only.valid[row] === 0 ? -1 : codes[only.codes[row]!]!);
  }
  return (row) => {
    const values: Value[] = vectors.map((v) => valueAt(v, row));
    return values.includes(null) ? -1 : numberOf(keyText(columns, values));
  };
}
