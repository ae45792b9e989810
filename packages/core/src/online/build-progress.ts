/** The progress of the backfill of a build, in a cell of its own. */
import { cellKeys } from "../columns/key-bytes.ts";
import type { Cell, CellWrite, Position } from "../spi.ts";
import { decodeJson, encodeJson } from "./json-cell.ts";

/** How far the history was written into a build. */
export interface FillProgress {
  readonly build: number;
  /** The positions at which the build is whole. */
  readonly until: readonly Position[];
  readonly reached: readonly Position[];
  /** The cell's version; null: the cell does not exist. */
  readonly version: number | null;
}

export function fillProgressKey(namespace: string, source: string): Uint8Array {
  return cellKeys(namespace, `backfill:${source}`, [])([]);
}

export function decodeFillProgress(cell: Cell | null): FillProgress | null {
  if (cell === null) return null;
  const stored = decodeJson(cell.value) as Omit<FillProgress, "version">;
  return { ...stored, version: cell.version };
}

export function fillProgressWrite(
  key: Uint8Array,
  { build, until, reached, version }: FillProgress,
): CellWrite {
  return { key, value: encodeJson({ build, until, reached }), expected: version, expires: null };
}
