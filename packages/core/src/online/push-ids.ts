/**
 * The ids of pushes, in cells beside the rows they brought and written in the same step: a push
 * that is repeated finds what it did.
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
  /** µs. */
  readonly committed: number;
}

/** The ids among changes; only those of a pushed source have any. */
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
 * A push may come in several batches where it comes from the history; each change comes once,
 * because its position moves with it.
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
