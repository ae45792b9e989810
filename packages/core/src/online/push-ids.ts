/**
 * Stores the ids of pushes in cells of their own, written in one step with the rows. A repeated
 * push finds in its cell what the first push did.
 */
import { cellKeys } from "../columns/key-bytes.ts";
import type { SourceSpec } from "../specs.ts";
import type { Cell, CellWrite, Change } from "../spi.ts";
import { decodeJson, encodeJson } from "./json-cell.ts";
import type { Retention } from "./retention.ts";

/** What a push with an id did. */
export interface PushDone {
  readonly rows: number;
  readonly deletes: number;
  readonly position: number;
  /** Commit time, µs. */
  readonly committed: number;
}

/** The ids among the changes. Only changes of a push source have ids. */
export function pushIdsIn(source: SourceSpec, changes: readonly Change[]): readonly string[] {
  return source.push === true
    ? [
        ...new Set(
          changes.flatMap(({ transaction }) => (transaction === null ? [] : [transaction])),
        ),
      ]
    : [];
}

export function pushIdKeys(namespace: string, source: string): (id: string) => Uint8Array {
  const keys = cellKeys(namespace, `push:${source}`, [
    { name: "id", database: "id", type: "string", nullable: false },
  ]);
  return (id) => keys([id]);
}

export function readPushDone(cell: Cell | null): PushDone | null {
  return cell === null ? null : (decodeJson(cell.value) as PushDone);
}

/**
 * The write that records a push. A backfill may deliver a push in several batches. Each change
 * comes once, because the position moves with it.
 */
export function pushIdWrite(
  key: Uint8Array,
  cell: Cell | null,
  changes: readonly Change[],
  retention: Retention,
  now: number,
): readonly CellWrite[] {
  const before = readPushDone(cell);
  const last = changes.at(-1)!;
  const committed = last.committed!;
  const forgotten = committed + retention.logRetention;
  if (before === null && forgotten < now) return [];
  const deletes = changes.filter(({ kind }) => kind === "delete").length;
  const done: PushDone = {
    rows: (before?.rows ?? 0) + changes.length - deletes,
    deletes: (before?.deletes ?? 0) + deletes,
    position: last.offset,
    committed,
  };
  return [
    {
      key,
      value: encodeJson(done),
      expected: cell?.version ?? null,
      expires: Number.isFinite(forgotten) ? forgotten : null,
    },
  ];
}
