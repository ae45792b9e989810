/** The tables of a source: the current one, and the names that it had. */
import type { SourceSpec } from "../specs.ts";

/** Lists the names of the source's table: the current name first, then former ones. */
export function tablesOf({ table, renamedFrom = [] }: SourceSpec): readonly string[] {
  return [table, ...renamedFrom];
}

/** The first name of the source's table. It stays when the table is renamed. */
export function originalTable({ table, renamedFrom = [] }: SourceSpec): string {
  return renamedFrom.at(-1) ?? table;
}
