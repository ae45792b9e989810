/**
 * The columns of an engine's answers. They are written place by place, and put in the order of the
 * entity rows at the end: one column after the other stays in the processor's cache.
 */
import { gatherRows } from "../columns/gather-rows.ts";
import type { DerivedColumn } from "../plan/nodes.ts";
import type { TypeSpec, Value } from "../specs.ts";
import type { EngineColumn } from "../spi.ts";
import { typeOf } from "../types/value-types.ts";
import type { Vector } from "../types/vector.ts";
import type { VectorLayout } from "../types/vector-layout.ts";
import type { AnswerColumn } from "../window/timed-rows.ts";

/** A result column that becomes an engine's answer once every place is written. */
export interface WritableColumn extends AnswerColumn {
  finish(): EngineColumn;
}

/**
 * Makes the columns of the answers to `columns`. The answer at place p is that of entity row
 * `rows[p]`.
 */
export function answerColumns(
  columns: readonly DerivedColumn[],
  rows: Int32Array,
): readonly WritableColumn[] {
  return columns.map(({ value: form }) => {
    const values = writableValues(form, rows);
    const statuses = new Uint8Array(rows.length);
    const times = new Float64Array(rows.length);
    return {
      put(place, value, status, time) {
        values.put(place, value);
        statuses[place] = status;
        times[place] = time;
      },
      finish: () => ({
        values: values.finish(),
        statuses: bytesByRow(statuses, rows),
        times: floatsByRow(times, rows),
      }),
    };
  });
}

interface WritableValues {
  put(place: number, value: Value): void;
  finish(): Vector;
}

/** Values of a type that typed arrays hold are never boxed. */
function writableValues(form: TypeSpec, rows: Int32Array): WritableValues {
  const { layout } = typeOf(form);
  switch (layout.kind) {
    case "float64":
      return floatValues(rows);
    case "int64":
      return int64Values(rows);
    case "list":
    case "map":
    case "struct":
      return nestedValues(layout, rows);
    default: {
      const values = new Array<Value>(rows.length).fill(null);
      return {
        put(place, value) {
          values[rows[place]!] = value;
        },
        finish: () => layout.of(values, (value) => value),
      };
    }
  }
}

function floatValues(rows: Int32Array): WritableValues {
  const values = new Float64Array(rows.length);
  let valid: Uint8Array | null = null;
  return {
    put(place, value) {
      if (value !== null) values[place] = value as number;
      else (valid ??= new Uint8Array(rows.length).fill(1))[place] = 0;
    },
    finish: () => ({
      kind: "float64",
      values: floatsByRow(values, rows),
      valid: valid && bytesByRow(valid, rows),
    }),
  };
}

function int64Values(rows: Int32Array): WritableValues {
  const values = new BigInt64Array(rows.length);
  let valid: Uint8Array | null = null;
  return {
    put(place, value) {
      if (value !== null) values[place] = value as bigint;
      else (valid ??= new Uint8Array(rows.length).fill(1))[place] = 0;
    },
    finish: () => ({
      kind: "int64",
      values: int64ByRow(values, rows),
      valid: valid && bytesByRow(valid, rows),
    }),
  };
}

/** So many values with parts become a vector at once. */
const NESTED_BATCH = 1024;

/** Values with parts are many objects. They die young, because each batch becomes a vector. */
function nestedValues(layout: VectorLayout, rows: Int32Array): WritableValues {
  const vectors: Vector[] = [];
  let batch: Value[] = [];
  /** For each row: the vector with its value, and the row there. */
  const vectorIndexes = new Int32Array(rows.length);
  const rowIndexes = new Int32Array(rows.length);
  const endBatch = (): void => {
    vectors.push(layout.of(batch, (value) => value));
    batch = [];
  };
  return {
    put(place, value) {
      const row = rows[place]!;
      vectorIndexes[row] = vectors.length;
      rowIndexes[row] = batch.push(value) - 1;
      if (batch.length === NESTED_BATCH) endBatch();
    },
    finish() {
      if (batch.length > 0 || vectors.length === 0) endBatch();
      return gatherRows(vectors, vectorIndexes, rowIndexes);
    },
  };
}

// Each kind of array has its own loop: a shared one would be several times slower.

/** Moves what is at each place to its row. */
function bytesByRow(from: Uint8Array, rows: Int32Array): Uint8Array {
  const to = new Uint8Array(rows.length);
  for (let place = 0; place < rows.length; place++) to[rows[place]!] = from[place]!;
  return to;
}

function floatsByRow(from: Float64Array, rows: Int32Array): Float64Array {
  const to = new Float64Array(rows.length);
  for (let place = 0; place < rows.length; place++) to[rows[place]!] = from[place]!;
  return to;
}

/** Moves the halves of the numbers, so that no bigint is made of them. */
function int64ByRow(from: BigInt64Array, rows: Int32Array): BigInt64Array {
  const to = new BigInt64Array(rows.length);
  const [given, halves] = [new Int32Array(from.buffer), new Int32Array(to.buffer)];
  for (let place = 0; place < rows.length; place++) {
    const row = rows[place]!;
    halves[2 * row] = given[2 * place]!;
    halves[2 * row + 1] = given[2 * place + 1]!;
  }
  return to;
}
