/** Turns a change of a row's stored changes into edits of the entity logs. */
import type { Value } from "../specs.ts";
import type { RowChange } from "../rows/row-change.ts";
import {
  entityLogEntries,
  removalEdit,
  type EntityLogEntry,
  type OriginOf,
} from "./entity-log-entries.ts";
import type { EntityLogEdits } from "./entity-log-writes.ts";
import type { EntityLogs } from "./entity-logs.ts";
import { keepFrom } from "./retention.ts";

/** Adds the edits of a row whose stored changes were `before` and are `after`. */
export function addRowEdits(
  edits: EntityLogEdits,
  entityLogs: EntityLogs,
  row: {
    readonly key: readonly Value[];
    readonly before: readonly RowChange[];
    readonly after: readonly RowChange[];
    readonly originOf: OriginOf;
    readonly horizon: number;
    /** Identifies entries that are equal; by default their id. */
    readonly idOf?: ((entry: EntityLogEntry) => string) | undefined;
  },
): void {
  const { key, before, after, originOf, horizon, idOf = ({ id }) => id } = row;
  const old = entityLogEntries(entityLogs, key, before, originOf);
  const now = entityLogEntries(entityLogs, key, after, originOf);
  const kept = new Set(now.map(idOf));
  const had = new Set(old.map(idOf));
  for (const entry of old)
    if (!kept.has(idOf(entry))) edits.add(entry, removalEdit(entityLogs, entry));
  for (const entry of now) {
    if (
      had.has(idOf(entry)) ||
      (entry.row[entry.entityLog.format.timeIndex] as number) <
        keepFrom(entityLogs.layout, entry.entityLog, horizon)
    )
      continue;
    edits.add(entry, { put: entry.row, remove: null });
  }
}
