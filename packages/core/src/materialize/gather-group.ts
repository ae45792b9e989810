/**
 * Gathers one group of a view's entities from the history: the rows that count on the days, and the
 * entities.
 */
import { selectRows, valueAt, type Vector } from "../columns/batch.ts";
import { bindFilter } from "../expr/bind.ts";
import { withLookups, type EventLookup } from "../offline/history-lookups.ts";
import { readingEvents, readingsOfInput, type TableReading } from "../offline/reading-events.ts";
import { inputNode } from "../plan/compile.ts";
import type { ColumnSpec, ViewSpec } from "../specs.ts";
import type { DeriveNode } from "../plan/nodes.ts";
import { eventColumns, inputOf, rowCondition } from "../plan/plan-kinds.ts";
import type { Events } from "../spi.ts";
import { columnIndex } from "../rows/row-change.ts";
import { longestReach } from "../define/window-reach.ts";
import {
  entityBytes,
  noEntities,
  type Entities,
  type EntityGroup,
  type SeenEntities,
} from "./entities.ts";
import type { LocalDate } from "./local-date.ts";
import { hashText } from "./view-fingerprint.ts";

/** The history of a table that a view reads. */
export type TableHistory = Pick<TableReading, "context" | "state">;

/** How much a group may hold in memory. A larger group is halved. */
export interface EntityGroupLimits {
  /** The bytes that the events and the entities may take, about. */
  readonly memoryLimit: number;
  /** The largest `count` of a group. */
  readonly groups: number;
  /** Whether the events are kept, beside the entities. */
  readonly keepsEvents: boolean;
}

/** The part of the memory limit that the events of a group may take. */
const EVENTS_SHARE = 3 / 4;
/** The memory of one event as measured: its entity, time and places, and each column. */
const EVENT_BYTES = 40;
const COLUMN_BYTES = 12;
/** The part of the memory limit that the entities of a group may take. */
const ENTITIES_SHARE = 1 / 4;

/** The events and entities of one group. */
export interface GatheredGroup {
  readonly group: EntityGroup;
  /** The groups that were split off, to be gathered later. */
  readonly remaining: readonly EntityGroup[];
  readonly entities: Entities;
  readonly events: readonly Events[];
  /**
   * Whether history has a row of the entity before the end of the day.
   * For dimensions and latest views: a row that holds at the end of the day.
   */
  hasRow(entity: number, day: number): boolean;
}

/** Before all event times (law 10: |µs| < 2^53). It is a number, so that later rows are skipped. */
const EARLIEST = -(2 ** 53);

/** Gathers a group, and halves it while it exceeds the limits. */
export async function gatherGroup(
  history: readonly TableHistory[],
  view: ViewSpec,
  { input }: DeriveNode,
  lookUp: EventLookup | null,
  days: readonly LocalDate[],
  asked: EntityGroup,
  seen: SeenEntities | null,
  limits: EntityGroupLimits,
  signal: AbortSignal | undefined,
): Promise<GatheredGroup> {
  const { source } = view;
  const isWindow = input.node === "window";
  const scanned = inputOf(input.input).columns;
  const planColumns = eventColumns(input.input);
  const condition = rowCondition(input.input);
  const isDimension = source.eventTime.kind === "committed";
  const [least, most] = [
    isWindow ? days[0]!.time - longestReach(input.foundIn) : -Infinity,
    days.at(-1)!.time,
  ];
  const keyColumns: readonly ColumnSpec[] = view.keyColumns.map(
    (name) => source.columns[columnIndex(source, name)]!,
  );
  const rowsRead = inputNode(view, [...scanned.map(({ name }) => name), ...view.keyColumns]);
  const { columns } = rowsRead;
  const tables = readingsOfInput(view, rowsRead).map((reading, i) => ({
    ...reading,
    ...history[i]!,
  }));
  const scannedIndexes = scanned.map((column) => columns.indexOf(column));
  const keyColumnIndexes = keyColumns.map((column) => columns.indexOf(column));
  let group = asked;
  const remaining: EntityGroup[] = [];
  const known = seen?.ofGroup(group) ?? null;
  let entities = known?.entities ?? noEntities(keyColumns.length);
  let gatheredEvents: Events[] = [];
  let rows = 0;

  const entityOf = (text: string): number => {
    const { numbers } = entities;
    const hash = hashText(text);
    if (hash % group.count !== group.index) return -1;
    const number = numbers.add(text, hash);
    if (number < entities.first.length) return number;
    for (const values of entities.keys) values.push(null);
    entities.first.push(Infinity);
    if (isDimension) entities.seen.push(new Uint8Array(days.length));
    return number;
  };

  const isTooLarge = (): boolean =>
    rows * (EVENT_BYTES + COLUMN_BYTES * planColumns.length) > limits.memoryLimit * EVENTS_SHARE ||
    entityBytes(entities, days.length) > limits.memoryLimit * ENTITIES_SHARE;

  function halve(): void {
    remaining.push({ count: group.count * 2, index: group.index + group.count });
    group = { count: group.count * 2, index: group.index };
    const before = entities;
    entities = noEntities(keyColumns.length);
    const newNumbers = before.numbers.texts.map((text, number) => {
      const now = entityOf(text);
      if (now < 0) return now;
      entities.keys.forEach((values, k) => {
        values[now] = before.keys[k]![number]!;
      });
      entities.first[now] = before.first[number]!;
      if (isDimension) entities.seen[now] = before.seen[number]!;
      return now;
    });
    rows = 0;
    gatheredEvents = gatheredEvents.flatMap((events) => {
      const kept = selectEvents(events, (i) =>
        events.entity[i]! < 0 ? -1 : newNumbers[events.entity[i]!]!,
      );
      rows += kept?.length ?? 0;
      return kept === null ? [] : [kept];
    });
  }

  const query = {
    entityOf,
    signal,
    // Of a dimension every version counts. Of other sources only the current versions count.
    knowledge: "as-corrected" as const,
    // a row of any time may say that an entity has rows
    times: { min: known === null ? EARLIEST : Math.min(least, known.until), max: most },
  };
  for await (const events of withLookups(readingEvents(tables, query, { count: 0 }), lookUp)) {
    signal?.throwIfAborted();
    const { length, entity, time, from, to } = events;
    const vectors: readonly Vector[] = keyColumnIndexes.map(
      (index) => events.columns.vectors[index]!,
    );
    const { keys, first, seen: seenVersions } = entities;
    const passes = condition === null ? null : bindFilter(condition, events.columns, { count: 0 });
    let kept = 0;
    for (let i = 0; i < length; i++) {
      const number = entity[i]!;
      if (number < 0) continue;
      if (passes !== null && !passes(i)) {
        entity[i] = -1;
        continue;
      }
      if (keys[0]![number] === null)
        for (let k = 0; k < keys.length; k++) keys[k]![number] = valueAt(vectors[k]!, i);
      const at = time[i]!;
      if (!isDimension) {
        if (at < first[number]!) first[number] = at;
      } else {
        const seenByDay = seenVersions[number]!;
        for (let day = 0; day < days.length; day++)
          if (from[i]! < days[day]!.time && days[day]!.time <= to[i]!) seenByDay[day] = 1;
      }
      if (at < least || at > most || !limits.keepsEvents) entity[i] = -1;
      else kept++;
    }
    if (kept === 0) continue;
    const own = {
      ...events,
      columns: {
        length,
        columns: planColumns,
        // those that are looked up stand behind the keys
        vectors: [
          ...scannedIndexes.map((index) => events.columns.vectors[index]!),
          ...events.columns.vectors.slice(columns.length),
        ],
      },
    };
    gatheredEvents.push(kept * 2 > length ? own : selectEvents(own, (i) => entity[i]!)!);
    rows += kept;
    while (isTooLarge() && entities.numbers.texts.length > 1 && group.count < limits.groups)
      halve();
  }

  seen?.keep(entities);
  const { first, seen: seenVersions } = entities;
  return {
    group,
    remaining,
    entities,
    events: gatheredEvents,
    hasRow: isDimension
      ? (number, day) => seenVersions[number]![day] === 1
      : isWindow
        ? (number, day) => first[number]! < days[day]!.time
        : (number, day) => first[number]! <= days[day]!.time,
  };
}

/** The rows that have an entity, under its new number. null: no row has one. */
function selectEvents(events: Events, entityAt: (row: number) => number): Events | null {
  const selected = new Uint8Array(events.length);
  let length = 0;
  for (let i = 0; i < events.length; i++) {
    if (entityAt(i) < 0) continue;
    selected[i] = 1;
    length++;
  }
  if (length === 0) return null;
  const result = {
    length,
    entity: new Int32Array(length),
    time: new Float64Array(length),
    from: new Float64Array(length),
    to: new Float64Array(length),
  };
  let at = 0;
  for (let i = 0; i < events.length; i++) {
    if (selected[i] === 0) continue;
    result.entity[at] = entityAt(i);
    result.time[at] = events.time[i]!;
    result.from[at] = events.from[i]!;
    result.to[at] = events.to[i]!;
    at++;
  }
  return { ...result, columns: selectRows(events.columns, selected) };
}
