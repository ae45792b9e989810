/** The columns of an engine's answers, which are written row by row in any order. */
import type { DerivedColumn } from "../plan/nodes.ts";
import type { TypeSpec, Value } from "../specs.ts";
import type { EngineColumn } from "../spi.ts";
import { typeOf } from "../types/value-types.ts";
import type { Vector } from "../types/vector.ts";
import type { AnswerColumn } from "../window/timed-rows.ts";

/** A result column that becomes an engine's answer once every row is written. */
export interface WritableColumn extends AnswerColumn {
  finish(): EngineColumn;
}

/** Makes the columns of the answers to `columns`, for `length` entity rows. */
export function answerColumns(
  columns: readonly DerivedColumn[],
  length: number,
): readonly WritableColumn[] {
  return columns.map(({ value: form }) => {
    const values = writableValues(form, length);
    const statuses = new Uint8Array(length);
    const times = new Float64Array(length);
    return {
      put(row, value, status, time) {
        values.put(row, value);
        statuses[row] = status;
        times[row] = time;
      },
      finish: () => ({ values: values.finish(), statuses, times }),
    };
  });
}

interface WritableValues {
  put(row: number, value: Value): void;
  finish(): Vector;
}

/** Values of a type that typed arrays hold are never boxed. */
function writableValues(form: TypeSpec, length: number): WritableValues {
  const { layout } = typeOf(form);
  switch (layout.kind) {
    case "float64":
      return floatValues(length);
    case "int64":
      return int64Values(length);
    default: {
      const values = new Array<Value>(length).fill(null);
      return {
        put(row, value) {
          values[row] = value;
        },
        finish: () => layout.of(values, (value) => value),
      };
    }
  }
}

// Each kind of array has its own loop: a shared one would be several times slower.

function floatValues(length: number): WritableValues {
  const values = new Float64Array(length);
  let valid: Uint8Array | null = null;
  return {
    put(row, value) {
      if (value !== null) values[row] = value as number;
      else (valid ??= new Uint8Array(length).fill(1))[row] = 0;
    },
    finish: () => ({ kind: "float64", values, valid }),
  };
}

function int64Values(length: number): WritableValues {
  const values = new BigInt64Array(length);
  let valid: Uint8Array | null = null;
  return {
    put(row, value) {
      if (value !== null) values[row] = value as bigint;
      else (valid ??= new Uint8Array(length).fill(1))[row] = 0;
    },
    finish: () => ({ kind: "int64", values, valid }),
  };
}
