/**
 * Derives the entries of a row in the entity logs from the row's changes. A change of the row
 * becomes removed entries and added entries.
 */
import { keyText } from "../columns/key-bytes.ts";
import type { Value } from "../specs.ts";
import { sameKeyValue, type EntityLogEdit } from "./entity-log-edit.ts";
import type { EntityLogRow } from "./entity-log-cells.ts";
import { QUARANTINE_COLUMNS, type EntityLog, type EntityLogs } from "./entity-logs.ts";
import type { RowChange } from "../rows/row-change.ts";
import { deriveVersions, type RowVersion } from "../rows/row-versions.ts";
import { quarantineOf, type Quarantine } from "../rows/quarantine.ts";

/** One row in one entity log. */
export interface EntityLogEntry {
  readonly entityLog: EntityLog;
  readonly key: readonly Value[];
  readonly row: EntityLogRow;
  /** Equal for equal entries of one row. */
  readonly id: string;
}

/** Returns the topic and partition of a quarantined change, for the list of quarantined rows. */
export type OriginOf = (change: {
  readonly order: bigint;
  readonly offset: number;
}) => { readonly topic: string; readonly partition: number; readonly offset: number } | undefined;

export function entityLogEntries(
  entityLogs: EntityLogs,
  key: readonly Value[],
  changes: readonly RowChange[],
  originOf: OriginOf,
): readonly EntityLogEntry[] {
  const versions = deriveVersions(entityLogs.layout.source, changes, []);
  const now = versions.at(-1);
  if (now === undefined) return [];
  const quarantine = now.values === null ? null : quarantineIn(entityLogs, now);
  // a late change may fill a column that the newest left out; then the entry has another id
  const id = changes.map(({ order, offset }) => `${order}/${offset}`).join(" ");
  const oldestImageOrder = changes.length > 1 ? changes[0]!.order : null;
  const entries =
    entityLogs.layout.timeIndex < 0
      ? dimensionEntries(entityLogs, key, changes, versions)
      : now.values === null || quarantine?.inNoEntityLog === true
        ? []
        : eventEntries(entityLogs, now, oldestImageOrder, id);
  if (quarantine === null) return entries;
  const origin = originOf(now);
  const row = [
    now.committed,
    now.order,
    origin?.topic ?? null,
    origin?.partition ?? null,
    origin?.offset ?? now.offset,
    quarantine.column,
    quarantine.reason,
    ...key,
  ];
  return [...entries, { entityLog: entityLogs.quarantine, key: [], row, id: `quarantine ${id}` }];
}

/**
 * Returns why a row version is quarantined; null: it is not. `inNoEntityLog`: the row is in no
 * entity log at all. Otherwise the row is missing only in the entity logs whose key it lacks.
 */
export function quarantineIn(
  entityLogs: EntityLogs,
  version: RowVersion,
): (Quarantine & { readonly inNoEntityLog: boolean }) | null {
  const { source, timeIndex, entityLogs: list } = entityLogs.layout;
  const row = { ...version, values: version.values! };
  const whole = quarantineOf(source, timeIndex, [], row);
  const any = whole ?? quarantineOf(source, timeIndex, list, row);
  return any === null ? null : { ...any, inNoEntityLog: whole !== null };
}

/**
 * The entries of an event row. `oldestImageOrder`: order of the oldest change still needed for a
 * TOASTed column; null when the newest change is complete.
 */
function eventEntries(
  entityLogs: EntityLogs,
  now: RowVersion,
  oldestImageOrder: bigint | null,
  id: string,
): readonly EntityLogEntry[] {
  const { storedIndexes } = entityLogs.layout;
  const row = [...storedIndexes.map((index) => now.values![index]!), now.order, oldestImageOrder];
  return entityLogs.logs.flatMap((entityLog) => {
    const key = entityKeyIn(entityLog, now.values!);
    if (key === null) return [];
    return [
      {
        entityLog,
        key,
        row,
        id: `${entityLog.layout.name} ${keyText(entityLog.layout.keyColumns, key)} ${id}`,
      },
    ];
  });
}

/**
 * The entries of a dimension row. Each entity that any version of the row belonged to gets all its
 * changes. The reader derives the versions from them, truncates included.
 */
function dimensionEntries(
  entityLogs: EntityLogs,
  key: readonly Value[],
  changes: readonly RowChange[],
  versions: readonly RowVersion[],
): readonly EntityLogEntry[] {
  return entityLogs.logs.flatMap((entityLog) => {
    const keys = new Map<string, readonly Value[]>();
    for (const version of versions) {
      const entity = version.values === null ? null : entityKeyIn(entityLog, version.values);
      if (entity !== null) keys.set(keyText(entityLog.layout.keyColumns, entity), entity);
    }
    return [...keys].flatMap(([text, entity]) =>
      changes.map((change) => ({
        entityLog,
        key: entity,
        row: entityLogs.codec.toRow(change, key),
        id: `${entityLog.layout.name} ${text} ${change.order} ${change.offset}`,
      })),
    );
  });
}

function entityKeyIn(entityLog: EntityLog, values: readonly Value[]): readonly Value[] | null {
  const key = entityLog.layout.keyIndexes.map((index) => values[index] ?? null);
  return key.includes(null) ? null : key;
}

/** The edit that removes the entry from its entity log: the row with its key and log order. */
export function removalEdit(entityLogs: EntityLogs, entry: EntityLogEntry): EntityLogEdit {
  const { format } = entry.entityLog;
  const quarantined = entry.entityLog === entityLogs.quarantine;
  const keyColumns = entityLogs.layout.source.primaryKey.map((name) =>
    format.columns.findIndex((column) => column.name === name),
  );
  const order = format.columns.findIndex((column) => column.name === "~order");
  const columns = quarantined
    ? [order, ...entityLogs.layout.source.primaryKey.map((_, k) => QUARANTINE_COLUMNS + k)]
    : [order, ...keyColumns];
  return {
    put: null,
    remove: {
      time: entry.row[format.timeIndex] as number,
      matches: (row) => columns.every((c) => sameKeyValue(row[c]!, entry.row[c]!)),
    },
  };
}
