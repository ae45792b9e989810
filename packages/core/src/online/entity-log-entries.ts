/**
 * Where a row stands: from its changes to its places in the lanes, so that a change is what goes
 * out and what comes in.
 */
import { keyText } from "../columns/key-bytes.ts";
import type { Value } from "../specs.ts";
import { sameValue, type LaneEdit } from "./entity-log-edit.ts";
import type { LaneRow } from "./entity-log-cells.ts";
import { QUARANTINE_COLUMNS, type OnlineLane, type OnlineLanes } from "./entity-logs.ts";
import type { RowChange } from "../rows/row-change.ts";
import { deriveVersions, type RowVersion } from "../rows/row-versions.ts";
import { quarantineOf, type Quarantine } from "../rows/quarantine.ts";

/** One row in one lane. */
export interface LaneEntry {
  readonly lane: OnlineLane;
  readonly key: readonly Value[];
  readonly row: LaneRow;
  /** Equal for equal entries of one row. */
  readonly id: string;
}

/** Where a quarantined change came from, for the list of quarantined rows. */
export type OriginOf = (change: {
  readonly place: bigint;
  readonly offset: number;
}) => { readonly topic: string; readonly partition: number } | undefined;

export function laneEntries(
  lanes: OnlineLanes,
  key: readonly Value[],
  changes: readonly RowChange[],
  originOf: OriginOf,
): readonly LaneEntry[] {
  const versions = deriveVersions(lanes.layout.source, changes, []);
  const now = versions.at(-1);
  if (now === undefined) return [];
  const quarantine = now.values === null ? null : quarantineIn(lanes, now);
  // a change that comes late may fill a column that the newest left out: the entry is another then
  const id = changes.map(({ place, offset }) => `${place}/${offset}`).join(" ");
  const told = changes.length > 1 ? changes[0]!.place : null;
  const entries =
    lanes.layout.time < 0
      ? dimensionEntries(lanes, key, changes, versions)
      : now.values === null || quarantine?.whole === true
        ? []
        : eventEntries(lanes, now, told, id);
  if (quarantine === null) return entries;
  const origin = originOf(now);
  const row = [
    now.committed,
    now.place,
    origin?.topic ?? null,
    origin?.partition ?? null,
    now.offset,
    quarantine.column,
    quarantine.reason,
    ...key,
  ];
  return [...entries, { lane: lanes.quarantine, key: [], row, id: `quarantine ${id}` }];
}

/** `whole`: the row is in no lane at all; else it misses only the lanes whose key it lacks. */
export function quarantineIn(
  lanes: OnlineLanes,
  version: RowVersion,
): (Quarantine & { readonly whole: boolean }) | null {
  const { source, time, lanes: list } = lanes.layout;
  const row = { ...version, values: version.values! };
  const whole = quarantineOf(source, time, [], row);
  const any = whole ?? quarantineOf(source, time, list, row);
  return any === null ? null : { ...any, whole: whole !== null };
}

/**
 * `told`: the place of the oldest change that tells a column which the newest left out; null: it
 * left out none.
 */
function eventEntries(
  lanes: OnlineLanes,
  now: RowVersion,
  told: bigint | null,
  id: string,
): readonly LaneEntry[] {
  const { heldIndexes } = lanes.layout;
  const row = [...heldIndexes.map((index) => now.values![index]!), now.place, told];
  return lanes.lanes.flatMap((lane) => {
    const key = keyIn(lane, now.values!);
    if (key === null) return [];
    return [
      { lane, key, row, id: `${lane.lane.name} ${keyText(lane.lane.keyColumns, key)} ${id}` },
    ];
  });
}

/**
 * Every entity that a version of the row ever belonged to gets all its changes: the reader derives
 * the versions, truncates included.
 */
function dimensionEntries(
  lanes: OnlineLanes,
  key: readonly Value[],
  changes: readonly RowChange[],
  versions: readonly RowVersion[],
): readonly LaneEntry[] {
  return lanes.lanes.flatMap((lane) => {
    const keys = new Map<string, readonly Value[]>();
    for (const version of versions) {
      const entity = version.values === null ? null : keyIn(lane, version.values);
      if (entity !== null) keys.set(keyText(lane.lane.keyColumns, entity), entity);
    }
    return [...keys].flatMap(([text, entity]) =>
      changes.map((change) => ({
        lane,
        key: entity,
        row: lanes.codec.toRow(change, key),
        id: `${lane.lane.name} ${text} ${change.place} ${change.offset}`,
      })),
    );
  });
}

function keyIn(lane: OnlineLane, values: readonly Value[]): readonly Value[] | null {
  const key = lane.lane.keyIndexes.map((index) => values[index] ?? null);
  return key.includes(null) ? null : key;
}

/** What takes this entry out of its lane again: the row with its key and its place. */
export function removal(lanes: OnlineLanes, entry: LaneEntry): LaneEdit {
  const { format } = entry.lane;
  const quarantined = entry.lane === lanes.quarantine;
  const keyColumns = lanes.layout.source.primaryKey.map((name) =>
    format.columns.findIndex((column) => column.name === name),
  );
  const place = format.columns.findIndex((column) => column.name === "~place");
  const columns = quarantined
    ? [place, ...lanes.layout.source.primaryKey.map((_, k) => QUARANTINE_COLUMNS + k)]
    : [place, ...keyColumns];
  return {
    put: null,
    remove: {
      time: entry.row[format.time] as number,
      same: (row) => columns.every((c) => sameValue(row[c]!, entry.row[c]!)),
    },
  };
}
