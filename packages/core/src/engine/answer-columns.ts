/** The columns of an engine's answers, written place by place. */
import { concatVectors } from "../columns/batch.ts";
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
 * Makes the columns of `length` answers to `columns`. Places are written in ascending order. With
 * `sharesTimes` the event time of a place is the same in each column.
 */
export function answerColumns(
  columns: readonly DerivedColumn[],
  length: number,
  sharesTimes: boolean,
): readonly WritableColumn[] {
  const shared = new Float64Array(sharesTimes ? length : 0);
  return columns.map(({ value: form }) => {
    const values = writableValues(form, length);
    const statuses = new Uint8Array(length);
    const times = sharesTimes ? shared : new Float64Array(length);
    return {
      put(place, value, status, time) {
        values.put(place, value);
        statuses[place] = status;
        times[place] = time;
      },
      finish: () => ({ values: values.finish(), statuses, times }),
    };
  });
}

interface WritableValues {
  put(place: number, value: Value): void;
  finish(): Vector;
}

/** Values of a type that typed arrays hold are never boxed. */
function writableValues(form: TypeSpec, length: number): WritableValues {
  const { layout } = typeOf(form);
  switch (layout.kind) {
    case "float64":
      return floatValues(new Float64Array(length));
    case "int64":
      return int64Values(new BigInt64Array(length));
    case "list":
    case "map":
    case "struct":
      return nestedValues(layout);
    default: {
      const values = new Array<Value>(length).fill(null);
      return {
        put(place, value) {
          values[place] = value;
        },
        finish: () => layout.of(values, (value) => value),
      };
    }
  }
}

function floatValues(values: Float64Array): WritableValues {
  let valid: Uint8Array | null = null;
  return {
    put(place, value) {
      if (value !== null) values[place] = value as number;
      else (valid ??= new Uint8Array(values.length).fill(1))[place] = 0;
    },
    finish: () => ({ kind: "float64", values, valid }),
  };
}

function int64Values(values: BigInt64Array): WritableValues {
  let valid: Uint8Array | null = null;
  return {
    put(place, value) {
      if (value !== null) values[place] = value as bigint;
      else (valid ??= new Uint8Array(values.length).fill(1))[place] = 0;
    },
    finish: () => ({ kind: "int64", values, valid }),
  };
}

/** So many values with parts become a vector at once. */
const NESTED_BATCH = 1024;

/** Values with parts are many objects. They die young, because each batch becomes a vector. */
function nestedValues(layout: VectorLayout): WritableValues {
  const vectors: Vector[] = [];
  let batch: Value[] = [];
  const endBatch = (): void => {
    vectors.push(layout.of(batch, (value) => value));
    batch = [];
  };
  return {
    put(_, value) {
      if (batch.push(value) === NESTED_BATCH) endBatch();
    },
    finish() {
      if (batch.length > 0 || vectors.length === 0) endBatch();
      return concatVectors(vectors);
    },
  };
}
