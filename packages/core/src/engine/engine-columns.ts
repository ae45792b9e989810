/** Single values as the columns of an engine's answers, and back. */
import { valueAt } from "../columns/batch.ts";
import type { TypeSpec } from "../specs.ts";
import { ENGINE_STATUSES, type EngineColumn, type ResultColumns, type Status } from "../spi.ts";
import { typeOf } from "../types/value-types.ts";

/** The byte of each status of an engine. */
export const STATUS_BYTES: ReadonlyMap<Status, number> = new Map<Status, number>(
  ENGINE_STATUSES.map((status, i) => [status, i]),
);

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
