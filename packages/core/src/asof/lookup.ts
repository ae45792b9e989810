/** Gives rows the columns of a dimension, as of their event times (law 2: validity). */
import { vectorBuilder, type Batch, type Vector } from "../columns/batch.ts";
import { keyNumbers } from "../columns/key-numbers.ts";
import type { Overflows } from "../columns/overflows.ts";
import { lookedUpColumn } from "../define/looked-up-column.ts";
import { bindFilter, expressionVector } from "../expr/bind.ts";
import type { LookupNode } from "../plan/nodes.ts";
import type { ColumnSpec } from "../specs.ts";
import { layoutOf } from "../types/layouts/layouts.ts";
import { gatherValidity } from "../types/layouts/validity.ts";

/** The versions of a dimension's rows, sorted by primary key and known-from. */
export interface DimensionVersions {
  /** The number of a primary key by its text. −1: it has no versions here. */
  numberOf(text: string): number;
  /** The versions of key k are [starts[k], starts[k + 1]). */
  readonly starts: Int32Array;
  /** Known from and known to, µs. A version is seen at from < t ≤ to. */
  readonly from: Float64Array;
  readonly to: Float64Array;
  /** Columns of the dimension; at least those that the lookup reads. */
  readonly columns: Batch;
}

/** Returns the rows with the looked-up columns behind their own. `time` has their event times. */
export type Lookup = (rows: Batch, time: Float64Array) => Batch;

/**
 * Binds a lookup to versions of its dimension. `primaryKey` has the key's columns in the order of
 * `on`.
 */
export function lookupIn(
  { on, columns, condition }: LookupNode,
  primaryKey: readonly ColumnSpec[],
  versions: DimensionVersions,
  overflows: Overflows,
): Lookup {
  const { numberOf, starts, from, columns: stored } = versions;
  const lookedUp = columns.map(lookedUpColumn);
  const values = columns.map(({ value }) => expressionVector(value, stored, overflows));
  const isThere = condition === null ? null : bindFilter(condition, stored, overflows);
  const to =
    isThere === null
      ? versions.to
      : versions.to.map((time, version) => (isThere(version) ? time : -Infinity));

  /** The version of a key that is seen at a time. −1: none is. */
  function versionAt(key: number, time: number): number {
    let low = starts[key]!;
    let high = starts[key + 1]!;
    // the first version that is not known before the time
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (from[middle]! < time) low = middle + 1;
      else high = middle;
    }
    // of several that begin at one time, all but one last no moment
    const begin = from[low - 1];
    for (let version = low - 1; version >= starts[key]! && from[version] === begin; version--)
      if (time <= to[version]!) return version;
    return -1;
  }

  return (rows, time) => {
    const keys = keyNumbers(
      primaryKey,
      on.map(({ value }) => expressionVector(value, rows, overflows)),
      numberOf,
    );
    const { length } = rows;
    const found = new Int32Array(length);
    const there = new Uint8Array(length);
    for (let row = 0; row < length; row++) {
      const key = keys(row);
      const version = key < 0 ? -1 : versionAt(key, time[row]!);
      if (version < 0) continue;
      found[row] = version;
      there[row] = 1;
    }
    return {
      length,
      columns: [...rows.columns, ...lookedUp],
      vectors: [
        ...rows.vectors,
        ...values.map((vector, c) =>
          stored.length === 0 ? missing(lookedUp[c]!, length) : gathered(vector, found, there),
        ),
      ],
    };
  };
}

/** The values of the found versions; missing where none was found. */
function gathered(vector: Vector, found: Int32Array, there: Uint8Array): Vector {
  const only = new Int32Array(found.length);
  const valid = gatherValidity([vector], only, found, there);
  return layoutOf(vector).gather([vector], only, found, valid);
}

function missing(column: ColumnSpec, length: number): Vector {
  const builder = vectorBuilder(column, length);
  for (let row = 0; row < length; row++) builder.push(null);
  return builder.finish();
}
