/** The entity logs of a source in the online store: their formats and the keys of their cells. */
import { primaryKeyColumns } from "../rows/row-change.ts";
import { cellKeys } from "../columns/key-bytes.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import type { EntityLogFormat } from "./entity-log-cells.ts";
import { changeCodec, type ChangeCodec } from "./row-cells.ts";
import type { EntityLogLayout, SourceLayout } from "./source-layout.ts";
import type { SourceState } from "./source-state.ts";

const SEGMENT_ID: ColumnSpec = { name: "~segment", database: "", type: "int64", nullable: false };
const OLDEST_IMAGE_ORDER: ColumnSpec = {
  name: "~oldest_image_order",
  database: "",
  type: "int64",
  nullable: true,
};
const LOG_ORDER: ColumnSpec = { name: "~order", database: "", type: "int64", nullable: false };

/** The columns of a quarantined row, before its primary key. */
const QUARANTINE: readonly ColumnSpec[] = [
  { name: "~committed", database: "", type: "timestamp", nullable: false },
  LOG_ORDER,
  { name: "~topic", database: "", type: "string", nullable: true },
  { name: "~partition", database: "", type: "int32", nullable: true },
  { name: "~offset", database: "", type: "timestamp", nullable: true },
  { name: "~column", database: "", type: "string", nullable: true },
  { name: "~reason", database: "", type: "string", nullable: false },
];
export const QUARANTINE_COLUMNS: number = QUARANTINE.length;

export interface EntityLogKeys {
  tail(key: readonly Value[]): Uint8Array;
  segment(key: readonly Value[], id: number): Uint8Array;
  node(key: readonly Value[], id: number): Uint8Array;
  /** The beginnings of the keys of all log tails, and of all segments. */
  readonly prefixes: { readonly tails: Uint8Array; readonly segments: Uint8Array };
}

export interface EntityLog extends EntityLogKeys {
  readonly layout: EntityLogLayout;
  readonly format: EntityLogFormat;
}

export interface EntityLogs {
  readonly layout: SourceLayout;
  readonly codec: ChangeCodec;
  readonly logs: readonly EntityLog[];
  /** The quarantined rows of the source, an entity log under the empty key. */
  readonly quarantine: EntityLog;
  rowKey(key: readonly Value[]): Uint8Array;
  /** The beginning of the keys of all rows. */
  readonly rowPrefix: Uint8Array;
  /**
   * The index of the log order of an event, after its stored columns. A truncate hides the events
   * before its own log order. The next column is the oldest image order; null when the newest
   * change is complete. A truncate between the two orders leaves the older column unresolved.
   */
  readonly orderColumn: number;
}

export function entityLogsOf(
  namespace: string,
  { layout, build }: Pick<SourceState, "layout" | "build">,
): EntityLogs {
  const { source, storedColumns } = layout;
  const spaces = buildSpaces(source.name, build);
  const codec = changeCodec(layout);
  const keyColumns = primaryKeyColumns(source);
  const dimension = layout.timeIndex < 0;
  const eventColumns = [...storedColumns, LOG_ORDER, OLDEST_IMAGE_ORDER];
  const eventTime = storedColumns.findIndex(
    (column) => column === source.columns[layout.timeIndex],
  );
  const format = dimension
    ? { columns: codec.columns, timeIndex: codec.timeIndex }
    : { columns: eventColumns, timeIndex: eventTime, orderIndex: storedColumns.length };
  return {
    layout,
    codec,
    logs: layout.entityLogs.map((entityLog) => ({
      layout: entityLog,
      format,
      ...entityLogKeys(namespace, spaces.entityLog(entityLog.name), entityLog.keyColumns),
    })),
    quarantine: {
      layout: { name: "quarantine", keyColumns: [], keyIndexes: [], keepsAll: true },
      format: { columns: [...QUARANTINE, ...keyColumns], timeIndex: 0 },
      ...entityLogKeys(namespace, spaces.quarantine, []),
    },
    rowKey: cellKeys(namespace, spaces.row, keyColumns),
    rowPrefix: cellKeys(namespace, spaces.row, [])([]),
    orderColumn: storedColumns.length,
  };
}

/** The spaces of a build's cells. Build 0 has the plain names. */
export function buildSpaces(
  source: string,
  build: number,
): {
  readonly row: string;
  readonly quarantine: string;
  readonly entityLog: (name: string) => string;
} {
  const suffix = build === 0 ? "" : `/${build}`;
  return {
    row: `row${suffix}:${source}`,
    quarantine: `quarantine${suffix}:${source}`,
    entityLog: (name) => `rows${suffix}:${source}:${name}`,
  };
}

/** The space of the segments of an entity log. */
export function segmentSpace(space: string): string {
  return `${space}#`;
}

/** The space of the nodes of an entity log. */
export function nodeSpace(space: string): string {
  return `${space}^`;
}

function entityLogKeys(
  namespace: string,
  space: string,
  columns: readonly ColumnSpec[],
): EntityLogKeys {
  const segment = cellKeys(namespace, segmentSpace(space), [...columns, SEGMENT_ID]);
  const node = cellKeys(namespace, nodeSpace(space), [...columns, SEGMENT_ID]);
  return {
    tail: cellKeys(namespace, space, columns),
    segment: (key, id) => segment([...key, BigInt(id)]),
    node: (key, id) => node([...key, BigInt(id)]),
    prefixes: {
      tails: cellKeys(namespace, space, [])([]),
      segments: cellKeys(namespace, segmentSpace(space), [])([]),
    },
  };
}
