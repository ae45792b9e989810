/** The answers of an engine as columns, and back as single values. */
import { valueAt } from "../columns/batch.ts";
import type { DerivedColumn } from "../plan/nodes.ts";
import type { TypeSpec } from "../specs.ts";
import { ENGINE_STATUSES, type EngineColumn, type ResultColumns, type Status } from "../spi.ts";
import { typeOf } from "../types/value-types.ts";

const STATUS_BYTES = new Map<Status, number>(ENGINE_STATUSES.map((status, i) => [status, i]));

/** Takes results part by part, and makes the columns of all of them. */
export interface EngineColumnsBuilder {
  /** Adds the first `count` rows of the results. */
  push(results: readonly ResultColumns[], count: number): void;
  finish(): readonly EngineColumn[];
}

/** Makes a builder of the answers to `columns`, for `length` entity rows. */
export function engineColumnsBuilder(
  columns: readonly DerivedColumn[],
  length: number,
): EngineColumnsBuilder {
  const parts = columns.map(({ value }) => ({
    values: typeOf(value).layout.builder(length),
    statuses: new Uint8Array(length),
    times: new Float64Array(length),
  }));
  let from = 0;
  return {
    push(results, count) {
      parts.forEach(({ values, statuses, times }, c) => {
        const result = results[c]!;
        for (let row = 0; row < count; row++) {
          values.push(result.values[row]!);
          statuses[from + row] = STATUS_BYTES.get(result.statuses[row]!)!;
          times[from + row] = result.times[row]!;
        }
      });
      from += count;
    },
    finish: () =>
      parts.map(({ values, statuses, times }) => ({ values: values.finish(), statuses, times })),
  };
}

/** Single values as the answers to one column of this type. */
export function engineColumnOf(
  { values, statuses, times }: ResultColumns,
  type: TypeSpec,
): EngineColumn {
  return {
    values: typeOf(type).layout.of(values, (value) => value),
    statuses: Uint8Array.from(statuses, (status) => STATUS_BYTES.get(status)!),
    times,
  };
}

/** The single values of an engine's answers. */
export function resultsOf(columns: readonly EngineColumn[]): readonly ResultColumns[] {
  return columns.map(({ values, statuses, times }) => ({
    values: Array.from(times, (_, row) => valueAt(values, row)),
    statuses: Array.from(statuses, (status) => ENGINE_STATUSES[status]!),
    times,
  }));
}
