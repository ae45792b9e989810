/** Gathers rows of batches into new vectors. */
import { distinctTexts, layoutOf, TidemarkError, typeOf } from "@tidemark/core/internal/columns";
import type { ScalarVector } from "@tidemark/core/internal/columns";
import type { Batch, ColumnSpec, Vector } from "@tidemark/core/spi";
import { gatherParts, partWithNulls } from "./gather-parts.ts";
import { gatherRanges, type VectorRange } from "./gather-ranges.ts";

/** Rows of one batch: rows [from, to) of the list, or of the batch if there is no list. */
export interface Piece {
  readonly batch: Batch;
  readonly rows: Int32Array | null;
  readonly from: number;
  readonly to: number;
}

/** The kind of vector of a column in these pieces. Times beyond 2^53 µs need `int64`. */
function gatheredKind(column: ColumnSpec, pieces: readonly Piece[]): Vector["kind"] {
  const hasFarTimes =
    column.type === "timestamp" &&
    pieces.some(({ batch: { columns, vectors } }) =>
      columns.some(({ name }, c) => name === column.name && vectors[c]!.kind === "int64"),
    );
  return hasFarTimes ? "int64" : typeOf(column).layout.kind;
}

/**
 * Gathers consecutive rows without nulls by whole arrays; null if the rows are of another shape.
 */
function gatherWholeRange(
  { batch, rows, from, to }: Piece,
  column: ColumnSpec,
  kind: Vector["kind"],
): Vector | null {
  const vector = batch.vectors[batch.columns.findIndex((other) => other.name === column.name)];
  if (vector === undefined || rows !== null || vector.valid !== null || vector.kind !== kind)
    return null;
  return vector.kind === "string"
    ? renumberCodes(vector, from, to)
    : layoutOf(vector).slice(vector, from, to);
}

/** Gives the column's part of each piece; null: a piece lacks it, or is a list of rows. */
function rangesOf(column: ColumnSpec, pieces: readonly Piece[]): readonly VectorRange[] | null {
  const ranges: VectorRange[] = [];
  for (const { batch, rows, from, to } of pieces) {
    const vector = batch.vectors[batch.columns.findIndex((other) => other.name === column.name)];
    if (vector === undefined || rows !== null) return null;
    ranges.push({ vector, from, to });
  }
  return ranges;
}

/** Gathers a column whose texts seldom repeat in any piece; null: it is none, or lacks a text. */
function gatherDistinct(column: ColumnSpec, pieces: readonly Piece[]): Vector | null {
  const vectors: Extract<Vector, { kind: "string" }>[] = [];
  for (const { batch } of pieces) {
    const vector = batch.vectors[batch.columns.findIndex((other) => other.name === column.name)];
    if (vector?.kind !== "string" || vector.distinct !== true) return null;
    if (vector.valid !== null && !column.nullable) return null;
    vectors.push(vector);
  }
  if (vectors.length === 0) return null;
  const texts: (string | null)[] = [];
  for (const [p, { rows, from, to }] of pieces.entries()) {
    const { codes, dictionary } = vectors[p]!;
    for (let i = from; i < to; i++) {
      const code = codes[rows === null ? i : rows[i]!]!;
      texts.push(code < 0 ? null : dictionary[code]!);
    }
  }
  return distinctTexts(texts);
}

/**
 * Returns the dictionary in the order of first use. Equal texts of a vector have equal codes, so no
 * texts are compared.
 */
function renumberCodes(
  vector: Extract<Vector, { kind: "string" }>,
  from: number,
  to: number,
): Vector {
  const newCodes = new Int32Array(vector.dictionary.length).fill(-1);
  const codes = new Int32Array(to - from);
  const dictionary: string[] = [];
  for (let i = from; i < to; i++) {
    const code = vector.codes[i]!;
    if (newCodes[code]! < 0) {
      newCodes[code] = dictionary.length;
      dictionary.push(vector.dictionary[code]!);
    }
    codes[i - from] = newCodes[code]!;
  }
  return { kind: "string", codes, dictionary, valid: null };
}

/**
 * Gathers one column of the rows of `pieces`, in their order. The column has no value in a batch
 * that lacks it. `where` names the table or file in the error.
 *
 * @throws NULL_NOT_ALLOWED when a column that is not nullable lacks a value.
 */
export function gather(column: ColumnSpec, pieces: readonly Piece[], where: string): Vector {
  let length = 0;
  for (const piece of pieces) length += piece.to - piece.from;
  const nullNotAllowed = (nulls: number): TidemarkError =>
    new TidemarkError(
      "NULL_NOT_ALLOWED",
      `${where}: column "${column.name}" is not nullable and ${nulls} ` +
        `of ${length} rows have no value in it; declare it .nullable() or leave those rows out`,
    );
  const kind = gatheredKind(column, pieces);
  if (kind === "list" || kind === "map" || kind === "struct") {
    const vector = gatherParts(column, pieces, where);
    if (vector.valid !== null && !column.nullable)
      throw nullNotAllowed(length - vector.valid.reduce((sum, there) => sum + there, 0));
    const part = partWithNulls(column, vector, column.name);
    if (part === null) return vector;
    throw new TidemarkError(
      "NULL_NOT_ALLOWED",
      `${where}: "${part}" is not nullable and lacks a value in a row; ` +
        "declare it .nullable() or leave those rows out",
    );
  }
  const distinct = kind === "string" ? gatherDistinct(column, pieces) : null;
  if (distinct !== null) return distinct;
  const whole = pieces.length === 1 ? gatherWholeRange(pieces[0]!, column, kind) : null;
  if (whole !== null) return whole;
  const ranges = rangesOf(column, pieces);
  const joined = ranges === null ? null : gatherRanges(ranges, kind);
  if (joined !== null) {
    if (joined.nulls > 0 && !column.nullable) throw nullNotAllowed(joined.nulls);
    return joined.vector;
  }
  const valid = new Uint8Array(length);
  let nulls = 0;
  const each = (
    visit: (vector: Vector, row: number, at: number) => void,
    enter?: (vector: Vector) => void,
  ): void => {
    let at = 0;
    for (const { batch, rows, from, to } of pieces) {
      const index = batch.columns.findIndex((other) => other.name === column.name);
      const vector = index < 0 ? null : batch.vectors[index]!;
      if (vector === null) {
        nulls += to - from;
        at += to - from;
        continue;
      }
      const isTimes = column.type === "timestamp" && vector.kind === "float64";
      if (vector.kind !== kind && !isTimes) {
        throw new TidemarkError(
          "COLUMN_TYPE_CONFLICT",
          `${where}: the rows bring column "${column.name}" as ${vector.kind}, ` +
            `and it is ${column.type}; convert it first`,
        );
      }
      enter?.(vector);
      for (let i = from; i < to; i++, at++) {
        const row = rows === null ? i : rows[i]!;
        if (vector.valid !== null && vector.valid[row] === 0) {
          nulls++;
          continue;
        }
        valid[at] = 1;
        visit(vector, row, at);
      }
    }
    if (nulls > 0 && !column.nullable) throw nullNotAllowed(nulls);
  };
  if (kind === "string") {
    const texts = gatherTexts(each, length);
    return { kind, ...texts, valid: nulls === 0 ? null : valid };
  }
  const { values } = layoutOf({ kind }).missing(length) as ValuesVector;
  each(copiers[kind](values as never));
  return { kind, values, valid: nulls === 0 ? null : valid } as Vector;
}

type ValuesVector = Exclude<ScalarVector, { kind: "string" }>;
type ValuesOf<K extends Vector["kind"]> = Extract<ValuesVector, { kind: K }>["values"];
type Visit = (vector: Vector, row: number, at: number) => void;

/** Copy a value to its row. Each has its own loop body, so that it meets arrays of one kind. */
const copiers: {
  readonly [K in ValuesVector["kind"]]: (values: {
    -readonly [i in keyof ValuesOf<K>]: ValuesOf<K>[i];
  }) => Visit;
} = {
  int64: (values) => (vector, row, at) => {
    values[at] = BigInt((vector as Vector & { kind: "int64" | "float64" }).values[row]!);
  },
  int32: (values) => (vector, row, at) => {
    values[at] = (vector as Vector & { kind: "int32" }).values[row]!;
  },
  float64: (values) => (vector, row, at) => {
    values[at] = (vector as Vector & { kind: "float64" }).values[row]!;
  },
  boolean: (values) => (vector, row, at) => {
    values[at] = (vector as Vector & { kind: "boolean" }).values[row]!;
  },
  big: (values) => (vector, row, at) => {
    values[at] = (vector as Vector & { kind: "big" }).values[row]!;
  },
  bytes: (values) => (vector, row, at) => {
    values[at] = (vector as Vector & { kind: "bytes" }).values[row]!;
  },
};

/** Gathers texts under one dictionary, in the order of first use. */
function gatherTexts(
  each: (visit: Visit, enter: (vector: Vector) => void) => void,
  length: number,
): { readonly codes: Int32Array; readonly dictionary: readonly string[] } {
  const codes = new Int32Array(length).fill(-1);
  const dictionary: string[] = [];
  const known = new Map<string, number>();
  let newCodes = new Int32Array(0);
  each(
    (vector, row, at) => {
      const from = (vector as Vector & { kind: "string" }).codes[row]!;
      let code = newCodes[from]!;
      if (code < 0) {
        const text = (vector as Vector & { kind: "string" }).dictionary[from]!;
        const found = known.get(text);
        code = found ?? dictionary.length;
        if (found === undefined) {
          dictionary.push(text);
          known.set(text, code);
        }
        newCodes[from] = code;
      }
      codes[at] = code;
    },
    (vector) => {
      const { dictionary: texts } = vector as Vector & { kind: "string" };
      newCodes = new Int32Array(texts.length).fill(-1);
    },
  );
  return { codes, dictionary };
}
