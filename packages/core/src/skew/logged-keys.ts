/** The keys and the request data of logged rows, as columns. */
import { batchOf, type Batch } from "../columns/batch.ts";
import { keysNeeded } from "../request/entity-keys.ts";
import { parseMembers, valueOfJson } from "../serving-log/json-values.ts";
import type { SelectedFeature } from "../specs.ts";
import type { LoggedRow } from "./read-log.ts";

/** Reads what a selection needs of each row. */
export function keysOfRows(
  selection: readonly SelectedFeature[],
  rows: readonly LoggedRow[],
): Batch {
  const needed = keysNeeded(selection);
  return batchOf(
    needed,
    rows.map(({ entity, requestData }) => {
      const given: Readonly<Record<string, unknown>> = {
        ...(requestData === null ? {} : parseMembers(requestData)),
        ...parseMembers(entity),
      };
      return needed.map((column) => valueOfJson(column, given[column.name]));
    }),
  );
}
