/** The tables that a store keeps in its history. */
import { historyTables } from "../offline/history-tables.ts";
import { LOG_TABLE } from "../serving-log/log-table.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";

/** A table that a store keeps in its history. */
export interface StoreTable {
  /** In the offline store; there is none before something was written to it. */
  readonly name: string;
  /**
   * changes: the log of a source · versions: the versions of its rows · features: what a view was
   * materialized into · answers: the serving log.
   */
  readonly holds: "changes" | "versions" | "features" | "answers";
  /** Name of the source or the view; "serving-log" for the serving log. */
  readonly of: string;
  /** The column with the times of its rows. */
  readonly timeColumn: string;
}

export function storeTables(
  sources: readonly SourceSpec[],
  views: readonly ViewSpec[],
): readonly StoreTable[] {
  const tables: StoreTable[] = [];
  for (const source of sources) {
    const { changes, versions } = historyTables(source);
    tables.push(
      { name: changes.name, holds: "changes", of: source.name, timeColumn: "_committed" },
      { name: versions.name, holds: "versions", of: source.name, timeColumn: "_known_from" },
    );
  }
  for (const view of views)
    tables.push({
      name: `${view.name}/features`,
      holds: "features",
      of: view.name,
      timeColumn: "event_timestamp",
    });
  tables.push({
    name: LOG_TABLE.name,
    holds: "answers",
    of: "serving-log",
    timeColumn: "answered_at",
  });
  return tables;
}
