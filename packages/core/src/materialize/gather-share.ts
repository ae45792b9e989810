/** What history has of a share of a view's entities: the rows that can count on the days asked, and which entities there are. */
import { selectRows, valueAt, type Vector } from "../columns/batch.ts";
import type { HistoryContext } from "../history/merge-versions.ts";
import { versionEvents, type HistoryState } from "../history/version-events.ts";
import type { ColumnSpec, Value, ViewSpec } from "../model.ts";
import type { AggregatePlan, Events, JoinPlan } from "../spi.ts";
import { columnIndex } from "../stream/row-change.ts";
import type { LocalDate } from "./local-date.ts";
import { hashText } from "./view-meaning.ts";

/** The entities whose hash leaves `index` when it is divided by `count`, a power of two. */
export interface Share {
  readonly count: number;
  readonly index: number;
}

/** What a share may hold in memory; one that would hold more is halved. */
export interface ShareLimits {
  readonly events: number;
  readonly rows: number;
  /** Shares are not made smaller than one in so many. */
  readonly shares: number;
}

export interface GatheredShare {
  readonly share: Share;
  /** What was split off, for later. */
  readonly left: readonly Share[];
  readonly entities: number;
  readonly events: readonly Events[];
  hashOf(entity: number): number;
  textOf(entity: number): string;
  keyOf(entity: number): readonly Value[];
  /** Whether history has a row of the entity that lies before the end of the day (dimensions and facts: one that holds there). */
  isThere(entity: number, day: number): boolean;
}

interface Entity {
  readonly text: string;
  readonly hash: number;
  readonly key: readonly Value[];
  /** The time of its first row; for a dimension, Infinity. */
  first: number;
  /** Dimensions: by day, whether a version is seen. */
  readonly seen: Uint8Array | null;
}

export async function gatherShare(
  context: HistoryContext, state: HistoryState, view: ViewSpec, plan: AggregatePlan | JoinPlan, days: readonly LocalDate[],
  asked: Share, limits: ShareLimits, signal: AbortSignal | undefined,
): Promise<GatheredShare> {
  const { source } = context;
  const isWindow = "longest" in plan;
  const isDimension = source.eventTime.is === "committed";
  const [least, most] = [isWindow ? days[0]!.time - plan.longest : -Infinity, days.at(-1)!.time];
  const keyColumns: readonly ColumnSpec[] = view.keyColumns.map((name) => source.columns[columnIndex(source, name)]!);
  const columns = [...plan.columns, ...keyColumns.filter((column) => !plan.columns.includes(column))];
  const keyPlaces = keyColumns.map((column) => columns.indexOf(column));
  let share = asked;
  const left: Share[] = [];
  /** By number; a number without a row that was ever seen stays empty. */
  let entities: (Entity | undefined)[] = [];
  let numbers = new Map<string, number>();
  let held: Events[] = [];
  let rows = 0;

  const entityOf = (text: string): number => {
    if (share.count > 1 && hashText(text) % share.count !== share.index) return -1;
    let number = numbers.get(text);
    if (number === undefined) {
      number = entities.length;
      numbers.set(text, number);
      texts.push(text);
      entities.push(undefined);
    }
    return number;
  };
  let texts: string[] = [];

  function halve(): void {
    left.push({ count: share.count * 2, index: share.index + share.count });
    share = { count: share.count * 2, index: share.index };
    const renamed = new Int32Array(entities.length).fill(-1);
    const before = { entities, texts };
    [entities, texts, numbers] = [[], [], new Map()];
    before.texts.forEach((text, number) => {
      const now = entityOf(text);
      renamed[number] = now;
      if (now >= 0) entities[now] = before.entities[number];
    });
    rows = 0;
    held = held.flatMap((events) => {
      const kept = onlyRows(events, (i) => (events.entity[i]! < 0 ? -1 : renamed[events.entity[i]!]!));
      rows += kept?.length ?? 0;
      return kept === null ? [] : [kept];
    });
  }

  const query = {
    columns, keyColumns: view.keyColumns, entityOf, signal,
    // with the versions that are over, so that an entity is known whose rows are all gone; they count for nothing below
    knowledge: "as known" as const, times: { min: -Infinity, max: most },
  };
  for await (const events of versionEvents(context, state, query)) {
    signal?.throwIfAborted();
    const { length, entity, time, from, to } = events;
    const vectors = keyPlaces.map((place) => events.columns.vectors[place]!);
    let kept = 0;
    for (let i = 0; i < length; i++) {
      const number = entity[i]!;
      if (number < 0) continue;
      const one = entities[number] ??= {
        text: texts[number]!, hash: hashText(texts[number]!), key: vectors.map((vector: Vector) => valueAt(vector, i)), first: Infinity, seen: isDimension ? new Uint8Array(days.length) : null,
      };
      const at = time[i]!;
      if (one.seen === null) {
        if (to[i] !== Infinity) { entity[i] = -1; continue; }
        from[i] = -Infinity;
        if (at < one.first) one.first = at;
      } else {
        for (let day = 0; day < days.length; day++) if (from[i]! < days[day]!.time && days[day]!.time <= to[i]!) one.seen[day] = 1;
      }
      if (at < least || at > most) entity[i] = -1;
      else kept++;
    }
    if (kept === 0) continue;
    const own = { ...events, columns: { length, columns: plan.columns, vectors: events.columns.vectors.slice(0, plan.columns.length) } };
    held.push(kept * 2 > length ? own : onlyRows(own, (i) => entity[i]!)!);
    rows += kept;
    while ((rows > limits.events || entities.length * days.length > limits.rows) && entities.length > 1 && share.count < limits.shares) halve();
  }

  return {
    share, left, entities: entities.length, events: held,
    hashOf: (number) => entities[number]!.hash,
    textOf: (number) => entities[number]!.text,
    keyOf: (number) => entities[number]!.key,
    isThere(number, day) {
      const one = entities[number];
      if (one === undefined) return false;
      if (one.seen !== null) return one.seen[day] === 1;
      return isWindow ? one.first < days[day]!.time : one.first <= days[day]!.time;
    },
  };
}

/** The rows that have an entity (−1: none), under its new number; null: there is none. */
function onlyRows(events: Events, entityAt: (row: number) => number): Events | null {
  const marks = new Uint8Array(events.length);
  let length = 0;
  for (let i = 0; i < events.length; i++) {
    if (entityAt(i) < 0) continue;
    marks[i] = 1;
    length++;
  }
  if (length === 0) return null;
  const result = { length, entity: new Int32Array(length), time: new Float64Array(length), from: new Float64Array(length), to: new Float64Array(length) };
  let at = 0;
  for (let i = 0; i < events.length; i++) {
    if (marks[i] === 0) continue;
    result.entity[at] = entityAt(i);
    result.time[at] = events.time[i]!;
    result.from[at] = events.from[i]!;
    result.to[at] = events.to[i]!;
    at++;
  }
  return { ...result, columns: selectRows(events.columns, marks) };
}
