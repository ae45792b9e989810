/** What went wrong in a partition of a source, counted in the same step as the position (law 9). */
import { cellKeys } from "../columns/key-bytes.ts";
import type { Cell } from "../spi.ts";

export interface Counters {
  /** Messages whose row was quarantined, or whose key could not be read. */
  readonly quarantinedChanges: number;
  /** NaN and ±Infinity, taken as missing. */
  readonly nonFinite: number;
  /** Values that could not be read, taken as missing. */
  readonly unreadable: number;
}

export function countersKey(namespace: string, source: string, partition: string): Uint8Array {
  return cellKeys(namespace, `counters:${source}:${partition}`, [])([]);
}

export function readCounters(cell: Cell | null): Counters {
  return cell === null ? { quarantinedChanges: 0, nonFinite: 0, unreadable: 0 } : (JSON.parse(new TextDecoder().decode(cell.value)) as Counters);
}

export function encodeCounters(counters: Counters): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(counters));
}
