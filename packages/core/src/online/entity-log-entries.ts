/**
 * Where a row stands: from its changes to its places in the entity logs, so that a change is what
 * goes out and what comes in.
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

/** Where a quarantined change came from, for the list of quarantined rows. */
export type OriginOf = (change: {
  readonly order: bigint;
  readonly offset: number;
}) => { readonly topic: string; readonly partition: number } | undefined;

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
  // a change that comes late may fill a column that the newest left out: the entry is another then
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
    now.offset,
    quarantine.column,
    quarantine.reason,
    ...key,
  ];
  return [...entries, { entityLog: entityLogs.quarantine, key: [], row, id: `quarantine ${id}` }];
}

/**
 * `whole`: the row is in no entity log at all; else it misses only the entity logs whose key it
 * lacks.
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
 * `told`: the place of the oldest change that tells a column which the newest left out; null: it
 * left out none.
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
 * Every entity that a version of the row ever belonged to gets all its changes: the reader derives
 * the versions, truncates included.
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

/** What takes this entry out of its entity log again: the row with its key and its place. */
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
