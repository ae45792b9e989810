/** Says in sentences what a change does to columns and rows, and what may be a renaming. */
import { sourceReadings } from "../define/source-readings.ts";
import {
  columnsBehind,
  columnsOfLookup,
  columnsOfRows,
  lookupsBehindFeature,
  storedColumnsOf,
} from "../plan/columns-read.ts";
import type { FeatureSpec, SourceSpec, ViewSpec } from "../specs.ts";
import { canonicalText, type CanonicalJson } from "./canonical.ts";
import type { DefinedObject } from "./normalized-definitions.ts";
import type { RegisteredObject } from "./snapshot.ts";

type Normalized = DefinedObject["normalized"];

/** Members of a column that say how its values are read. */
const READING = ["type", "precision", "scale", "zone", "encoding", "database"] as const;

/**
 * Says which new feature is a removed one under another name. Such a feature can keep both names.
 */
export function removedFeatureConsequences(
  removed: RegisteredObject,
  added: readonly DefinedObject[],
): readonly string[] {
  const [view, old] = nameParts(removed.name);
  const same = added.find(
    ({ name, fingerprint }) => fingerprint === removed.fingerprint && nameParts(name)[0] === view,
  );
  return same === undefined
    ? []
    : [`${same.name} has the same definition: .renamedFrom("${old}") would keep both names`];
}

function nameParts(feature: string): readonly [view: string, name: string] {
  const dot = feature.indexOf(".");
  return [feature.slice(0, dot), feature.slice(dot + 1)];
}

/** Lists what a new version of a transform does. Other views have no such consequence. */
export function transformConsequences(before: Normalized, after: Normalized): readonly string[] {
  const [old, now] = [before["version"], after["version"]];
  return typeof old !== "number" || typeof now !== "number" || old === now
    ? []
    : [
        `version ${now} of its code answers, online and in training sets: a model that was ` +
          `trained with version ${old} needs a training set of version ${now}`,
      ];
}

/** Lists what a change of the source does. `before` and `after` are its normalized definitions. */
export function sourceConsequences(
  before: Normalized,
  after: Normalized,
  source: SourceSpec,
  views: readonly ViewSpec[],
): readonly string[] {
  const [old, now] = [columnsIn(before), columnsIn(after)];
  const gone = Object.keys(old).filter((name) => !(name in now));
  const lines: string[] = [];
  const renamed = new Set<string>();
  for (const [name, column] of Object.entries(now)) {
    const was = old[name];
    if (was !== undefined) {
      if (readingOf(was) !== readingOf(column))
        lines.push(
          `column ${name} is read as ${typeText(column)}, no longer as ${typeText(was)}: its ` +
            `values are read again from the change log; ${readersText(name, source, views)}`,
        );
      continue;
    }
    const former = gone.find(
      (one) => !renamed.has(one) && readingOf(old[one]!) === readingOf(column),
    );
    if (former === undefined)
      lines.push(
        `column ${name} is new: ${earlierValuesText(source)}; ${readersText(name, source, views)}`,
      );
    else {
      renamed.add(former);
      lines.push(
        `column ${former} is called ${name}; its values stay; ${readersText(name, source, views)}`,
      );
    }
  }
  for (const name of gone)
    if (!renamed.has(name)) lines.push(`column ${name} is gone: no feature reads it any more`);
  const [table, former] = [before["table"], after["renamedFrom"]];
  if (
    typeof table === "string" &&
    table !== after["table"] &&
    !(Array.isArray(former) && former.includes(table))
  )
    lines.push(
      `its rows are those of table ${source.table} alone; if ${table} was renamed, ` +
        `renamedFrom: "${table}" would keep its rows`,
    );
  const rows = (["primaryKey", "keyFrom", "eventTime", "createdAt", "quarantine"] as const).filter(
    (part) => canonicalText(before[part] ?? null) !== canonicalText(after[part] ?? null),
  );
  if (rows.length > 0)
    lines.push(`its ${rows.join(" and ")} changes: its rows are read again from the change log`);
  return lines;
}

/** Says where the values of a new column are in rows from before. */
function earlierValuesText({ push, undeclared }: SourceSpec): string {
  if (push === true) return "rows that were pushed before do not have it";
  return undeclared === "drop"
    ? 'it is missing in changes from before (undeclared: "drop"), until tidemark resnapshot'
    : "its values are in the change log";
}

function columnsIn(source: Normalized): Readonly<Record<string, Normalized>> {
  return source["columns"] as unknown as Readonly<Record<string, Normalized>>;
}

function readingOf(column: Normalized): string {
  return canonicalText(READING.map((part) => column[part] ?? null) as readonly CanonicalJson[]);
}

function typeText(column: Normalized): string {
  const { type, precision, scale, zone, encoding, database } = column;
  const detail =
    scale !== undefined
      ? `(${String(precision)},${String(scale)})`
      : zone !== undefined
        ? ` in ${String(zone)}`
        : encoding === undefined
          ? ""
          : ` in ${String(encoding)}`;
  return `${String(type)}${detail} of ${JSON.stringify(database)}`;
}

/** Names the features that read a column of the source. */
function readersText(column: string, source: SourceSpec, views: readonly ViewSpec[]): string {
  const { primaryKey, eventTime } = source;
  const ofEveryRow =
    primaryKey.includes(column) || (eventTime.kind === "column" && eventTime.column === column);
  const isRead = (view: ViewSpec, feature: FeatureSpec): boolean =>
    lookupsBehindFeature(view, feature).some(
      (lookup) =>
        lookup.dimension.name === source.name &&
        (ofEveryRow || columnsOfLookup(lookup).includes(column)),
    ) ||
    (view.source.name === source.name &&
      (ofEveryRow ||
        view.keyColumns.includes(column) ||
        storedColumnsOf(view, [...columnsOfRows(view), ...columnsBehind(source, feature)]).includes(
          column,
        )));
  const found = views
    .flatMap(sourceReadings)
    .flatMap((view) =>
      view.features
        .filter((feature) => isRead(view, feature))
        .map(({ name }) => `${view.name}.${name}`),
    );
  // two parts of a union may read one source
  const readers = [...new Set(found)];
  if (readers.length === 0) return "no feature reads it";
  return `${readers.join(", ")} ${readers.length === 1 ? "reads" : "read"} it`;
}
