/**
 * Counts the faults in a partition of a source (law 9: missing is missing, and counted). The counts
 * are written in one step with the position.
 */
import { cellKeys } from "../columns/key-bytes.ts";
import type { Cell, CellWrite, Change } from "../spi.ts";
import { decodeJson, encodeJson } from "./json-cell.ts";
import { quarantineIn } from "./entity-log-entries.ts";
import type { EntityLogs } from "./entity-logs.ts";
import { rowChangesOf } from "../rows/row-change.ts";
import { deriveVersions } from "../rows/row-versions.ts";

export interface Counters {
  /** Messages whose row was quarantined, or whose key could not be read. */
  readonly quarantinedChanges: number;
  /** NaN and ±Infinity, taken as missing. */
  readonly nonFinite: number;
  /** Values that could not be read, taken as missing. */
  readonly invalidValues: number;
}

export function countersKey(namespace: string, source: string, partition: string): Uint8Array {
  return cellKeys(namespace, `counters:${source}:${partition}`, [])([]);
}

export function readCounters(cell: Cell | null): Counters {
  return cell === null
    ? { quarantinedChanges: 0, nonFinite: 0, invalidValues: 0 }
    : (decodeJson(cell.value) as Counters);
}

/** The write that adds the faults in these changes of the partition; empty if there are none. */
export function counterWrites(
  key: Uint8Array,
  cell: Cell | null,
  changes: readonly Change[],
  entityLogs: EntityLogs,
): readonly CellWrite[] {
  const before = readCounters(cell);
  let { quarantinedChanges, nonFinite, invalidValues } = before;
  const rowChanges = rowChangesOf(entityLogs.layout.source);
  for (const change of changes) {
    nonFinite += change.nonFinite;
    invalidValues += change.invalidColumns.length;
    if (isQuarantined(change, entityLogs, rowChanges)) quarantinedChanges++;
  }
  if (
    quarantinedChanges === before.quarantinedChanges &&
    nonFinite === before.nonFinite &&
    invalidValues === before.invalidValues
  )
    return [];
  const counters: Counters = { quarantinedChanges, nonFinite, invalidValues };
  return [{ key, value: encodeJson(counters), expected: cell?.version ?? null, expires: null }];
}

/**
 * Whether the message alone puts its row in quarantine. TOASTed columns are ignored here, because
 * only the row's stored image can fill them.
 */
function isQuarantined(
  change: Change,
  entityLogs: EntityLogs,
  rowChanges: ReturnType<typeof rowChangesOf>,
): boolean {
  if (change.kind === "none") return change.undecodable !== null;
  if (change.kind !== "upsert") return false;
  const row = { ...rowChanges(change).at(-1)!.change, unavailable: [] };
  const [version] = deriveVersions(entityLogs.layout.source, [row], []);
  return quarantineIn(entityLogs, version!) !== null;
}
