/**
 * Puts the answers of splits in the order of the entity rows (law 8: answer i belongs to request
 * i). A split answers places: the entity rows by entity and time.
 */
import { gatherRows } from "../columns/gather-rows.ts";
import type { DerivedColumn } from "../plan/nodes.ts";
import type { EngineColumn } from "../spi.ts";
import { typeOf } from "../types/value-types.ts";
import type { Vector } from "../types/vector.ts";
import type { VectorLayout } from "../types/vector-layout.ts";

/** Collects the answers of all splits. */
export interface AnswersByRow {
  /** Takes the answers to the places from `first` on. */
  put(first: number, answers: readonly EngineColumn[]): void;
  /** The answers by row, once every place is answered. */
  finish(): readonly EngineColumn[];
}

/** Collects answers to `columns`. Place p is that of entity row `rows[p]`. */
export function answersByRow(columns: readonly DerivedColumn[], rows: Int32Array): AnswersByRow {
  const split = { of: new Int32Array(0), row: new Int32Array(0), count: 0 };
  const values = columns.map(({ value }) => valuesByRow(typeOf(value).layout, rows, split));
  const statuses = columns.map(() => new Uint8Array(rows.length));
  const times: Float64Array[] = [];
  const needsSplits = values.some((column) => column.needsSplits);
  if (needsSplits) {
    split.of = new Int32Array(rows.length);
    split.row = new Int32Array(rows.length);
  }
  return {
    put(first, answers) {
      answers.forEach((answer, c) => {
        values[c]!.put(first, answer.values);
        putBytes(statuses[c]!, answer.statuses, rows, first);
        // columns that share their times in the first split share them in all
        const sharing = answers.findIndex((other) => other.times === answer.times);
        const own = (times[c] ??= sharing < c ? times[sharing]! : new Float64Array(rows.length));
        if (sharing === c || own !== times[sharing]) putDoubles(own, answer.times, rows, first);
      });
      const length = answers[0]?.times.length ?? 0;
      if (needsSplits)
        for (let i = 0; i < length; i++) {
          const row = rows[first + i]!;
          split.of[row] = split.count;
          split.row[row] = i;
        }
      split.count++;
    },
    finish: () =>
      values.map((column, c) => ({
        values: column.finish(),
        statuses: statuses[c]!,
        times: times[c] ?? new Float64Array(0),
      })),
  };
}

interface ValuesByRow {
  /** Whether `finish` needs to know the split of each row. */
  readonly needsSplits: boolean;
  put(first: number, vector: Vector): void;
  finish(): Vector;
}

/** The split of each row, and the place of the row in the split. */
interface SplitOfRows {
  readonly of: Int32Array;
  readonly row: Int32Array;
}

function valuesByRow(layout: VectorLayout, rows: Int32Array, split: SplitOfRows): ValuesByRow {
  const { kind } = layout;
  if (kind === "float64" || kind === "int64") return numbersByRow(kind, rows);
  const vectors: Vector[] = [];
  return {
    needsSplits: true,
    put: (_, vector) => void vectors.push(vector),
    finish: () =>
      vectors.length === 0 ? layout.missing(0) : gatherRows(vectors, split.of, split.row),
  };
}

function numbersByRow(kind: "float64" | "int64", rows: Int32Array): ValuesByRow {
  const values =
    kind === "float64" ? new Float64Array(rows.length) : new BigInt64Array(rows.length);
  let valid: Uint8Array | null = null;
  return {
    needsSplits: false,
    put(first, vector) {
      const own = (vector as { readonly values: Float64Array | BigInt64Array }).values;
      if (own instanceof Float64Array) putDoubles(values as Float64Array, own, rows, first);
      else putLongs(values as BigInt64Array, own, rows, first);
      if (vector.valid === null) return;
      valid ??= new Uint8Array(rows.length).fill(1);
      putBytes(valid, vector.valid, rows, first);
    },
    finish: () => ({ kind, values, valid }) as Vector,
  };
}

// Each kind of array has its own loop: a shared one would be several times slower.

function putBytes(to: Uint8Array, from: Uint8Array, rows: Int32Array, first: number): void {
  for (let i = 0; i < from.length; i++) to[rows[first + i]!] = from[i]!;
}

function putDoubles(to: Float64Array, from: Float64Array, rows: Int32Array, first: number): void {
  for (let i = 0; i < from.length; i++) to[rows[first + i]!] = from[i]!;
}

/** Moves the halves of the numbers, so that no bigint is made of them. */
function putLongs(to: BigInt64Array, from: BigInt64Array, rows: Int32Array, first: number): void {
  const halves = new Int32Array(to.buffer);
  const given = new Int32Array(from.buffer, from.byteOffset, from.length * 2);
  for (let i = 0; i < from.length; i++) {
    const row = rows[first + i]!;
    halves[2 * row] = given[2 * i]!;
    halves[2 * row + 1] = given[2 * i + 1]!;
  }
}
