/** The rows of a view on some days, share by share of its entities, through the engine. */
import { vectorBuilder, type Batch, type Vector } from "../columns/batch.ts";
import type { HistoryContext } from "../offline/merge-versions.ts";
import type { HistoryState } from "../offline/version-events.ts";
import type { ColumnSpec, Value, ViewSpec } from "../specs.ts";
import type { Answers, ComputeEngine, EntityRows, Events, TableSpec } from "../spi.ts";
import { planOf } from "../plan/view-plans.ts";
import { gatherShare, type GatheredShare, type Share, type ShareLimits } from "./gather-bucket.ts";
import { DATE, EVENT_TIMESTAMP } from "./features-table.ts";
import type { LocalDate } from "./local-date.ts";
import { pageEncoder, pagesFor } from "./segment-codec.ts";
import type { PagesWriter } from "./online-segments.ts";

export interface DaysToCompute {
  readonly context: HistoryContext;
  readonly state: HistoryState;
  readonly view: ViewSpec;
  readonly table: TableSpec;
  readonly engine: ComputeEngine;
  /** In their order. */
  readonly days: readonly LocalDate[];
  readonly limits: Omit<ShareLimits, "shares"> & {
    /** What the engine computes at once, about. */ readonly part: number;
  };
  /** Takes the rows of the last day; null: they go to the table only. */
  readonly online: PagesWriter | null;
  /** How many rows a day had in a share. */
  readonly onRows: (day: number, rows: number) => void;
  readonly signal: AbortSignal | undefined;
}

const MOST_SHARES = 2 ** 24;
/** Pages of one share, at least: so often may a later share be halved without parting a page. */
const PAGES_PER_SHARE = 1024;

/**
 * Batches of the features table. The online rows are written on the way, and served when all are.
 */
export async function* computeDays(options: DaysToCompute): AsyncGenerator<Batch> {
  const { context, state, view, table, engine, days, online, signal } = options;
  const plan = planOf(view, view.features);
  const waiting: Share[] = [{ count: 1, index: 0 }];
  let pages: number | null = null;
  for (let share = waiting.pop(); share !== undefined; share = waiting.pop()) {
    const gathered = await gatherShare(
      context,
      state,
      view,
      plan,
      days,
      share,
      { ...options.limits, shares: pages ?? MOST_SHARES },
      signal,
    );
    waiting.push(...gathered.left);
    if (online !== null && pages === null) {
      const { count } = gathered.share;
      pages = Math.max(
        pagesFor(gathered.entities * count),
        count === 1 ? 1 : count * PAGES_PER_SHARE,
      );
      await online.expect(pages);
    }
    for (const part of partsOf(gathered, pages, days.length, options.limits.part)) {
      const { rows, entities, starts } = rowsAsked(gathered, days, part.entities);
      const answers = await ("longest" in plan
        ? engine.aggregate(plan, part.events(), rows, { signal })
        : engine.joinAsOf(plan, part.events(), rows, { signal }));
      for (let day = 0; day < days.length; day++) {
        const [from, to] = [starts[day]!, starts[day + 1]!];
        options.onRows(day, to - from);
        if (to === from) continue;
        const own = entities.subarray(from, to);
        const batch = batchOfDay(table, view, gathered, own, answers, days[day]!, from);
        // first: the offline store may be busy with it while the online store takes its pages
        yield batch;
        if (online !== null && day === days.length - 1)
          await writePages(online, pages!, view, gathered, own, batch);
      }
    }
  }
  // before the table's commit: a run that is killed between the two is done again, and nothing that
  // the table says is missing here
  await online?.finish();
}

/**
 * Some entities of a share, and their events, numbered by their places among them: the engine goes
 * through memory as it lies.
 */
interface Part {
  readonly entities: Int32Array;
  events(): AsyncIterable<Events>;
}

/** Parts of about so many rows, no page in two of them. */
function* partsOf(
  gathered: GatheredShare,
  pages: number | null,
  days: number,
  rows: number,
): Generator<Part> {
  const { events, entities, hashes } = gathered;
  const order = pages === null ? counting(entities) : byPage(gathered, pages);
  const places = new Int32Array(entities);
  for (let i = 0; i < entities; i++) places[order[i]!] = i;
  const parts = Math.max(1, Math.ceil((entities * days) / rows));
  for (let part = 0, first = 0; part < parts; part++) {
    let end = Math.max(first, Math.floor((entities * (part + 1)) / parts));
    if (pages !== null && end > 0)
      while (end < entities && hashes[order[end]!]! % pages === hashes[order[end - 1]!]! % pages)
        end++;
    const [from, to] = [first, end];
    first = end;
    if (from === to) continue;
    yield { entities: order.subarray(from, to), events: () => eventsOf(events, places, from, to) };
  }
}

async function* eventsOf(
  events: readonly Events[],
  places: Int32Array,
  from: number,
  to: number,
): AsyncIterable<Events> {
  for (const batch of events) {
    const entity = new Int32Array(batch.length);
    for (let i = 0; i < batch.length; i++) {
      const place = batch.entity[i]! < 0 ? -1 : places[batch.entity[i]!]!;
      entity[i] = place >= from && place < to ? place - from : -1;
    }
    yield { ...batch, entity };
  }
}

/** The entities of each page beside each other. */
function byPage({ entities, hashes }: GatheredShare, pages: number): Int32Array {
  const next = new Int32Array(pages + 1);
  for (let one = 0; one < entities; one++) next[(hashes[one]! % pages) + 1]!++;
  for (let page = 0; page < pages; page++) next[page + 1]! += next[page]!;
  const order = new Int32Array(entities);
  for (let one = 0; one < entities; one++) order[next[hashes[one]! % pages]!++] = one;
  return order;
}

/**
 * Day after day, every entity that is there: for the engine by its place among these, and by its
 * number. Rows of day d are [starts[d], starts[d + 1]).
 */
function rowsAsked(
  { isThere }: GatheredShare,
  days: readonly LocalDate[],
  asked: Int32Array,
): {
  readonly rows: EntityRows;
  readonly entities: Int32Array;
  readonly starts: readonly number[];
} {
  const most = asked.length * days.length;
  const entity = new Int32Array(most);
  const entities = new Int32Array(most);
  const time = new Float64Array(most);
  const starts = [0];
  let length = 0;
  for (let day = 0; day < days.length; day++) {
    for (let place = 0; place < asked.length; place++) {
      if (!isThere(asked[place]!, day)) continue;
      entity[length] = place;
      entities[length] = asked[place]!;
      time[length++] = days[day]!.time;
    }
    starts.push(length);
  }
  return {
    rows: {
      length,
      keys: asked.length,
      entity: entity.subarray(0, length),
      time: time.subarray(0, length),
    },
    entities: entities.subarray(0, length),
    starts,
  };
}

/** `from`: where the day's rows begin in the answers. */
function batchOfDay(
  table: TableSpec,
  view: ViewSpec,
  gathered: GatheredShare,
  entity: Int32Array,
  answers: readonly Answers[],
  day: LocalDate,
  from: number,
): Batch {
  const { length } = entity;
  const keys = view.entity.keys.length;
  const vectors = table.columns.map((column: ColumnSpec, c): Vector => {
    if (column === EVENT_TIMESTAMP)
      return { is: "float64", values: new Float64Array(length).fill(day.time), valid: null };
    if (column === DATE)
      return { is: "string", codes: new Int32Array(length), dictionary: [day.date], valid: null };
    if (c < keys) {
      const values = gathered.keys[c]!;
      // an entity comes once, so the texts of its only key differ
      if (keys === 1 && column.kind === "string")
        return {
          is: "string",
          codes: counting(length),
          dictionary: picked(values as readonly string[], entity),
          valid: null,
        };
      return vectorFrom(column, length, (row) => values[entity[row]!]!);
    }
    const { values } = answers[c - keys - 2]!;
    return vectorFrom(column, length, (row) => values[from + row]!);
  });
  return { length, columns: table.columns, vectors };
}

// plain loops: `from` of an array goes through its iterator, which costs more than all that is done
// here with a row

/** 0, 1, 2 … */
function counting(length: number): Int32Array {
  const numbers = new Int32Array(length);
  for (let i = 0; i < length; i++) numbers[i] = i;
  return numbers;
}

function picked(values: readonly string[], places: Int32Array): string[] {
  const result = new Array<string>(places.length);
  for (let i = 0; i < places.length; i++) result[i] = values[places[i]!]!;
  return result;
}

function vectorFrom(column: ColumnSpec, length: number, value: (row: number) => Value): Vector {
  const builder = vectorBuilder(column, length);
  for (let row = 0; row < length; row++) builder.push(value(row));
  return builder.finish();
}

/** The rows of the batch, which come page after page. */
async function writePages(
  online: PagesWriter,
  pages: number,
  view: ViewSpec,
  { textOf, hashes }: GatheredShare,
  entity: Int32Array,
  batch: Batch,
): Promise<void> {
  const own = new Uint32Array(entity.length);
  for (let row = 0; row < own.length; row++) own[row] = hashes[entity[row]!]!;
  const rows = {
    hashes: own,
    text: (row: number) => textOf(entity[row]!),
    columns: view.features.map(({ result }) => result),
    vectors: batch.vectors.slice(-view.features.length),
  };
  const encode = pageEncoder(rows);
  for (let start = 0; start < entity.length;) {
    const page = rows.hashes[start]! % pages;
    let end = start + 1;
    while (end < entity.length && rows.hashes[end]! % pages === page) end++;
    await online.add(page, encode(start, end));
    start = end;
  }
}
