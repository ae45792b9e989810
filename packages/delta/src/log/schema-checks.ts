/** Checks whether Tidemark can write the rows of a table anew. */
import { TidemarkError } from "@tidemark/core";
import { hasDeltaType } from "./schema.ts";
import type { TableLog } from "./state.ts";

/**
 * Checks that every column can be written exactly as it was.
 *
 * @throws DELTA_UNSUPPORTED when a column has a type that Tidemark does not write.
 */
export function checkRewritable(log: TableLog, removes: boolean, action: string): void {
  log.checkWritable(removes);
  for (const field of log.schema.fields) {
    const column = log.schema.columns.find(({ name }) => name === field.name);
    if (column === undefined || !hasDeltaType(column, field.type)) {
      throw new TidemarkError(
        "DELTA_UNSUPPORTED",
        `table "${log.table}": column "${field.name}" has a type ` +
          `that Tidemark does not write; ${action} with the tool that made it`,
      );
    }
  }
}
