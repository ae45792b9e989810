/** The tables that a store keeps in its history. */
import { AUDIT_TABLE } from "../audit/audit-table.ts";
import type { Definitions } from "../define/collect-definitions.ts";
import { driftTableOf } from "../drift/drift-table.ts";
import { historyTables } from "../offline/history-tables.ts";
import { sourceProfiles, viewProfiles } from "../profile/profile-subject.ts";
import { servedProfiles } from "../profile/served-answers.ts";
import { RESULTS_TABLE } from "../quality/results-table.ts";
import { LOG_TABLE } from "../serving-log/log-table.ts";
import { didYouMean } from "../did-you-mean.ts";
import { TidemarkError } from "../errors.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";

/** A table that a store keeps in its history. */
export interface StoreTable {
  /** In the offline store; there is none before something was written to it. */
  readonly name: string;
  /**
   * changes: the log of a source · versions: the versions of its rows · features: what a view was
   * materialized into · answers: the serving log · audit: who did what · profiles: statistics by
   * day · drift: results of `store.drift` · expectations: results of `store.quality`.
   */
  readonly holds:
    | "changes"
    | "versions"
    | "features"
    | "answers"
    | "audit"
    | "profiles"
    | "drift"
    | "expectations";
  /**
   * Name of the source, the view or the service; "serving-log", "audit" and "quality" for the
   * tables of the serving log, of the audit and of the results of checks.
   */
  readonly of: string;
  /** The column with the times of its rows. */
  readonly timeColumn: string;
}

/** The tables of a store that a backup has. */
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
  tables.push({ name: AUDIT_TABLE.name, holds: "audit", of: "audit", timeColumn: "began_at" });
  return tables;
}

/**
 * The tables of profiles, drift and expectations. A backup leaves them out: they can be counted
 * again.
 */
export function profileTables({
  sources,
  views,
  services,
}: Pick<Definitions, "sources" | "views" | "services">): readonly StoreTable[] {
  const profiles = [
    ...[...sources.values()].map((one) => ({ of: one.name, name: sourceProfiles(one) })),
    ...[...views.values()].map((one) => ({ of: one.name, name: viewProfiles(one) })),
    ...[...services.values()].map((one) => ({ of: one.name, name: servedProfiles(one) })),
  ];
  return [
    ...profiles.flatMap(({ of, name }): StoreTable[] => [
      { name, holds: "profiles", of, timeColumn: "day_start" },
      { name: driftTableOf(name), holds: "drift", of, timeColumn: "measured_at" },
    ]),
    { name: RESULTS_TABLE.name, holds: "expectations", of: "quality", timeColumn: "checked_at" },
  ];
}

/**
 * The tables with these names; undefined: all of them.
 *
 * @throws OPTION_INVALID when there is no such table.
 */
export function tablesNamed(
  all: readonly StoreTable[],
  names: readonly string[] | undefined,
): readonly StoreTable[] {
  if (names === undefined) return all;
  return names.map((name) => {
    const found = all.find((table) => table.name === name);
    if (found !== undefined) return found;
    const known = all.map((table) => table.name);
    throw new TidemarkError(
      "OPTION_INVALID",
      `storage: no table is called "${name}"${didYouMean(name, known)}; store.tables() lists them`,
    );
  });
}
