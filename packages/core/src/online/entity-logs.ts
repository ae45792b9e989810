/** The lanes of a source in the online store: their formats and the keys of their cells. */
import { keyColumnsOf } from "../rows/row-change.ts";
import { cellKeys } from "../columns/key-bytes.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import type { LaneFormat } from "./entity-log-cells.ts";
import { changeCodec, type ChangeCodec } from "./row-cells.ts";
import type { Lane, SourceLayout } from "./source-layout.ts";

const CHUNK: ColumnSpec = { name: "~chunk", database: "", kind: "int64", nullable: false };
const TOLD: ColumnSpec = { name: "~told", database: "", kind: "int64", nullable: true };
const PLACE: ColumnSpec = { name: "~place", database: "", kind: "int64", nullable: false };

/** The columns of a quarantined row, before its primary key. */
const QUARANTINE: readonly ColumnSpec[] = [
  { name: "~committed", database: "", kind: "timestamp", nullable: false },
  PLACE,
  { name: "~topic", database: "", kind: "string", nullable: true },
  { name: "~partition", database: "", kind: "int32", nullable: true },
  { name: "~offset", database: "", kind: "timestamp", nullable: true },
  { name: "~column", database: "", kind: "string", nullable: true },
  { name: "~reason", database: "", kind: "string", nullable: false },
];
export const QUARANTINE_COLUMNS: number = QUARANTINE.length;

export interface LaneKeys {
  head(key: readonly Value[]): Uint8Array;
  chunk(key: readonly Value[], id: number): Uint8Array;
}

export interface OnlineLane extends LaneKeys {
  readonly lane: Lane;
  readonly format: LaneFormat;
}

export interface OnlineLanes {
  readonly layout: SourceLayout;
  readonly codec: ChangeCodec;
  readonly lanes: readonly OnlineLane[];
  /** The quarantined rows of the source, a lane under the empty key. */
  readonly quarantine: OnlineLane;
  rowKey(key: readonly Value[]): Uint8Array;
  /**
   * The place of an event, after its held columns: a truncate hides what lies before it. Behind it,
   * the place of the oldest change that still tells a column of the row (null: its newest tells
   * all): a truncate between the two took that change away, and the column is unresolved.
   */
  readonly placeColumn: number;
}

export function onlineLanes(namespace: string, layout: SourceLayout): OnlineLanes {
  const { source, held } = layout;
  const codec = changeCodec(layout);
  const keyColumns = keyColumnsOf(source);
  const dimension = layout.time < 0;
  const eventColumns = [...held, PLACE, TOLD];
  const eventTime = held.findIndex((column) => column === source.columns[layout.time]);
  const format = dimension
    ? { columns: codec.columns, time: codec.time }
    : { columns: eventColumns, time: eventTime };
  return {
    layout,
    codec,
    lanes: layout.lanes.map((lane) => ({
      lane,
      format,
      ...laneKeys(namespace, `rows:${source.name}:${lane.name}`, lane.keyColumns),
    })),
    quarantine: {
      lane: { name: "quarantine", keyColumns: [], keyIndexes: [], keepsAll: true },
      format: { columns: [...QUARANTINE, ...keyColumns], time: 0 },
      ...laneKeys(namespace, `quarantine:${source.name}`, []),
    },
    rowKey: cellKeys(namespace, `row:${source.name}`, keyColumns),
    placeColumn: held.length,
  };
}

function laneKeys(namespace: string, space: string, columns: readonly ColumnSpec[]): LaneKeys {
  const chunk = cellKeys(namespace, `${space}#`, [...columns, CHUNK]);
  return {
    head: cellKeys(namespace, space, columns),
    chunk: (key, id) => chunk([...key, BigInt(id)]),
  };
}
