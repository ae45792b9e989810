/** Gathers rows of batches into new vectors. */
import { TidemarkError } from "@tidemark/core";
import type { Batch, ColumnSpec, Vector } from "@tidemark/core/spi";

/** Rows of one batch: rows [from, to) of the list, or of the batch if there is no list. */
export interface Piece {
  readonly batch: Batch;
  readonly rows: Int32Array | null;
  readonly from: number;
  readonly to: number;
}

export function vectorKind(column: ColumnSpec): Vector["kind"] {
  switch (column.type) {
    case "string":
    case "json":
      return "string";
    case "int64":
      return "int64";
    case "int32":
    case "date":
      return "int32";
    case "float64":
    case "timestamp":
      return "float64";
    case "boolean":
      return "boolean";
    case "decimal":
      return "big";
    case "bytes":
      return "bytes";
  }
}

/** Makes a vector of `length` missing values. */
export function nullVector(column: ColumnSpec, length: number): Vector {
  const valid = new Uint8Array(length);
  switch (vectorKind(column)) {
    case "string":
      return { kind: "string", codes: new Int32Array(length).fill(-1), dictionary: [], valid };
    case "int64":
      return { kind: "int64", values: new BigInt64Array(length), valid };
    case "int32":
      return { kind: "int32", values: new Int32Array(length), valid };
    case "float64":
      return { kind: "float64", values: new Float64Array(length), valid };
    case "boolean":
      return { kind: "boolean", values: new Uint8Array(length), valid };
    case "big":
      return { kind: "big", values: new Array<bigint>(length).fill(0n), valid };
    case "bytes":
      return {
        kind: "bytes",
        values: new Array<Uint8Array>(length).fill(new Uint8Array(0)),
        valid,
      };
  }
}

/** Returns rows [from, to) of a vector, sharing its memory where possible. */
export function sliceVector(vector: Vector, from: number, to: number): Vector {
  const valid = vector.valid?.subarray(from, to) ?? null;
  switch (vector.kind) {
    case "string":
      return {
        kind: "string",
        codes: vector.codes.subarray(from, to),
        dictionary: vector.dictionary,
        valid,
      };
    case "int64":
      return { kind: "int64", values: vector.values.subarray(from, to), valid };
    case "int32":
      return { kind: "int32", values: vector.values.subarray(from, to), valid };
    case "float64":
      return { kind: "float64", values: vector.values.subarray(from, to), valid };
    case "boolean":
      return { kind: "boolean", values: vector.values.subarray(from, to), valid };
    case "big":
      return { kind: "big", values: vector.values.slice(from, to), valid };
    case "bytes":
      return { kind: "bytes", values: vector.values.slice(from, to), valid };
  }
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
  return vector.kind === "string" ? renumberCodes(vector, from, to) : sliceVector(vector, from, to);
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
  const kind = vectorKind(column);
  const whole = pieces.length === 1 ? gatherWholeRange(pieces[0]!, column, kind) : null;
  if (whole !== null) return whole;
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
      if (vector.kind !== kind) {
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
    if (nulls > 0 && !column.nullable) {
      throw new TidemarkError(
        "NULL_NOT_ALLOWED",
        `${where}: column "${column.name}" is not nullable and ${nulls} ` +
          `of ${length} rows have no value in it; declare it .nullable() or leave those rows out`,
      );
    }
  };
  const validity = (): Uint8Array | null => (nulls === 0 ? null : valid);
  switch (kind) {
    case "string": {
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
          newCodes = new Int32Array((vector as Vector & { kind: "string" }).dictionary.length).fill(
            -1,
          );
        },
      );
      return { kind: "string", codes, dictionary, valid: validity() };
    }
    case "int64": {
      const values = new BigInt64Array(length);
      each((vector, row, at) => {
        values[at] = (vector as Vector & { kind: "int64" }).values[row]!;
      });
      return { kind: "int64", values, valid: validity() };
    }
    case "int32": {
      const values = new Int32Array(length);
      each((vector, row, at) => {
        values[at] = (vector as Vector & { kind: "int32" }).values[row]!;
      });
      return { kind: "int32", values, valid: validity() };
    }
    case "float64": {
      const values = new Float64Array(length);
      each((vector, row, at) => {
        values[at] = (vector as Vector & { kind: "float64" }).values[row]!;
      });
      return { kind: "float64", values, valid: validity() };
    }
    case "boolean": {
      const values = new Uint8Array(length);
      each((vector, row, at) => {
        values[at] = (vector as Vector & { kind: "boolean" }).values[row]!;
      });
      return { kind: "boolean", values, valid: validity() };
    }
    case "big": {
      const values = new Array<bigint>(length).fill(0n);
      each((vector, row, at) => {
        values[at] = (vector as Vector & { kind: "big" }).values[row]!;
      });
      return { kind: "big", values, valid: validity() };
    }
    case "bytes": {
      const values = new Array<Uint8Array>(length).fill(new Uint8Array(0));
      each((vector, row, at) => {
        values[at] = (vector as Vector & { kind: "bytes" }).values[row]!;
      });
      return { kind: "bytes", values, valid: validity() };
    }
  }
}
