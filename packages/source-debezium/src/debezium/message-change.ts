/** Makes the change that the current message gives. */
import type { DecodedRow, RowDecoder } from "@tidemark/core/internal";
import type { Change, Value } from "@tidemark/core/spi";
import type { CurrentMessage } from "./current-message.ts";
import type { ChangeOrigin } from "./origin.ts";

const NONE: readonly never[] = [];

/** Makes a change of the table that the decoder reads. Without `values` it changes no row. */
export function changeOf(
  current: CurrentMessage,
  decoder: RowDecoder,
  kind: Change["kind"],
  op: string | null,
  origin: ChangeOrigin,
  values: readonly Value[] | null = null,
  oldKey: readonly Value[] | null = null,
  row: DecodedRow | null = null,
  undecodable: Change["undecodable"] = null,
): Change {
  const { message, sourceOrigin } = current;
  return {
    source: decoder.source.name,
    topic: message.topic,
    partition: message.partition,
    offset: message.offset,
    kind,
    values,
    oldKey,
    unavailable: row === null ? NONE : row.unavailable,
    ...(row === null || row.undeclaredUnavailable.length === 0
      ? {}
      : { undeclaredUnavailable: row.undeclaredUnavailable }),
    invalidColumns: row === null ? NONE : row.invalidColumns,
    absentColumns: row === null || row.absentColumns.length === 0 ? undefined : row.absentColumns,
    undecodable,
    nonFinite: row === null ? 0 : row.nonFinite,
    order: origin.order,
    ...(origin.committedAfter === undefined ? {} : { committedAfter: origin.committedAfter }),
    committed: origin.committed,
    snapshot: origin.snapshot || op === "r",
    snapshotMarker: origin.snapshotMarker,
    op,
    timestamp: message.timestamp,
    transaction: origin.transaction,
    logged: current.logged(decoder),
    origin: sourceOrigin ?? undefined,
  };
}
